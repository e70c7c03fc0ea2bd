"""Putting built notebooks on disk, and telling what is stale, edited or astray there."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saeedu.builder.notebook import content_hash
from saeedu.builder.problems import Problem, shown

# "runs" is where a notebook that ran here has saved its SAE.
IGNORED = (".ipynb_checkpoints", ".gitkeep", ".DS_Store", "runs")


def compare(folder: Path, files: Mapping[str, bytes], sources: Mapping[str, str]) -> list[Problem]:
    """What in a folder of built notebooks is not as a build would leave it.

    **Arguments:** `folder`; `files`, what it should hold; `sources`, for each file what it is
    built from.
    **Returns:** a problem for every file that is missing, stale or edited by hand.
    """
    problems = []
    for name, built in files.items():
        path = folder / name
        if not path.is_file():
            what, remedy = "missing", f"run saeedu build (it is built from {sources[name]})"
        elif _same(path.read_bytes(), built):
            continue
        elif edited_by_hand(path):
            what = "edited by hand"
            remedy = f"edit {sources[name]} instead, and run saeedu build"
        else:
            what = "stale"
            remedy = f"it is built from {sources[name]}: after editing that, run saeedu build"
        problems.append(Problem(path, 1, what, remedy))
    return problems


def strays(folder: Path, expected: Mapping[str, bytes]) -> list[Problem]:
    """Files that no chapter builds.

    **Arguments:** `folder`, of built notebooks; `expected`, the names that belong there.
    **Returns:** a problem for each.
    """
    if not folder.is_dir():
        return []
    remedy = "move it elsewhere: only what is built from a lesson lives here"
    return [
        Problem(path, 1, "a stray file", remedy)
        for path in sorted(folder.iterdir())
        if path.name not in expected and path.name not in IGNORED
    ]


def write(folder: Path, files: Mapping[str, bytes], aside: Path) -> list[str]:
    """Write what differs; what a person edited is first moved aside.

    **Arguments:** `folder`, made if need be; `files`, names and bytes; `aside`, the folder for
    notebooks that were edited by hand.
    **Returns:** a line for every file written or moved.
    **Raises:** `OSError` when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said = []
    for name, built in files.items():
        path = folder / name
        if path.is_file():
            if _same(path.read_bytes(), built):
                continue
            if edited_by_hand(path):
                kept = _move_aside(path, aside)
                said.append(f"{shown(path)} was edited by hand: kept as {shown(kept)}")
        write_atomically(path, built)
        said.append(f"wrote {shown(path)}")
    return said


def edited_by_hand(path: Path) -> bool:
    """Whether a built notebook's cells are no longer those that it was built with.

    **Arguments:** `path`, of a file that exists.
    **Returns:** True too when the file is no built notebook at all. Outputs do not count.
    """
    try:
        notebook: Any = json.loads(path.read_bytes())
        return bool(content_hash(notebook["cells"]) != notebook["metadata"]["saeedu"]["sha256"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return True


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of either.

    **Arguments:** `path`; `data`.
    **Raises:** `OSError` when the folder cannot be written.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _same(on_disk: bytes, built: bytes) -> bool:
    # Git may check files out with other line ends; that is nobody's edit.
    return on_disk.replace(b"\r\n", b"\n") == built


def _move_aside(path: Path, aside: Path) -> Path:
    aside.mkdir(parents=True, exist_ok=True)
    kept = aside / path.name
    number = 1
    while kept.exists():
        number += 1
        kept = aside / f"{path.stem}-{number}{path.suffix}"
    os.replace(path, kept)
    return kept
