"""Sparse latents, and a backward pass that touches only those that are active.

With k of d_sae latents active in a sample, only the encoder's product has to be dense: which
latents win is not known before all have been computed. Everything after it, the decoder and every
gradient, is a sum over the active ones. Chapter 06 derives each line.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from saeedu.products import affine

# Pre-activations held at a time: 16 MiB in float32, which stays in a processor's cache. A GPU has
# no use for small pieces.
ENTRIES_PER_CHUNK = {"cpu": 2**22}
ENTRIES_PER_CHUNK_ELSEWHERE = 2**28

# On a CPU `sampled_addmm` is MKL's: builds for ARM, such as those for Apple's processors, lack it.
HAS_SAMPLED_PRODUCTS = torch.backends.mkl.is_available()


class ActiveLatents(NamedTuple):
    """The latents that are active, as lists instead of a mostly empty [batch, d_sae]."""

    values: Tensor
    """[n_active]: how strongly each is active."""
    rows: Tensor
    """[n_active], rising: the sample that it is active in."""
    columns: Tensor
    """[n_active]: which latent it is."""
    batch: int
    d_sae: int

    def with_values(self, values: Tensor) -> ActiveLatents:
        """The same places with other values, [n_active]."""
        return self._replace(values=values)

    def at(self, keep: Tensor) -> ActiveLatents:
        """Only some of the entries: `keep` is a mask [n_active]."""
        return self._replace(
            values=self.values[keep], rows=self.rows[keep], columns=self.columns[keep]
        )

    def row_starts(self) -> Tensor:
        """[batch]: where each sample's entries begin."""
        return _starts(self.rows, self.batch)

    def dense(self) -> Tensor:
        """[batch, d_sae], with zeros where nothing is active."""
        latents = self.values.new_zeros(self.batch, self.d_sae)
        return latents.index_put((self.rows, self.columns), self.values)

    def counts(self) -> Tensor:
        """[d_sae]: in how many samples each latent is above zero."""
        return torch.bincount(self.columns[self.values > 0], minlength=self.d_sae)

    @classmethod
    def of(cls, latents: Tensor) -> ActiveLatents:
        """The entries of dense latents [batch, d_sae] that are not zero."""
        rows, columns = latents.detach().nonzero(as_tuple=True)
        return cls(latents[rows, columns], rows, columns, *latents.shape)


def samples_per_chunk(d_sae: int, device: torch.device) -> int:
    """How many samples' latents to hold at a time, at least one."""
    return max(1, ENTRIES_PER_CHUNK.get(device.type, ENTRIES_PER_CHUNK_ELSEWHERE) // d_sae)


def pre_act_chunks(x_centred: Tensor, W_enc: Tensor, b_enc: Tensor) -> Iterator[tuple[int, Tensor]]:
    """The encoder's product, a few samples at a time, without gradients.

    **Arguments:** `x_centred` [batch, d_in], which is x - b_dec; `W_enc` [d_in, d_sae]; `b_enc`
    [d_sae].
    **Returns:** pairs of the first sample's number and the pre-activations [chunk, d_sae].
    """
    chunk = samples_per_chunk(W_enc.shape[1], x_centred.device)
    for start in range(0, len(x_centred), chunk):
        yield start, affine(x_centred[start : start + chunk], W_enc, b_enc)


class _PreActsAt(torch.autograd.Function):
    """Pre-activations that are known already, with gradients for the active ones alone."""

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        x: Tensor,
        W_enc: Tensor,
        b_enc: Tensor,
        b_dec: Tensor,
        rows: Tensor,
        columns: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(x, W_enc, b_dec, rows, columns)
        return values.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_values: Tensor) -> tuple[Tensor | None, ...]:
        x, W_enc, b_dec, rows, columns = ctx.saved_tensors
        d_x = None
        if ctx.needs_input_grad[1]:
            starts = _starts(rows, len(x))
            d_x = weighted_sums(d_values, columns, starts, W_enc.T.contiguous())
        active = ActiveLatents(d_values, rows, columns, len(x), W_enc.shape[1])
        d_W_enc = sum_by_latent(active, x - b_dec).T
        d_b_enc = d_values.new_zeros(W_enc.shape[1]).index_add_(0, columns, d_values)
        # b_dec is subtracted from every sample before the encoder: chapter 04's second path.
        d_b_dec = -(W_enc @ d_b_enc)
        return None, d_x, d_W_enc, d_b_enc, d_b_dec, None, None


class _Decode(torch.autograd.Function):
    """The decoder, as a sum of the active rows."""

    @staticmethod
    def forward(
        ctx: Any,
        values: Tensor,
        W_dec: Tensor,
        rows: Tensor,
        columns: Tensor,
        batch: int,
    ) -> Tensor:
        ctx.save_for_backward(values, W_dec, rows, columns)
        return weighted_sums(values, columns, _starts(rows, batch), W_dec)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_output: Tensor) -> tuple[Tensor | None, ...]:
        values, W_dec, rows, columns = ctx.saved_tensors
        d_output = d_output.contiguous()
        active = ActiveLatents(values, rows, columns, len(d_output), len(W_dec))
        d_values = products_at(active, d_output, W_dec) if ctx.needs_input_grad[0] else None
        d_W_dec = sum_by_latent(active, d_output) if ctx.needs_input_grad[1] else None
        return d_values, d_W_dec, None, None, None


def with_encoder_gradients(
    active: ActiveLatents, x: Tensor, W_enc: Tensor, b_enc: Tensor, b_dec: Tensor
) -> ActiveLatents:
    """Tie pre-activations, computed without gradients, to the weights that made them.

    **Arguments:** `active`, whose values are the pre-activations (x - b_dec) @ W_enc + b_enc at
    its places; `x` [batch, d_in]; `W_enc` [d_in, d_sae]; `b_enc` [d_sae]; `b_dec` [d_in].
    **Returns:** the same numbers, through which gradients reach all four tensors. A latent that is
    not in the list gets none.
    **Source:** chapter 06; the gradients are those of chapter 04, with the zeros left out.
    """
    values = _PreActsAt.apply(active.values, x, W_enc, b_enc, b_dec, active.rows, active.columns)
    return active.with_values(values)


def decode_active(active: ActiveLatents, W_dec: Tensor) -> Tensor:
    """Weighted sums of decoder rows, without the bias: latents @ W_dec, reading active rows only.

    **Arguments:** `active`; `W_dec` [d_sae, d_in].
    **Returns:** [batch, d_in].
    **Source:** chapter 06.
    """
    return _Decode.apply(active.values, W_dec, active.rows, active.columns, active.batch)


def products_at(active: ActiveLatents, left: Tensor, right: Tensor) -> Tensor:
    """Scalar products of a sample's vector and a latent's, for the active pairs only.

    This is the gradient of the loss for the active latents: `left` holds the gradient for
    `x_hat`, `right` the decoder. Of the product left @ right.T it computes n_active entries.

    **Arguments:** `active`; `left` [batch, d]; `right` [d_sae, d].
    **Returns:** [n_active].
    **Source:** chapter 06.
    """
    if len(active.values) == 0:
        return torch.zeros_like(active.values)
    if left.device.type == "cpu" and HAS_SAMPLED_PRODUCTS:
        return _sampled_products(active, left, right)
    # Elsewhere the kernel for it is the gradient of a weighted sum's weights.
    with torch.enable_grad():
        weights = torch.zeros_like(active.values, requires_grad=True)
        sums = weighted_sums(weights, active.columns, active.row_starts(), right.detach())
        return torch.autograd.grad(sums, weights, left)[0]


def _sampled_products(active: ActiveLatents, left: Tensor, right: Tensor) -> Tensor:
    ends = active.row_starts().new_tensor([len(active.values)])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*in beta state.*")
        places = torch.sparse_csr_tensor(
            torch.cat([active.row_starts(), ends]),
            active.columns,
            torch.zeros_like(active.values),
            (active.batch, active.d_sae),
            check_invariants=False,
        )
    return torch.sparse.sampled_addmm(places, left, right.T, beta=0).values()


def sum_by_latent(active: ActiveLatents, vectors: Tensor) -> Tensor:
    """For each latent, the sum of the samples' vectors weighted by its values: latents.T @ vectors.

    With the gradient for x_hat as vectors, this is the decoder's gradient; with the gradient for
    the pre-activations as values and x - b_dec as vectors, the encoder's (transposed).

    **Arguments:** `active`; `vectors` [batch, d].
    **Returns:** [d_sae, d]; rows of latents that are nowhere active are zero.
    **Source:** chapter 06.
    """
    columns, order = torch.sort(active.columns, stable=True)
    starts = _starts(columns, active.d_sae)
    return weighted_sums(active.values[order], active.rows[order], starts, vectors)


def weighted_sums(weights: Tensor, chosen: Tensor, starts: Tensor, vectors: Tensor) -> Tensor:
    """Sums of `weights * vectors[chosen]` over the stretches that begin at `starts`.

    **Arguments:** `weights`, `chosen` [n]; `starts` [n_sums], rising; `vectors` [any number, d].
    **Returns:** [n_sums, d].
    """
    if len(chosen) == 0:  # embedding_bag wants at least one entry
        return vectors.new_zeros(len(starts), vectors.shape[1])
    return nn.functional.embedding_bag(
        chosen, vectors.contiguous(), starts, mode="sum", per_sample_weights=weights
    )


def _starts(rising: Tensor, n: int) -> Tensor:
    """Where each of the numbers 0 to n - 1 begins in a rising list of them."""
    return torch.searchsorted(rising, torch.arange(n, device=rising.device))
