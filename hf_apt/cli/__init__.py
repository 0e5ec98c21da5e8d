"""The command line: options, commands and terminal tables; the only room that prints."""


def main() -> None:
    """Run the command line."""
    from hf_apt.cli.app import app

    app()
