"""The ReLU SAE with an L1 penalty: chapter 03's autoencoder, in PyTorch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from saeedu.sae.base import SAE, LossTerms, require_not_negative, squared_error
from saeedu.sae.relu_steps import dense_relu_step, sparse_relu_step
from saeedu.sae.selection import DENSE_ABOVE, select_above
from saeedu.sae.unit_rows import UnitRows
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
    b_enc: Tensor

    def __init__(self, d_in: int, d_sae: int, l1_coefficient: float = 0.0, seed: int = 0) -> None:
        super().__init__(d_in, d_sae, seed)
        require_not_negative("l1_coefficient", l1_coefficient)
        self.l1_coefficient = l1_coefficient

    def settings(self) -> dict[str, Any]:
        """See `SAE.settings`."""
        return {"l1_coefficient": self.l1_coefficient}

    def encode(self, x: Tensor) -> Tensor:
        """Turn activations into latents: centre, project, shift, and keep what is positive.

        **Arguments:** `x` [batch, d_in].
        **Returns:** [batch, d_sae], never negative.
        **Raises:** as `SAE.centred`.
        """
        return torch.relu(self.centred(x) @ self.W_enc + self.b_enc)

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """Squared error, summed over d_in and averaged over the batch, plus the weighted L1.

        **Arguments:** `x` [batch, d_in]; `sparsity_scale`, a factor on the penalty for warm-up.
        **Returns:** `LossTerms`, with gradients.
        **Raises:** as `SAE.centred`.
        """
        coefficient = sparsity_scale * self.l1_coefficient
        weights = self.W_enc, self.b_enc, self.W_dec, self.b_dec
        centred = self.centred(x).detach()
        active = select_above(centred, self.W_enc, self.b_enc, 0.0, give_up_at=DENSE_ABOVE)
        step = (
            dense_relu_step(x, *weights)
            if active is None
            else sparse_relu_step(active, x, *weights)
        )
        reconstruction = squared_error(step.x_hat, x)
        sparsity = coefficient * step.lengths.sum() / len(x)
        total = reconstruction + sparsity
        return LossTerms(total, reconstruction, sparsity, step.x_hat, step.active)


class UnitRowReLUSAE(UnitRows, ReLUSAE):
    """A ReLU SAE whose decoder rows keep unit norm, as in chapters 03 to 05.

    With rows of length one the weighted penalty is the plain L1 of the latents.

    **Source:** Bricken et al. (2023).
    """

    def __init__(self, d_in: int, d_sae: int, l1_coefficient: float = 0.0, seed: int = 0) -> None:
        ReLUSAE.__init__(self, d_in, d_sae, l1_coefficient, seed)
        self.start_with_unit_rows()
