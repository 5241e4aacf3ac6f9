"""Where the `headway` command begins: outside the package, whose import alone takes a fifth of a second."""


def main() -> None:
    """Run the command line; the exit code tells the outcome."""
    try:
        from headway.cli.app import app

        app()
    except KeyboardInterrupt:  # while the imports still went on
        raise SystemExit(130) from None
