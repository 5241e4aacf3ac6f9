"""The `headway` command. Each command imports what it needs when it runs, so that `--help` is quick."""


def main() -> None:
    """Run the command line; the exit code tells the outcome."""
    try:
        from headway.cli.app import app

        app()
    except KeyboardInterrupt:  # while the imports still went on
        raise SystemExit(130) from None
