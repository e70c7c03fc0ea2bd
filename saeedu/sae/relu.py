"""The ReLU SAE with an L1 penalty: chapter 03's autoencoder, in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.sae.base import SAE, LossTerms
from saeedu.shapes import shaped


@shaped(latents="batch d_sae", W_dec="d_sae d_in")
def weighted_l1(latents: Tensor, W_dec: Tensor, l1_coefficient: float) -> Tensor:
    """Price of activity when decoder rows are free: each latent counts times its row's norm.

    A latent times its row's norm is the length of what it adds to the output. Shrinking the
    latents while growing the rows changes neither the output nor, now, the price.

    **Arguments:** `latents` [batch, d_sae], never negative; `W_dec` [d_sae, d_in], rows of any
    length; `l1_coefficient`, the λ of the loss.
    **Returns:** a number: λ times the mean over the batch of the weighted sum over latents.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Anthropic's April 2024 update, "Training SAEs".
    """
    row_norms = W_dec.norm(dim=1)
    return l1_coefficient * (latents * row_norms).sum(dim=1).mean()


class ReLUSAE(SAE):
    """An SAE whose latents are `relu(pre_acts)`, kept sparse by a decoder-weighted L1 penalty.

    **Arguments:** `d_in`, `d_sae`, `seed` as for `SAE`; `l1_coefficient`, the λ of the loss, for
    activations of mean length sqrt(d_in), which is what `train` makes of them.
    **Raises:** `ValueError` for a size below one or a negative coefficient.
    **Source:** Bricken et al. (2023); the weighting is from Anthropic's April 2024 update.
    """

    architecture = "standard"

    def __init__(self, d_in: int, d_sae: int, l1_coefficient: float = 0.0, seed: int = 0) -> None:
        super().__init__(d_in, d_sae, seed)
        if not l1_coefficient >= 0:
            raise ValueError(f"l1_coefficient must not be negative, but it is {l1_coefficient}")
        self.l1_coefficient = l1_coefficient

    def encode(self, x: Tensor) -> Tensor:
        """Turn activations into latents: centre, project, shift, and keep what is positive.

        **Arguments:** `x` [batch, d_in].
        **Returns:** [batch, d_sae], never negative.
        **Raises:** `ShapeError` when the last axis is not d_in.
        """
        return torch.relu(self.pre_acts(x))

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """Squared error, summed over d_in and averaged over the batch, plus the weighted L1.

        **Arguments:** `x` [batch, d_in]; `sparsity_scale`, a factor on the penalty for warm-up.
        **Returns:** `LossTerms`, with gradients.
        **Raises:** `ShapeError` when the last axis is not d_in.
        """
        latents = self.encode(x)
        x_hat = self.decode(latents)
        reconstruction = ((x_hat - x) ** 2).sum(dim=1).mean()
        sparsity = weighted_l1(latents, self.W_dec, sparsity_scale * self.l1_coefficient)
        return LossTerms(reconstruction + sparsity, reconstruction, sparsity, latents, x_hat)
