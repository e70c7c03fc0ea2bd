"""SAELens' sae_weights.safetensors: which tensors an architecture has, checked and put to use."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from saeedu.sae.base import SAE
from saeedu.sae.batch_top_k import BatchTopKSAE
from saeedu.sae.saelens_format import CONFIG, OURS, SAEFileError, SavedConfig

WEIGHTS = "sae_weights.safetensors"

TENSORS = {
    "standard": ("W_enc", "b_enc", "W_dec", "b_dec"),
    "topk": ("W_enc", "b_enc", "W_dec", "b_dec"),
    "jumprelu": ("W_enc", "b_enc", "threshold", "W_dec", "b_dec"),
    "gated": ("W_enc", "b_gate", "b_mag", "r_mag", "W_dec", "b_dec"),
}
"""The tensors of each architecture in SAELens' files."""


def tensors_of(sae: SAE, folder: Path) -> dict[str, Tensor]:
    """An SAE's weights as its file holds them: float32, on the CPU, each in one piece.

    A BatchTopK SAE's one threshold is written once for each latent.

    **Arguments:** `sae`; `folder`, for the message.
    **Raises:** `SAEFileError` for weights that are not finite, or a threshold below zero.
    """
    weights: dict[str, Tensor] = dict(sae.named_parameters())
    if isinstance(sae, BatchTopKSAE):
        weights["threshold"] = sae.threshold.expand(sae.d_sae)
    tensors = {}
    for name in TENSORS[sae.architecture]:
        tensor = weights[name].detach().to("cpu", torch.float32).contiguous()
        if problem := _problem(name, tensor):
            raise SAEFileError(f"{folder}: not saved, because {name} {problem}")
        tensors[name] = tensor
    return tensors


def read_tensors(file: Path, config: SavedConfig) -> dict[str, Tensor]:
    """Read a weights file. Names, types and shapes are checked before any tensor is read.

    **Arguments:** `file`; `config`, the cfg.json beside it.
    **Raises:** `SAEFileError`, naming the file and the tensor.
    """
    if not file.is_file():
        raise SAEFileError(f"{file} is missing. Copy the whole folder again.")
    try:
        with safe_open(file, framework="pt") as stored:
            kinds = {
                name: (stored.get_slice(name).get_dtype(), stored.get_slice(name).get_shape())
                for name in stored.keys()  # noqa: SIM118 - it is not a dictionary
            }
            # SAELens wrote it for a while, and drops it too; any other factor it refuses.
            if "scaling_factor" in kinds and bool((stored.get_tensor("scaling_factor") == 1).all()):
                del kinds["scaling_factor"]
            _check_kinds(kinds, file, config)
            tensors = {name: stored.get_tensor(name) for name in kinds}
    except (SafetensorError, OSError) as error:
        raise SAEFileError(
            f"{file} is damaged or cut short ({error}). Copy or save it again."
        ) from error
    for name, tensor in tensors.items():
        if problem := _problem(name, tensor):
            raise SAEFileError(f"{file}: {name} {problem}")
    return tensors


def _check_kinds(kinds: dict[str, tuple[str, list[int]]], file: Path, config: SavedConfig) -> None:
    wanted_names = TENSORS[config.architecture]
    for name in sorted(set(wanted_names) ^ kinds.keys()):
        what = "lacks the tensor" if name in wanted_names else "has a tensor that does not belong:"
        raise SAEFileError(
            f"{file} {what} {name}; by the architecture in {CONFIG}, {config.architecture!r}, "
            f"it has {', '.join(wanted_names)}"
        )
    shapes = {"W_enc": [config.d_in, config.d_sae], "W_dec": [config.d_sae, config.d_in]}
    shapes["b_dec"] = [config.d_in]
    for name in wanted_names:
        kind, shape = kinds[name]
        wanted = shapes.get(name, [config.d_sae])
        if shape != wanted:
            turned = " It is transposed." if len(shape) == 2 and shape == wanted[::-1] else ""
            raise SAEFileError(
                f"{file}: {name} is {shape}, but must be {wanted}, because {CONFIG} has d_in = "
                f"{config.d_in} and d_sae = {config.d_sae}.{turned}"
            )
        if kind != "F32":
            raise SAEFileError(
                f"{file}: {name} is stored as {kind}, but must be F32 (float32). Convert it, or "
                "load it in SAELens with dtype='float32' and save it again."
            )


def _problem(name: str, tensor: Tensor) -> str:
    if not torch.isfinite(tensor).all():
        return "has entries that are not finite numbers"
    if name == "threshold" and (tensor < 0).any():
        return (
            f"has a negative entry ({tensor.min().item():g}), but a threshold is zero or above. "
            "SAELens' ReLU makes of it what zero would do: write zero there."
        )
    return ""


def in_our_terms(tensors: dict[str, Tensor], config: SavedConfig) -> dict[str, Tensor]:
    """The weights that do, in an SAE of ours, what the file's do in SAELens.

    Where SAELens' encoder reads x and not x - b_dec, the encoder's bias takes up the difference.
    Where pre-activations count times their decoder row's norm, the encoder takes up the norm.

    **Arguments:** `tensors`, as read; `config`.
    **Returns:** tensors, float32.
    """
    if config.subtracts_b_dec and not config.weighs_by_row_norm:
        return tensors
    exact = {name: tensor.double() for name, tensor in tensors.items()}
    if not config.subtracts_b_dec:
        shift = exact["b_dec"] @ exact["W_enc"]
        for name in config.sae_class.encoder_biases:
            gain = exact["r_mag"].exp() if name == "b_mag" else 1.0
            exact[name] += shift * gain
    if config.weighs_by_row_norm:
        norms = exact["W_dec"].norm(dim=1)
        exact["W_enc"] *= norms
        exact["b_enc"] *= norms
        exact["W_dec"] /= norms.masked_fill(norms == 0, 1)[:, None]
    return {name: tensor.float() for name, tensor in exact.items()}


@torch.no_grad()
def put_into(sae: SAE, tensors: dict[str, Tensor], config: SavedConfig) -> None:
    """Copy weights into an SAE, in the memory layout that it has.

    **Arguments:** `sae`, from `config.fresh_sae()`; `tensors`, from `in_our_terms`.
    **Raises:** `SAEFileError` when an SAE with one threshold is given several.
    """
    if isinstance(sae, BatchTopKSAE):
        threshold = tensors["threshold"]
        if (threshold != threshold[0]).any():
            raise SAEFileError(
                f"{config.file}: metadata.{OURS}.class is {type(sae).__name__}, which has one "
                f"threshold for all latents, but threshold in {WEIGHTS} differs between them. "
                f"Remove metadata.{OURS} to load it as a JumpReLUSAE."
            )
        tensors = tensors | {"threshold": threshold[0]}
    for name, tensor in tensors.items():
        getattr(sae, name).copy_(tensor)
