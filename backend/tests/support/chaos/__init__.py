"""The chaos run: real processes, a proxy that breaks connections, and viewers that must not notice."""
