"""The command line `study`: one module a screen, `commands.py` what is typed."""

from study.cli.commands import app


def main() -> None:
    """The console script."""
    app(prog_name="study")
