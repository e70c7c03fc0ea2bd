"""Decoder rows of unit norm, kept so through training."""

from __future__ import annotations

import torch

from saeedu.sae.base import SAE, LossTerms


class UnitRows(SAE):
    """An SAE whose decoder rows keep unit norm: chapter 04's projection, chapter 05's step.

    Before the optimiser's step the part of each row's gradient along the row is removed, so that
    Adam's averages do not fill with a direction in which the row cannot move; after the step the
    rows are divided by their norms. Encoder and decoder begin as transposes of each other.

    **Source:** Bricken et al. (2023), "Advice for training"; Gao et al. (2024), A.1 and A.2.
    """

    @torch.no_grad()
    def start_with_unit_rows(self) -> None:
        """Divide every decoder row by its norm, and make the encoder its transpose again."""
        self.set_rows_to_unit_norm()
        self.W_enc.copy_(self.W_dec.T)

    @torch.no_grad()
    def set_rows_to_unit_norm(self) -> None:
        """Divide every decoder row by its norm; a row of zeros stays as it is."""
        norms = self.W_dec.norm(dim=1, keepdim=True)
        self.W_dec.div_(norms.masked_fill(norms == 0, 1))

    @torch.no_grad()
    def adjust_gradients(self) -> None:
        """Remove from each decoder row's gradient the part along the row."""
        gradient = self.W_dec.grad
        if gradient is not None:
            # A few rows at a time: their products stay in the cache.
            for some, rows in zip(gradient.split(512), self.W_dec.split(512), strict=True):
                along = torch.linalg.vecdot(some, rows)
                some.addcmul_(rows, along[:, None], value=-1)

    @torch.no_grad()
    def after_step(self, terms: LossTerms, samples: int | None = None) -> None:
        """Bring decoder rows back to unit norm."""
        self.set_rows_to_unit_norm()
