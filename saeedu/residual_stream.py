"""What the residual stream is made of, and how a block reads it."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.hooked_model import LanguageModel
from saeedu.shapes import shaped


def read_contributions(model: LanguageModel, tokens: Tensor, layer: int) -> Tensor:
    """All that was written into the residual stream before a block, one after the other.

    Their sum is the stream as it enters the block. `model.activations(tokens, hooks)` reads them.
    The hooks of block L are `blocks.L.hook_resid_pre`, `blocks.L.hook_attn_out`,
    `blocks.L.mlp.hook_post` (neurons), `blocks.L.hook_mlp_out` and `blocks.L.hook_resid_post`;
    there are no others.

    **Arguments:** `model`; `tokens` [batch, context]; `layer`, the block, from 0.
    **Returns:** [1 + 2 * layer, batch, context, d_model]: the embedding (the stream as it enters
    block 0), then for each block before `layer` what attention added and what the MLP added.
    **Raises:** `ValueError` for a layer or tokens that the model does not have.
    **Source:** Elhage et al. (2021), "A Mathematical Framework for Transformer Circuits".
    """
    hooks = ["blocks.0.hook_resid_pre"]
    for block in range(layer):
        hooks += [f"blocks.{block}.hook_attn_out", f"blocks.{block}.hook_mlp_out"]
    activations = model.activations(tokens, hooks)
    return torch.stack([activations[hook] for hook in hooks])


@shaped(x="n d_model")
def layer_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    """Bring every row to mean 0 and variance 1: what a block of GPT-2 does before it reads.

    GPT-2's LayerNorm then multiplies by a weight and adds a bias. Compatibility mode folds both
    into the matrices that follow, and this is what is left.

    **Arguments:** `x` [n, d_model]; `eps`, added to each row's variance.
    **Returns:** [n, d_model].
    **Raises:** `ShapeError` when x is not [n, d_model].
    **Source:** Ba, Kiros and Hinton (2016), "Layer Normalization".
    """
    centred = x - x.mean(dim=1, keepdim=True)
    variance = (centred**2).mean(dim=1, keepdim=True)
    return centred / torch.sqrt(variance + eps)


@shaped(x="n_contexts context d_model")
def find_outliers(x: Tensor, factor: float) -> Tensor:
    """Which tokens have an activation much longer than the usual one.

    Usual is the median length over all positions of all contexts: it stays where it is however
    long the few outliers are.

    **Arguments:** `x` [n_contexts, context, d_model]; `factor`, how many times the median length.
    **Returns:** [n_contexts, context], booleans: True where the length is above `factor` times the
    median.
    **Raises:** `ShapeError` when x has other axes.
    **Source:** outliers of this kind: Sun, Chen, Kolter and Liu (2024), "Massive Activations in
    Large Language Models", who look at single coordinates.
    """
    lengths = x.norm(dim=-1)
    return lengths > factor * lengths.median()
