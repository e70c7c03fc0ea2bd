"""SAEs on disk, as a folder in SAELens' format: cfg.json and sae_weights.safetensors."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from pathlib import Path

from safetensors.torch import save_file

from saeedu.sae.base import SAE
from saeedu.sae.saelens_format import CONFIG, SAEFileError, config_of, read_config
from saeedu.sae.saelens_weights import WEIGHTS, in_our_terms, put_into, read_tensors, tensors_of

__all__ = ["CONFIG", "WEIGHTS", "SAEFileError", "load_sae", "save_sae"]

# SAELens' optional third file, how often each latent is on. It is not read, and goes with the SAE.
SPARSITY = "sparsity.safetensors"


def save_sae(
    sae: SAE,
    folder: str | Path,
    model_name: str | None = None,
    hook_name: str | None = None,
    context_size: int | None = None,
    dataset_path: str = "",
) -> Path:
    """Save an SAE, so that we and SAELens can load it. The folder is complete or not there at all.

    **Arguments:** `sae`; `folder`, new, empty, or an SAE saved before, which is replaced; where it
    was trained on a language model, the model's name, the hook, the context length and the text.
    **Returns:** the folder.
    **Raises:** `SAEFileError` when the weights are not finite, or `folder` is something else;
    `TypeError` for an SAE of a class that is not this package's.
    **Source:** the file format of SAELens 6.
    """
    folder = Path(folder)
    _require_ours_to_replace(folder)
    tensors = tensors_of(sae, folder)
    config = config_of(
        sae,
        {
            "model_name": model_name,
            "hook_name": hook_name,
            "hook_head_index": None,
            "prepend_bos": True,
            "context_size": context_size,
            "dataset_path": dataset_path,
            "model_from_pretrained_kwargs": {},
        },
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Written beside its place and renamed into it: a reader never sees half a folder.
    written = folder.with_name(f".{folder.name}-{uuid.uuid4().hex[:8]}")
    written.mkdir()
    try:
        save_file(tensors, written / WEIGHTS)
        # A setting may be one of NumPy's numbers.
        text = json.dumps(config, indent=2, default=lambda number: number.item())
        (written / CONFIG).write_text(text + "\n", encoding="utf-8")
        for name in (WEIGHTS, CONFIG):
            with open(written / name, "rb+") as file:
                os.fsync(file.fileno())
        _put_in_place(written, folder)
    finally:
        shutil.rmtree(written, ignore_errors=True)
    return folder


def _require_ours_to_replace(folder: Path) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SAEFileError(f"{folder} is a file; choose another name for the SAE's folder")
    others = sorted({file.name for file in folder.iterdir()} - {CONFIG, WEIGHTS, SPARSITY})
    if others:
        raise SAEFileError(
            f"{folder} is not a saved SAE, or not only that: it holds {others[0]}, which saving "
            "would delete. Choose another folder."
        )


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
    """Load an SAE from a folder that `save_sae` or SAELens wrote. Every field is checked.

    What we saved comes back as the class that it was, with its settings. What SAELens saved comes
    back as the class of its architecture, with weights that do the same in our conventions.

    **Arguments:** `folder`, with cfg.json and sae_weights.safetensors.
    **Returns:** the SAE, on the CPU.
    **Raises:** `SAEFileError`, naming the file and what is wrong with it.
    **Source:** the file format of SAELens 6.
    """
    folder = Path(folder)
    config = read_config(folder / CONFIG)
    tensors = read_tensors(folder / WEIGHTS, config)
    sae = config.fresh_sae()
    put_into(sae, in_our_terms(tensors, config), config)
    return sae
