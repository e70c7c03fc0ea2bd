"""Checkpoints: everything that a training run needs to go on exactly where it was.

A checkpoint is one safetensors file, written under another name, flushed and renamed: a run that
is killed at any moment leaves the one before it whole.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

FORMAT = 1
KEPT = 2  # the newest, and the one before it in case the newest was damaged on disk


class CheckpointError(RuntimeError):
    """A checkpoint that cannot be written, read or used; the message names the file."""


class Checkpoint(NamedTuple):
    """What a run knew after so many steps."""

    step: int
    """Steps taken."""
    tensors: dict[str, Tensor]
    facts: dict[str, Any]
    """Plain values: numbers, strings, and lists and dictionaries of them."""


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint, then remove all but the two newest.

    **Arguments:** `folder`, made when it is missing; `checkpoint`.
    **Returns:** the file.
    **Raises:** `CheckpointError` when the disk refuses it; earlier checkpoints are untouched.
    """
    file = folder / f"step-{checkpoint.step:08d}.safetensors"
    facts = {"format": FORMAT, "step": checkpoint.step, **checkpoint.facts}
    written = file.with_suffix(".part")
    tensors = {name: tensor.detach().contiguous() for name, tensor in checkpoint.tensors.items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(written, "wb") as stream:
            stream.write(save(tensors, {"facts": json.dumps(facts)}))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(written, file)
        _flush_folder(folder)
    except OSError as error:
        written.unlink(missing_ok=True)
        raise CheckpointError(
            f"{file}: the checkpoint could not be written ({error.strerror or error}). Earlier "
            "checkpoints are untouched. Make room, or choose another folder, and resume."
        ) from error
    for old in checkpoint_files(folder)[:-KEPT]:
        old.unlink(missing_ok=True)
    return file


def _flush_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def checkpoint_files(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if re.fullmatch(r"step-\d+\.safetensors", p.name))


def read_checkpoint(file: Path) -> Checkpoint:
    """Read one checkpoint whole.

    **Raises:** `CheckpointError` when the file is missing, cut short, or not a checkpoint of ours.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            metadata = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} is damaged or cut short ({error})") from error
    try:
        facts = json.loads(metadata["facts"])
    except (KeyError, ValueError):
        raise CheckpointError(f"{file} is a safetensors file, but not a checkpoint") from None
    if facts.pop("format", None) != FORMAT:
        raise CheckpointError(
            f"{file} was written by another version of saeedu; finish that run with that version"
        )
    return Checkpoint(facts.pop("step"), tensors, facts)


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that can be read, or None when there is none.

    A damaged one is set aside, renamed to end in .damaged, with a line that says so.

    **Raises:** `CheckpointError` when there are checkpoints but none can be read.
    """
    files = checkpoint_files(folder)
    problems = []
    for file in reversed(files):
        try:
            return read_checkpoint(file)
        except CheckpointError as error:
            problems.append(str(error))
            aside = file.with_suffix(".damaged")
            os.replace(file, aside)
            print(f"{error}; set aside as {aside.name}, trying the one before it.", flush=True)
    if problems:
        raise CheckpointError(
            f"no checkpoint in {folder} can be read. Start again in a new folder. "
            + " ".join(problems)
        )
    return None


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: list[str]) -> dict[str, Tensor]:
    """Adam's averages and step counts under names, for a checkpoint.

    **Arguments:** `optimizer`, with one group; `names` of its parameters, in its order.
    """
    tensors = {}
    for name, parameter in zip(names, optimizer.param_groups[0]["params"], strict=True):
        for key, value in optimizer.state.get(parameter, {}).items():
            tensors[f"optimizer.{name}.{key}"] = value
    return tensors


def restore_optimizer(
    optimizer: torch.optim.Optimizer, names: list[str], tensors: Mapping[str, Tensor]
) -> None:
    """Put back what `optimizer_tensors` took, in each parameter's own memory order."""
    for name, parameter in zip(names, optimizer.param_groups[0]["params"], strict=True):
        prefix = f"optimizer.{name}."
        state = {}
        for key in (key for key in tensors if key.startswith(prefix)):
            value = tensors[key]
            if value.shape == parameter.shape:  # else it is the step count
                value = torch.empty_like(parameter, requires_grad=False).copy_(value)
            state[key.removeprefix(prefix)] = value
        if state:
            optimizer.state[parameter] = state
