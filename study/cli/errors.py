"""What may end a command early: the person's mistakes in words, another launch, Ctrl-C, and our own mistakes."""

import errno
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from study.cli.terminal import terminal

UNFINISHED, WRONG, HELD, STOPPED = 1, 2, 3, 130
"""Exit statuses: failed or blocked trials, bad spec or command, held by another launch, stopped by hand."""
UNHEARD = 141
"""Exit status where the reader of a pipe has gone (`| head`): what a shell reports of SIGPIPE."""
OURS = ("study", "trainables", "dashboards")
"""The packages whose ValueErrors speak to the user."""
STORAGE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space, or have the quota raised",
    errno.EROFS: "have it made writable",
    errno.EIO: "have the disk, or its server, looked at",
    errno.ESTALE: "have it mounted again",
    errno.EHOSTDOWN: "have its server started again",
}
"""What a store's disk or server may say, and what to do: no mistake of the program's."""
TRACEBACK_LINES = 3
"""Innermost calls shown of an error that is no fault of the user's."""


class CommandError(ValueError):
    """A command that cannot be carried out as it was typed."""


class Commands(TyperGroup):
    """The commands, and the one place where what they raise becomes words and an exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(STOPPED) from None
        except BrokenPipeError:
            _close_quietly()
            raise typer.Exit(UNHEARD) from None
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")  # pydantic's, before typer's own words
            raise
        except Exception as error:
            status = said(error)
            if status is None:
                raise
            raise typer.Exit(status) from None


def said(error: Exception) -> int | None:
    """Print `error` for the person at the keyboard; its exit status, None where the command line handles it itself."""
    if type(error).__module__.partition(".")[0] in ("typer", "click"):
        return None
    if type(error).__name__ in ("HeldError", "SupersededError") and type(error).__module__.startswith("study."):
        _print(str(error))
        return HELD
    if is_for_the_user(error):
        _print(str(error))
        return UNFINISHED if isinstance(error, OSError) else WRONG  # storage that failed: nothing that was typed
    if isinstance(error, OSError) and error.errno in STORAGE:
        _print(
            f"{error.filename or 'storage'}: {error.strerror}; {STORAGE[error.errno]}, then the same command goes on"
        )
        return UNFINISHED
    _print(_short_traceback(error))
    return UNFINISHED


def is_for_the_user(error: Exception) -> bool:
    """Whether the error is one of this project's own ValueErrors: those speak to the user."""
    return isinstance(error, ValueError) and type(error).__module__.partition(".")[0] in OURS


def _short_traceback(error: Exception) -> str:
    calls = "".join(traceback.format_tb(error.__traceback__)[-TRACEBACK_LINES:])
    name = f"{type(error).__name__}: {error}"
    return (
        f"{calls}{name}\nThis is a mistake in the program, not in what you typed.  Please report it with these lines."
    )


def _print(text: str) -> None:
    terminal(error=True).print(text)


def _close_quietly() -> None:
    """Keep Python from complaining, as it ends, about a reader that has gone."""
    with open("/dev/null", "w") as nowhere:  # noqa: PTH123
        sys.stdout = nowhere
