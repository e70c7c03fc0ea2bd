"""SAEs on disk, as a folder in SAELens' format: cfg.json and sae_weights.safetensors."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from saeedu.sae.base import SAE
from saeedu.sae.relu import ReLUSAE

CONFIG = "cfg.json"
WEIGHTS = "sae_weights.safetensors"
ARCHITECTURES: dict[str, type[SAE]] = {ReLUSAE.architecture: ReLUSAE}

# What the weights mean depends on these; we write these values, and can read no others.
CONVENTIONS: dict[str, Any] = {
    "dtype": "float32",
    "apply_b_dec_to_input": True,
    "normalize_activations": "none",
    "reshape_activations": "none",
}


class SAEFileError(ValueError):
    """A saved SAE that cannot be read or written; the message names the file and what to do."""


def save_sae(
    sae: SAE,
    folder: str | Path,
    model_name: str,
    hook_name: str,
    context_size: int,
    dataset_path: str = "",
) -> Path:
    """Save an SAE, so that we and SAELens can load it. The folder is complete or not there at all.

    **Arguments:** `sae`; `folder`, new or an SAE saved before, which is replaced; the language
    model's name, the hook and the context length that it was trained on, and its text.
    **Returns:** the folder.
    **Raises:** `SAEFileError` when the weights are not finite, or `folder` is something else.
    **Source:** the file format of SAELens 6.
    """
    folder = Path(folder)
    if folder.exists() and not (folder / CONFIG).is_file():
        raise SAEFileError(f"{folder} exists and is not a saved SAE; choose another folder")
    tensors = {
        name: tensor.detach().to("cpu", torch.float32).contiguous()
        for name, tensor in sae.named_parameters()
    }
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise SAEFileError(f"{folder}: not saved, because {name} is not finite everywhere")
    config = {
        "architecture": sae.architecture,
        "d_in": sae.d_in,
        "d_sae": sae.d_sae,
        "device": "cpu",
        **CONVENTIONS,
        "metadata": {
            "sae_lens_version": "6.0.0",  # the version of the format; older ones lose the metadata
            "model_name": model_name,
            "hook_name": hook_name,
            "hook_head_index": None,
            "prepend_bos": True,
            "context_size": context_size,
            "dataset_path": dataset_path,
            "model_from_pretrained_kwargs": {},
        },
    }
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and renamed into it: a reader never sees half a folder.
    written = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        save_file(tensors, written / WEIGHTS)
        (written / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        for name in (WEIGHTS, CONFIG):
            with open(written / name, "rb+") as file:
                os.fsync(file.fileno())
        _put_in_place(written, folder)
    finally:
        shutil.rmtree(written, ignore_errors=True)
    return folder


def _put_in_place(written: Path, folder: Path) -> None:
    if not folder.exists():
        written.rename(folder)
        return
    before = folder.with_name(f"{written.name}-before")
    folder.rename(before)
    try:
        written.rename(folder)
    except OSError:
        before.rename(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)


def load_sae(folder: str | Path) -> SAE:
    """Load an SAE from a folder that `save_sae` or SAELens wrote. Every tensor is checked.

    **Arguments:** `folder`, with cfg.json and sae_weights.safetensors.
    **Returns:** the SAE, on the CPU.
    **Raises:** `SAEFileError`, naming the file and what is wrong with it.
    **Source:** the file format of SAELens 6.
    """
    folder = Path(folder)
    config = _read_config(folder / CONFIG)
    sae = ARCHITECTURES[config["architecture"]](config["d_in"], config["d_sae"])
    file = folder / WEIGHTS
    if not file.is_file():
        raise SAEFileError(f"{file} is missing. Copy the whole folder again.")
    try:
        tensors = load_file(file)
    except (SafetensorError, OSError) as error:
        raise SAEFileError(
            f"{file} is damaged or cut short ({error}). Copy or save it again."
        ) from error
    expected = dict(sae.named_parameters())
    for name in sorted(expected.keys() ^ tensors.keys()):
        what = "lacks the tensor" if name in expected else "has a tensor that does not belong:"
        raise SAEFileError(
            f"{file} {what} {name}; a {config['architecture']!r} SAE has {sorted(expected)}"
        )
    for name, tensor in tensors.items():
        shape, wanted = list(tensor.shape), list(expected[name].shape)
        if shape != wanted:
            turned = " It is transposed." if shape == wanted[::-1] else ""
            raise SAEFileError(f"{file}: {name} is {shape}, but must be {wanted}.{turned}")
        if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
            raise SAEFileError(f"{file}: {name} has entries that are not finite numbers")
    sae.load_state_dict(tensors)
    return sae


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SAEFileError(f"{file} is missing. A saved SAE has {CONFIG} and {WEIGHTS}.") from None
    except (OSError, ValueError) as error:
        raise SAEFileError(f"{file} cannot be read as JSON ({error})") from error
    if not isinstance(config, dict):
        raise SAEFileError(f"{file} must hold a JSON object, not a {type(config).__name__}")
    if config.get("architecture") not in ARCHITECTURES:
        raise SAEFileError(
            f"{file}: architecture is {config.get('architecture')!r}; "
            f"this version reads {sorted(ARCHITECTURES)}"
        )
    for name in ("d_in", "d_sae"):
        size = config.get(name)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise SAEFileError(f"{file}: {name} is {size!r}, but must be a positive whole number")
    for name, value in CONVENTIONS.items():
        if config.get(name, value) != value:
            raise SAEFileError(
                f"{file}: {name} is {config[name]!r}; this version reads only {value!r}"
            )
    return config
