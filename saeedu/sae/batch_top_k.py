"""The BatchTopK SAE: k latents a sample on average, spent where they are needed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from saeedu.sae.base import LossTerms, squared_error
from saeedu.sae.selection import select_batch_top_k
from saeedu.sae.sparse import ActiveLatents, decode_active
from saeedu.sae.top_k import TopKSAE


def batch_top_k(pre_acts: Tensor, k: int) -> Tensor:
    """Keep the batch x k largest pre-activations of a batch, if positive, wherever they are.

    **Arguments:** `pre_acts` [batch, d_sae]; `k`, the mean number per sample, from 1 to d_sae.
    **Returns:** [batch, d_sae]; through the kept entries gradients pass unchanged.
    **Source:** Bussmann, Leask and Nanda (2024), "BatchTopK Sparse Autoencoders".
    """
    flat = pre_acts.flatten()
    values, places = flat.topk(len(pre_acts) * k)
    return torch.zeros_like(flat).scatter(0, places, torch.relu(values)).view_as(pre_acts)


def updated_threshold(threshold: Tensor, smallest: Tensor, rate: float) -> Tensor:
    """A running mean of the smallest value that still won a place, over the training batches.

    **Arguments:** `threshold`, the mean so far, 0 before the first batch; `smallest`, this batch's;
    `rate`, how much of the new value enters, from 0 to 1.
    **Returns:** the new mean, a number; the first batch's value enters whole.
    **Source:** Bussmann et al. (2024), who average over the last training batches instead.
    """
    return torch.where(threshold == 0, smallest, threshold + rate * (smallest - threshold))


class BatchTopKSAE(TopKSAE):
    """An SAE that keeps the k x batch largest latents of a batch while it trains.

    Which latents a sample keeps then depends on its neighbours. `encode` must not: it keeps what
    lies above `threshold`, a running mean of the smallest value that won a place in training.

    **Arguments:** as for `TopKSAE`; `threshold_rate`, the running mean's.
    **Raises:** as `TopKSAE`.
    **Source:** Bussmann, Leask and Nanda (2024).
    """

    # SAELens cannot load "batchtopk": what `encode` does is a JumpReLU with one threshold for all.
    architecture = "jumprelu"

    def __init__(
        self,
        d_in: int,
        d_sae: int,
        k: int = 32,
        k_aux: int | None = None,
        aux_coefficient: float = 1 / 32,
        dead_after: int = 100_000,
        threshold_rate: float = 0.01,
        seed: int = 0,
    ) -> None:
        super().__init__(d_in, d_sae, k, k_aux, aux_coefficient, dead_after, seed)
        if not 0 < threshold_rate <= 1:
            raise ValueError(f"threshold_rate must lie in (0, 1], but it is {threshold_rate}")
        self.threshold_rate = threshold_rate
        self.threshold: Tensor
        self.smallest_winner: Tensor
        self.register_buffer("threshold", torch.zeros(()))
        self.register_buffer("smallest_winner", torch.zeros(()), persistent=False)

    def settings(self) -> dict[str, Any]:
        """See `SAE.settings`."""
        return super().settings() | {"threshold_rate": self.threshold_rate}

    def encode(self, x: Tensor) -> Tensor:
        """Turn activations into latents: project, and keep what lies above the threshold.

        **Arguments:** `x` [batch, d_in].
        **Returns:** [batch, d_sae], k above zero in a sample on average. Before any training the
        threshold is zero, and this is a ReLU.
        **Raises:** as `SAE.centred`.
        """
        pre_acts = self.centred(x) @ self.W_enc + self.b_enc
        return torch.relu(pre_acts) * (pre_acts > self.threshold)

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """As `TopKSAE.loss`, with the batch's k x batch largest latents.

        **Arguments:** `x` [batch, d_in]; `sparsity_scale` is not used.
        **Returns:** `LossTerms`, with gradients; its sparsity is zero.
        **Raises:** as `SAE.centred`.
        """
        active = self.batch_winners(x)
        x_hat = decode_active(active, self.W_dec) + self.b_dec
        return self.loss_terms(x, x_hat, squared_error(x_hat, x), active)

    def batch_winners(self, x: Tensor) -> ActiveLatents:
        """The latents that this batch keeps, tied to the weights; notes the smallest of them."""
        selected = select_batch_top_k(self.centred(x).detach(), self.W_enc, self.b_enc, self.k)
        if len(selected.values):
            self.smallest_winner = selected.values.min()
        return self.with_gradients(selected, x)

    @torch.no_grad()
    def after_step(self, terms: LossTerms, samples: int | None = None) -> None:
        """As `TopKSAE.after_step`; also moves the threshold."""
        super().after_step(terms, samples)
        self.threshold.copy_(
            updated_threshold(self.threshold, self.smallest_winner, self.threshold_rate)
        )

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        """Change units, as `SAE.rescale`; the threshold is a pre-activation and carries them."""
        super().rescale(factor)
        self.threshold.mul_(factor)
