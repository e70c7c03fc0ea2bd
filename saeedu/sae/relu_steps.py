"""A ReLU SAE's step, from activations to reconstruction, in two ways with the same gradients.

With lists of the active latents where few are active. With dense products where many are, as early
in training, when about half are. Autograd would make a [batch, d_sae] tensor for every operation
between two products; here there is one, in which the gradients later take the latents' place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from saeedu.products import affine
from saeedu.sae.sparse import (
    ActiveLatents,
    products_at,
    samples_per_chunk,
    sum_by_latent,
    weighted_sums,
    with_encoder_gradients,
)


class ReLUStep(NamedTuple):
    """What the loss of a ReLU SAE needs of a batch."""

    x_hat: Tensor
    """[batch, d_in]."""
    lengths: Tensor
    """[d_sae]: the batch's sum of each latent, times its decoder row's norm."""
    active: Tensor
    """[d_sae], whole numbers: in how many samples each latent is above zero."""


class _DecodeAndMeasure(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, W_dec: Tensor, rows: Tensor, columns: Tensor, batch: int
    ) -> tuple[Tensor, Tensor]:
        active = ActiveLatents(values, rows, columns, batch, len(W_dec))
        totals = values.new_zeros(len(W_dec)).index_add_(0, columns, values)
        norms = W_dec.norm(dim=1)
        ctx.save_for_backward(values, W_dec, rows, columns, totals, norms)
        return weighted_sums(values, columns, active.row_starts(), W_dec), totals * norms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_sums: Tensor, d_lengths: Tensor) -> tuple[Tensor | None, ...]:
        values, W_dec, rows, columns, totals, norms = ctx.saved_tensors
        d_sums = d_sums.contiguous()
        active = ActiveLatents(values, rows, columns, len(d_sums), len(W_dec))
        d_values = products_at(active, d_sums, W_dec).add_((d_lengths * norms)[columns])
        d_W_dec = sum_by_latent(active, d_sums)
        _add_norms_gradient(d_W_dec, W_dec, norms, d_lengths * totals)
        return d_values, d_W_dec, None, None, None


class _DenseReLU(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, W_enc: Tensor, b_enc: Tensor, W_dec: Tensor, b_dec: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        centred = x - b_dec
        latents = x.new_empty(len(x), len(b_enc))
        totals = torch.zeros_like(b_enc)
        active = torch.zeros_like(b_enc)
        for some in _chunks(latents):  # while a chunk is in the cache
            torch.clamp_min(affine(centred[some], W_enc, b_enc), 0, out=latents[some])
            totals += latents[some].sum(dim=0)
            active += latents[some].sign().sum(dim=0)  # several times as fast as counting
        norms = W_dec.norm(dim=1)
        ctx.save_for_backward(centred, latents, totals, norms, W_enc, W_dec)
        counts = active.to(torch.int64)
        ctx.mark_non_differentiable(counts)
        return affine(latents, W_dec, b_dec), totals * norms, counts

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, d_x_hat: Tensor, d_lengths: Tensor, _: Tensor
    ) -> tuple[Tensor | None, ...]:
        centred, latents, totals, norms, W_enc, W_dec = ctx.saved_tensors
        d_W_dec = affine(latents.T, d_x_hat)
        _add_norms_gradient(d_W_dec, W_dec, norms, d_lengths * totals)
        d_pre_acts = latents  # their memory; autograd refuses a second backward pass
        d_b_enc = torch.zeros_like(totals)
        for some in _chunks(latents):
            d_latents = affine(d_x_hat[some], W_dec.T, d_lengths * norms)
            torch.mul(d_latents, latents[some] > 0, out=d_pre_acts[some])
            d_b_enc += d_pre_acts[some].sum(dim=0)
        d_W_enc = affine(d_pre_acts.T, centred).T  # in the order in which W_enc is stored
        d_b_dec = d_x_hat.sum(dim=0) - W_enc @ d_b_enc
        d_x = affine(d_pre_acts, W_enc.T) if ctx.needs_input_grad[0] else None
        return d_x, d_W_enc, d_b_enc, d_W_dec, d_b_dec


def sparse_relu_step(
    active: ActiveLatents, x: Tensor, W_enc: Tensor, b_enc: Tensor, W_dec: Tensor, b_dec: Tensor
) -> ReLUStep:
    """Decode latents that are listed already, and measure them.

    **Arguments:** `active`, as `select_above` finds them above zero; the rest as for
    `dense_relu_step`.
    **Returns:** `ReLUStep`, with gradients for all but `active`.
    **Source:** chapter 06.
    """
    active = with_encoder_gradients(active, x, W_enc, b_enc, b_dec)
    sums, lengths = _DecodeAndMeasure.apply(
        active.values, W_dec, active.rows, active.columns, active.batch
    )
    return ReLUStep(sums + b_dec, lengths, active.counts())


def dense_relu_step(
    x: Tensor, W_enc: Tensor, b_enc: Tensor, W_dec: Tensor, b_dec: Tensor
) -> ReLUStep:
    """Encode with a ReLU, decode, and measure the latents, all densely.

    **Arguments:** `x` [batch, d_in]; `W_enc` [d_in, d_sae]; `b_enc` [d_sae]; `W_dec`
    [d_sae, d_in]; `b_dec` [d_in].
    **Returns:** `ReLUStep`, with gradients for all five, to be asked for once: the backward pass
    uses up what the forward pass kept.
    **Source:** the gradients of chapter 04.
    """
    return ReLUStep(*_DenseReLU.apply(x, W_enc, b_enc, W_dec, b_dec))


def _add_norms_gradient(d_W_dec: Tensor, W_dec: Tensor, norms: Tensor, d_norms: Tensor) -> None:
    """Add, in place, what reaches the decoder [d_sae, d_in] through the norms of its rows.

    The gradient of a norm is the row divided by it; a row of zeros gets none.
    """
    per_row = torch.where(norms > 0, d_norms / norms, 0)
    d_W_dec.addcmul_(W_dec, per_row[:, None])


def _chunks(latents: Tensor) -> Iterator[slice]:
    n = samples_per_chunk(latents.shape[1], latents.device)
    for start in range(0, len(latents), n):
        yield slice(start, start + n)
