"""Controls: what stands in for an SAE's reconstruction, so that its figures can be judged."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.shapes import shaped

TOKENS_AT_A_TIME = 512
RIDGE = 1e-6  # keeps a token's equations solvable when two of its rows are nearly parallel


@shaped(x_train="n_train d_in", x="n d_in")
def pca_reconstruction(x_train: Tensor, x: Tensor, k: int) -> Tensor:
    """Rebuild activations from their mean and k fixed directions, those of most variance.

    Like an SAE of which k latents are active, it gets k numbers a token; unlike it, it may not
    choose other directions for other tokens.

    **Arguments:** `x_train` [n_train, d_in], from which mean and directions are learnt; `x`
    [n, d_in], to be rebuilt; `k`, from 1 to d_in.
    **Returns:** [n, d_in].
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Pearson (1901); as an SAE's baseline, Bricken et al. (2023).
    """
    mean = x_train.mean(dim=0)
    centred = x_train - mean
    _, directions = torch.linalg.eigh(centred.T @ centred)  # one a column, variances ascending
    top = directions[:, -k:]
    return mean + (x - mean) @ top @ top.T


@torch.no_grad()
@shaped(x="n d_in", mean="d_in", rows="n_rows d_in")
def best_rows_reconstruction(x: Tensor, mean: Tensor, rows: Tensor, k: int) -> Tensor:
    """Rebuild activations from a given dictionary, with k rows a token and the best weights.

    For each token the k rows that it lies along most are taken, of either sign, and weighted by
    least squares. With random rows it is what any dictionary of that size achieves.

    **Arguments:** `x` [n, d_in]; `mean` [d_in], added to every reconstruction; `rows`
    [n_rows, d_in], of unit length; `k`, at most n_rows and d_in.
    **Returns:** [n, d_in].
    **Raises:** `ShapeError` when the axes disagree.
    """
    parts = []
    for part in (x - mean).split(TOKENS_AT_A_TIME):
        chosen = (part @ rows.T).abs().topk(k, dim=1).indices
        basis = rows[chosen]  # [tokens, k, d_in]
        gram = basis @ basis.transpose(1, 2) + RIDGE * torch.eye(k).to(part)
        weights = torch.linalg.solve(gram, basis @ part[:, :, None])
        parts.append((weights * basis).sum(dim=1))
    return mean + torch.cat(parts)


@shaped(activation="batch context d_in", replacement="batch context d_in", tokens="batch context")
def replace_except_bos(
    activation: Tensor, replacement: Tensor, tokens: Tensor, bos_token_id: int
) -> Tensor:
    """Put a replacement in the place of the activation, except where the token is BOS.

    No SAE of the course is trained on BOS, so at BOS every replacement would be judged by what it
    was never meant to do.

    **Arguments:** `activation`, `replacement` [batch, context, d_in]; `tokens` [batch, context];
    `bos_token_id`.
    **Returns:** [batch, context, d_in], a new tensor.
    **Raises:** `ShapeError` when the axes disagree.
    """
    is_bos = tokens == bos_token_id
    return torch.where(is_bos[..., None], activation, replacement)
