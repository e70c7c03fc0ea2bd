"""Remembers what a learner has done, in one small JSON file in their data folder.

The file is written to a temporary name, flushed and renamed, under a lock, so that two notebooks
at once or a power cut lose nothing. A damaged file is moved aside, never replaced in silence.
"""

from __future__ import annotations

import datetime
import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout
from platformdirs import user_data_path

from saeedu.grading.verdict import Status

T = TypeVar("T")

FORMAT = 1
_LOCK_SECONDS = 5


class ProgressWarning(UserWarning):
    """The progress file could not be read or written; the check itself is not affected."""


def home() -> Path:
    """The folder for the learner's state: `SAEEDU_HOME`, or the user's data folder."""
    override = os.environ.get("SAEEDU_HOME")
    return Path(override).expanduser() if override else user_data_path("saeedu", appauthor=False)


def progress_file() -> Path:
    """Where progress is kept."""
    return home() / "progress.json"


def load() -> dict[str, dict[str, Any]]:
    """What is remembered, by exercise id; empty when there is nothing yet.

    Each entry has "status" (the last), "passed" (when first, or None), "attempts" and "hints"
    (how many were shown), and "solution" (whether it was). A damaged file is moved aside to
    `progress.damaged-<time>.json` with a `ProgressWarning` that says so.
    """
    file = progress_file()
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        if isinstance(error, UnicodeDecodeError):
            return _move_aside(file, "it is not UTF-8 text")
        _warn(f"cannot read {file} ({error.strerror}); your earlier progress is not shown")
        return {}
    try:
        data = json.loads(text)
        entries = data["exercises"]
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}, this version reads {FORMAT}")
        if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
            raise ValueError("its entries are not as this program writes them")
    except (ValueError, KeyError, TypeError) as error:
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        return _move_aside(file, reason)
    return dict(entries)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("attempts"), int)
        and isinstance(entry.get("hints"), int)
        and isinstance(entry.get("status"), str | None)
        and isinstance(entry.get("passed"), str | None)
    )


def record_verdict(exercise_id: str, status: Status) -> None:
    """Remember a verdict. A pass, once reached, is never taken back by a later wrong answer."""

    def change(entry: dict[str, Any]) -> None:
        if status == "not_attempted":
            # Also the case of a test cell that ran again on its own: it changes nothing.
            entry["status"] = entry["status"] or status
            return
        entry["attempts"] += 1
        entry["status"] = status
        if status == "passed" and entry["passed"] is None:
            entry["passed"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

    _update(exercise_id, change)


def record_hint(exercise_id: str, n_hints: int) -> int:
    """Count one more hint as shown; **Returns:** how many are now."""

    def change(entry: dict[str, Any]) -> int:
        entry["hints"] = min(entry["hints"] + 1, n_hints)
        return int(entry["hints"])

    shown = _update(exercise_id, change)
    # Where nothing can be remembered, all are shown rather than the first again and again.
    return n_hints if shown is None else shown


def record_solution(exercise_id: str) -> int:
    """Remember that the solution was shown; **Returns:** how many hints had been."""

    def change(entry: dict[str, Any]) -> int:
        entry["solution"] = True
        return int(entry["hints"])

    return _update(exercise_id, change) or 0


def _new_entry() -> dict[str, Any]:
    return {"status": None, "passed": None, "attempts": 0, "hints": 0, "solution": False}


def _update(exercise_id: str, change: Callable[[dict[str, Any]], T]) -> T | None:
    """Read, change one entry, and write, under a lock; a failure warns and is not fatal."""
    file = progress_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.with_suffix(".lock"), timeout=_LOCK_SECONDS):
            entries = load()
            result = change(entries.setdefault(exercise_id, _new_entry()))
            _write(file, entries)
            return result
    except (OSError, Timeout) as error:
        _warn(
            f"progress is not being saved: cannot write {file} "
            f"({getattr(error, 'strerror', None) or error}). "
            f"Set SAEEDU_HOME to a folder that you may write to"
        )
        return None


def _write(file: Path, entries: dict[str, dict[str, Any]]) -> None:
    text = json.dumps({"format": FORMAT, "exercises": entries}, indent=1, sort_keys=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".progress-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _move_aside(file: Path, reason: str) -> dict[str, dict[str, Any]]:
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d-%H%M%S-%f")
    aside = file.with_name(f"progress.damaged-{stamp}.json")
    try:
        file.rename(aside)
    except OSError as error:
        _warn(f"{file} is damaged ({reason}) and could not be moved aside ({error.strerror})")
        return {}
    _warn(f"{file} is damaged ({reason}). It was kept as {aside.name}; progress starts afresh")
    return {}


def _warn(message: str) -> None:
    warnings.warn(message, ProgressWarning, stacklevel=4)
