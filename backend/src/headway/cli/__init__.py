"""The `headway` command; it begins in `headway_command`. Each command imports what it needs when it runs."""
