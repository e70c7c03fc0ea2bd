"""What a command says when it cannot do what it was asked."""

from __future__ import annotations

import sys


class CommandError(Exception):
    """Bad input: the message is one sentence that says what, where, and what to do."""


def say(text: str) -> None:
    """Print a line of what a command is for, on standard output."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """Print a line about what went wrong, on standard error."""
    sys.stderr.write(text + "\n")


def os_error_sentence(error: OSError) -> str:
    """An operating-system error as a sentence, with the file that it is about.

    **Arguments:** `error`, as caught.
    **Returns:** one line.
    """
    what = error.strerror or str(error) or type(error).__name__
    where = f"{error.filename}: " if error.filename else ""
    remedy = {
        PermissionError: "choose a folder that you may write to, or change its permissions",
        FileNotFoundError: "check the spelling of the path",
        NotADirectoryError: "give a folder, not a file",
        IsADirectoryError: "give a file, not a folder",
    }.get(type(error), "free some space or choose another folder")
    return f"{where}{what}; {remedy}"
