"""A run's whole state in one safetensors file, replaced in one move: there is never half of one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor


class CheckpointError(RuntimeError):
    """A checkpoint cannot be used; the message says why."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file, so that whoever reads it finds the old one or the new one, whole.

    **Arguments:** `path`; `data`, all of it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name must survive a power cut as well
    finally:
        os.close(folder)


def save_checkpoint(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write a checkpoint. **Arguments:** `path`; `tensors` by name; `state`, fit for JSON."""
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, metadata={"state": json.dumps(state)}))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Read a checkpoint back.

    **Returns:** its tensors and its state; None when there is none.
    **Raises:** `CheckpointError` when the file is not one that `save_checkpoint` wrote.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            return {name: file.get_tensor(name) for name in file.keys()}, state  # noqa: SIM118
    except Exception as error:  # every way in which a file can be damaged, under one sentence
        raise CheckpointError(
            f"{path} is not a checkpoint of this script ({type(error).__name__}: {error}). "
            "Move it away to start anew."
        ) from error
