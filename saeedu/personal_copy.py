"""A learner's own folder of notebooks: handed out once, and never written over.

The folder's `.saeedu.json` remembers a hash of every notebook as it was handed out. A notebook
that still has that hash was not touched, and may be refreshed; any other is the learner's work.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saeedu.builder.writing import write_atomically

MANIFEST = ".saeedu.json"
FORMAT = 1
KERNEL_METADATA = ("kernelspec", "language_info")


def hand_out(files: Mapping[str, bytes], folder: Path, *, update: bool) -> list[str]:
    """Copy notebooks into a learner's folder.

    **Arguments:** `files`, the course's notebooks by name; `folder`, made if need be; `update`,
    whether to refresh notebooks that were not edited, and to put the new version of edited ones
    beside them.
    **Returns:** a line for everything that was done or left alone.
    **Raises:** `OSError` when the folder cannot be written; what it held is still there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handed, said = _read_manifest(folder)
    for name, data in files.items():
        entry = handed.get(name, {})
        path = folder / name
        if not os.path.lexists(path):
            write_atomically(path, data)
            said.append(f"{name}: copied")
            handed[name] = {"handed_out": _hash(data)}
        elif update:
            said.append(f"{name}: {_update(path, data, entry)}")
            handed[name] = entry
        else:
            said.append(f"{name}: exists, left alone")
            continue
        _write_manifest(folder, handed)  # after every file: an interrupted copy is remembered
    return said


def _update(path: Path, data: bytes, entry: dict[str, str]) -> str:
    """Bring one notebook up to date; changes `entry` to what was handed out."""
    new = _hash(data)
    current = _hash(path.read_bytes()) if path.is_file() else ""
    if current == new:  # up to what JupyterLab wrote on opening it
        entry["handed_out"] = new
        return "up to date"
    if current == entry.get("handed_out"):
        write_atomically(path, data)
        entry["handed_out"] = new
        return "refreshed"
    if new in (entry.get("handed_out"), entry.get("beside")):
        return "edited or run by you, left alone"
    beside = _beside(path, data)
    if not beside.exists():
        write_atomically(beside, data)
    entry["beside"] = new
    return f"edited or run by you, left alone; the new version is {beside.name}"


def _beside(path: Path, data: bytes) -> Path:
    """A name for the new version: the first that is free, or that holds it already."""
    number = 1
    while True:
        suffix = ".new" if number == 1 else f".new-{number}"
        candidate = path.with_name(f"{path.stem}{suffix}{path.suffix}")
        if not os.path.lexists(candidate):
            return candidate
        if candidate.is_file() and candidate.read_bytes() == data:
            return candidate
        number += 1


def _read_manifest(folder: Path) -> tuple[dict[str, dict[str, str]], list[str]]:
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return {}, []
    try:
        data: Any = json.loads(path.read_bytes())
        notebooks = data["notebooks"]
        if data["format"] != FORMAT or not all(isinstance(e, dict) for e in notebooks.values()):
            raise ValueError("not as this program writes it")
        return dict(notebooks), []
    except (ValueError, KeyError, TypeError, AttributeError):
        aside = path.with_name(f"{MANIFEST}.damaged")
        number = 1
        while os.path.lexists(aside):
            number += 1
            aside = path.with_name(f"{MANIFEST}.damaged-{number}")
        os.replace(path, aside)
        return {}, [
            f"{MANIFEST}: damaged, kept as {aside.name}; every notebook here counts as edited"
        ]


def _write_manifest(folder: Path, handed: Mapping[str, dict[str, str]]) -> None:
    text = json.dumps({"format": FORMAT, "notebooks": handed}, indent=1, sort_keys=True)
    write_atomically(folder / MANIFEST, text.encode("utf-8") + b"\n")


def _hash(data: bytes) -> str:
    """A notebook's hash, blind to what JupyterLab writes into it on opening.

    That is the kernel's description and the file's layout. Everything else counts, outputs too:
    a notebook that was run may hold an hour's results.
    """
    try:
        notebook: Any = json.loads(data)
        kept = {k: v for k, v in notebook["metadata"].items() if k not in KERNEL_METADATA}
        cells = [{**cell, "source": "".join(cell["source"])} for cell in notebook["cells"]]
        data = json.dumps({**notebook, "metadata": kept, "cells": cells}, sort_keys=True).encode()
    except (ValueError, TypeError, KeyError, AttributeError):
        pass  # no notebook: its bytes, then
    return hashlib.sha256(data).hexdigest()
