"""The learner's own lines of a traceback: not ours, not NumPy's."""

from __future__ import annotations

import re
import sysconfig
import traceback
from pathlib import Path

_OURS = str(Path(__file__).resolve().parent.parent)
_FOREIGN = tuple(
    sorted({path for key, path in sysconfig.get_paths().items() if key != "scripts" and path})
)
_DEEPEST = 6
_LONGEST = 500


def learner_traceback(error: BaseException) -> str:
    """The frames of the learner's own code, and the error's last line.

    **Returns:** lines such as `line 3, in encode:    return x @ W_enc`, then the error; when no
    frame is the learner's (a bare call into a library), the error alone.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not _is_foreign(frame.filename)
    ]
    lines = []
    if len(frames) > _DEEPEST:
        lines.append(f"... {len(frames) - _DEEPEST} calls before, then")
    for frame in frames[-_DEEPEST:]:
        code = f":    {frame.line}" if frame.line else ""
        lines.append(f"line {frame.lineno}, in {frame.name}{code}")
    return "\n".join([*lines, error_line(error)])


def raised_by_the_learner(error: BaseException) -> bool:
    """Whether the line that raised is the learner's own, and not a library's that they called."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and not _is_foreign(frames[-1].filename)


def error_line(error: BaseException) -> str:
    """The error's type and message in one line, also when its own `str` raises."""
    try:
        message = str(error)
    except BaseException:  # it is the learner's code that runs here
        message = "(its message cannot be shown)"
    message = re.sub(r"\s+", " ", showable(message)).strip()
    if len(message) > _LONGEST:  # somebody put an array into it
        message = f"{message[:_LONGEST]} ..."
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def showable(text: str) -> str:
    """The text without halves of characters, which no notebook can send to its page."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _is_foreign(filename: str) -> bool:
    if filename.startswith("<"):  # a notebook cell, a string, the prompt
        return filename.startswith(("<frozen", "<__array_function__"))
    path = str(Path(filename).resolve())
    return path.startswith(_OURS) or path.startswith(_FOREIGN)
