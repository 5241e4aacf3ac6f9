"""The `headway` command. Each command imports what it needs when it runs, so that `--help` is quick."""


def main() -> None:
    """Run the command line; the exit code tells the outcome."""
    from headway.cli.app import app

    app()
