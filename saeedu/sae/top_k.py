"""The TopK SAE: k latents a sample, so no penalty and no shrinkage; and AuxK for the dead."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from saeedu.sae.base import LossTerms, require_not_negative, squared_error
from saeedu.sae.selection import select_top_k
from saeedu.sae.sparse import ActiveLatents, decode_active, with_encoder_gradients
from saeedu.sae.unit_rows import UnitRows


def top_k(pre_acts: Tensor, k: int) -> Tensor:
    """Keep the k largest pre-activations of each sample, if positive; the rest become zero.

    **Arguments:** `pre_acts` [batch, d_sae]; `k`, from 1 to d_sae.
    **Returns:** [batch, d_sae]; through the kept entries gradients pass unchanged.
    **Source:** Makhzani and Frey (2013), "k-Sparse Autoencoders"; Gao et al. (2024).
    """
    values, columns = pre_acts.topk(k, dim=-1)
    return torch.zeros_like(pre_acts).scatter(-1, columns, torch.relu(values))


class TopKSAE(UnitRows):
    """An SAE in which each sample keeps its k largest latents. Decoder rows have unit norm.

    A latent that has been silent for `dead_after` samples counts as dead. The `k_aux` largest dead
    pre-activations of each sample then try to rebuild what the living left over, and the error of
    that, times `aux_coefficient`, is added to the loss: those above zero get a gradient again.

    **Arguments:** `d_in`, `d_sae`, `seed` as for `SAE`; `k`; `k_aux`, by default half of d_in;
    `aux_coefficient`; `dead_after`, in samples.
    **Raises:** `ValueError` for a size below one, k outside 1 to d_sae, or a negative coefficient.
    **Source:** Gao et al. (2024), sections 2.3 and A.2, where dead means silent for 10 million
    tokens, and each error is divided by its own target's variance instead.
    """

    architecture = "topk"
    b_enc: Tensor

    def __init__(
        self,
        d_in: int,
        d_sae: int,
        k: int = 32,
        k_aux: int | None = None,
        aux_coefficient: float = 1 / 32,
        dead_after: int = 100_000,
        seed: int = 0,
    ) -> None:
        super().__init__(d_in, d_sae, seed)
        if not 1 <= k <= d_sae:
            raise ValueError(f"k is {k}, but must lie between 1 and d_sae, {d_sae}")
        require_not_negative("aux_coefficient", aux_coefficient)
        self.k = k
        self.k_aux = max(1, d_in // 2) if k_aux is None else k_aux
        self.aux_coefficient = aux_coefficient
        self.dead_after = dead_after
        self.silent_for: Tensor
        self.register_buffer("silent_for", torch.zeros(d_sae, dtype=torch.int64))
        self.start_with_unit_rows()

    def settings(self) -> dict[str, Any]:
        """See `SAE.settings`."""
        names = ("k", "k_aux", "aux_coefficient", "dead_after")
        return {name: getattr(self, name) for name in names}

    def encode(self, x: Tensor) -> Tensor:
        """Turn activations into latents: project, keep the k largest, and of those the positive.

        **Arguments:** `x` [batch, d_in].
        **Returns:** [batch, d_sae], at most k above zero in a sample.
        **Raises:** as `SAE.centred`.
        """
        return top_k(self.centred(x) @ self.W_enc + self.b_enc, self.k)

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """Squared error, summed over d_in and averaged over the batch, plus AuxK's.

        **Arguments:** `x` [batch, d_in]; `sparsity_scale` is not used: k is what it is.
        **Returns:** `LossTerms`, with gradients; its sparsity is zero.
        **Raises:** as `SAE.centred`.
        """
        selected = select_top_k(self.centred(x).detach(), self.W_enc, self.b_enc, self.k)
        active = self.with_gradients(selected, x)
        x_hat = decode_active(active, self.W_dec) + self.b_dec
        return self.loss_terms(x, x_hat, squared_error(x_hat, x), active)

    def with_gradients(self, active: ActiveLatents, x: Tensor) -> ActiveLatents:
        """Selected pre-activations as latents, tied to the weights."""
        active = with_encoder_gradients(active, x, self.W_enc, self.b_enc, self.b_dec)
        return active.with_values(torch.relu(active.values))

    def loss_terms(
        self, x: Tensor, x_hat: Tensor, reconstruction: Tensor, active: ActiveLatents
    ) -> LossTerms:
        """The terms that all architectures with a k share."""
        auxiliary = self.aux_k_loss(x, x_hat)
        total = reconstruction + sum(auxiliary.values(), torch.zeros_like(reconstruction))
        none = torch.zeros_like(reconstruction)
        return LossTerms(total, reconstruction, none, x_hat, active.counts(), auxiliary)

    def aux_k_loss(self, x: Tensor, x_hat: Tensor) -> dict[str, Tensor]:
        """AuxK: the error with which dead latents rebuild the error. Empty while none is dead."""
        dead = (self.silent_for >= self.dead_after).nonzero()[:, 0]
        if len(dead) == 0 or self.aux_coefficient == 0:
            return {}
        k = min(self.k_aux, len(dead))
        centred = self.centred(x).detach()
        found = select_top_k(centred, self.W_enc[:, dead], self.b_enc[dead], k)
        active = ActiveLatents(found.values, found.rows, dead[found.columns], len(x), self.d_sae)
        error = (x - x_hat).detach()  # the living are not to make room for the dead
        rebuilt = decode_active(self.with_gradients(active, x), self.W_dec)
        return {"aux_k": self.aux_coefficient * squared_error(rebuilt, error)}

    @torch.no_grad()
    def after_step(self, terms: LossTerms, samples: int | None = None) -> None:
        """Bring decoder rows back to unit norm, and count how long each latent has been silent."""
        super().after_step(terms, samples)
        self.silent_for.add_(samples or len(terms.x_hat)).masked_fill_(terms.active > 0, 0)
