"""A TopK step by hand: k active latents in every sample, and gradients for those alone.

Chapter 06's functions, each in the plainest PyTorch. `sparse` computes the same sums over lists
that may hold any number of latents a sample, and passes over memory less often.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from saeedu.sae.top_k import top_k
from saeedu.shapes import shaped


@shaped(d_latents="batch d_sae", pre_acts="batch d_sae")
def grad_top_k(d_latents: Tensor, pre_acts: Tensor, k: int) -> Tensor:
    """Gradient of the loss with respect to the pre-activations, through `top_k`.

    **Arguments:** `d_latents` [batch, d_sae], the gradient with respect to the latents;
    `pre_acts` [batch, d_sae], no two in a sample equal; `k`, from 1 to d_sae.
    **Returns:** [batch, d_sae]: `d_latents` where the latent is active, else zero.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** derived in chapter 06.
    """
    return d_latents * (top_k(pre_acts, k) > 0)


@shaped(values="batch k", columns="batch k", W_dec="d_sae d_in", b_dec="d_in")
def decode_sparse(values: Tensor, columns: Tensor, W_dec: Tensor, b_dec: Tensor) -> Tensor:
    """Rebuild activations from the active latents alone: a weighted sum of k rows, plus the bias.

    **Arguments:** `values` [batch, k], how strongly each is active; `columns` [batch, k], whole
    numbers, which latent each is, none twice in a sample; `W_dec` [d_sae, d_in]; `b_dec` [d_in].
    **Returns:** `x_hat` [batch, d_in].
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Gao et al. (2024), who write a GPU kernel for it.
    """
    sums = nn.functional.embedding_bag(columns, W_dec, per_sample_weights=values, mode="sum")
    return sums + b_dec


@shaped(d_x_hat="batch d_in", columns="batch k", W_dec="d_sae d_in")
def grad_values(d_x_hat: Tensor, columns: Tensor, W_dec: Tensor) -> Tensor:
    """Gradient of the loss with respect to the active latents: one scalar product for each.

    **Arguments:** `d_x_hat` [batch, d_in], the gradient with respect to `x_hat`; `columns`
    [batch, k], which latents are active; `W_dec` [d_sae, d_in].
    **Returns:** [batch, k], in loss units per unit of latent: of `d_x_hat @ W_dec.T` the entries
    at `columns`.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** derived in chapter 06.
    """
    return torch.einsum("bd,bkd->bk", d_x_hat, W_dec[columns])


@shaped(values="batch k", columns="batch k", vectors="batch d")
def sum_by_latent(values: Tensor, columns: Tensor, vectors: Tensor, d_sae: int) -> Tensor:
    """For each latent, add up the samples' vectors, each times the latent's value in the sample.

    **Arguments:** `values` [batch, k], one number for each active latent; `columns` [batch, k],
    which latent it belongs to, none twice in a sample; `vectors` [batch, d], one for each sample;
    `d_sae`, how many latents there are.
    **Returns:** [d_sae, d]; a latent that no sample names gets a row of zeros.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** derived in chapter 06.
    """
    weighted = values[:, :, None] * vectors[:, None, :]  # [batch, k, d]
    sums = vectors.new_zeros(d_sae, vectors.shape[1])
    return sums.index_add(0, columns.flatten(), weighted.flatten(0, 1))


@shaped(
    d_x_hat="batch d_in",
    x="batch d_in",
    W_enc="d_in d_sae",
    W_dec="d_sae d_in",
    b_dec="d_in",
    values="batch k",
    columns="batch k",
)
def sparse_gradients(
    d_x_hat: Tensor,
    x: Tensor,
    W_enc: Tensor,
    W_dec: Tensor,
    b_dec: Tensor,
    values: Tensor,
    columns: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All four gradients of a TopK SAE, from the one for `x_hat`, by sums over active latents.

    **Arguments:** `d_x_hat` [batch, d_in], the gradient with respect to `x_hat`; `x` [batch, d_in];
    `W_enc` [d_in, d_sae]; `W_dec` [d_sae, d_in]; `b_dec` [d_in]; `values` [batch, k], after the
    ReLU, so some may be zero; `columns` [batch, k], which latents they are.
    **Returns:** the gradients for `W_enc`, `b_enc`, `W_dec` and `b_dec`, in this order.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** chapter 04's gradients with the zeros left out.
    """
    d_values = grad_values(d_x_hat, columns, W_dec) * (values > 0)
    d_W_enc = sum_by_latent(d_values, columns, x - b_dec, len(W_dec)).T
    d_b_enc = sum_by_latent(d_values, columns, torch.ones_like(x[:, :1]), len(W_dec))[:, 0]
    d_W_dec = sum_by_latent(values, columns, d_x_hat, len(W_dec))
    d_b_dec = d_x_hat.sum(dim=0) - W_enc @ d_b_enc  # summed over samples first: no large product
    return d_W_enc, d_b_enc, d_W_dec, d_b_dec


@shaped(
    x="batch d_in", x_hat="batch d_in", pre_acts="batch d_sae", dead="d_sae", W_dec="d_sae d_in"
)
def aux_k_loss(
    x: Tensor, x_hat: Tensor, pre_acts: Tensor, dead: Tensor, W_dec: Tensor, k_aux: int
) -> Tensor:
    """AuxK: the error that is left when dead latents rebuild the error of the living.

    In each sample the `k_aux` largest dead pre-activations take part, through the ReLU, as in
    `top_k`. The living are not to make room for the dead: no gradient reaches `x_hat`.

    **Arguments:** `x`, `x_hat` [batch, d_in]; `pre_acts` [batch, d_sae]; `dead` [d_sae], True for
    a dead latent, at least one; `W_dec` [d_sae, d_in]; `k_aux`, how many dead latents each sample
    may use: all of them when there are fewer.
    **Returns:** a number: the squared error, summed over d_in, averaged over the batch. Its
    coefficient is left to the caller.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Gao et al. (2024), section A.2.
    """
    error = (x - x_hat).detach()
    revived = top_k(pre_acts[:, dead], min(k_aux, int(dead.sum())))
    return ((revived @ W_dec[dead] - error) ** 2).sum(dim=1).mean()


@shaped(W_enc="d_in d_sae", b_enc="d_sae", W_dec="d_sae d_in", b_dec="d_in")
def fold_into_weights(
    W_enc: Tensor, b_enc: Tensor, W_dec: Tensor, b_dec: Tensor, scale: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Make an SAE for scaled activations one for activations as they come, with unit rows.

    The old one was trained on `scale * x`. The new one takes `x`, and what it returns is the old
    one's reconstruction of `scale * x`, divided by `scale`. With a ReLU the same latents are
    active; a TopK's winners can change, unless all old rows had one length.

    **Arguments:** `W_enc` [d_in, d_sae]; `b_enc` [d_sae]; `W_dec` [d_sae, d_in], no row zero;
    `b_dec` [d_in]; `scale`, positive.
    **Returns:** new `W_enc`, `b_enc`, `W_dec` and `b_dec`, in this order; the new decoder's rows
    have length one.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Anthropic's April 2024 update, for the scaling and for the rows.
    """
    norms = W_dec.norm(dim=1)
    return W_enc * norms, b_enc * norms / scale, W_dec / norms[:, None], b_dec / scale
