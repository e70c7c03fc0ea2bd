"""The loss of every architecture on one page: dense, in a few lines each, from the same functions.

`saeedu.sae` holds the same losses as classes that visit active latents only, for real sizes. These
are for toys, where several SAEs are trained side by side (`saeedu.side_by_side`), and for reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from saeedu.sae.base import squared_error
from saeedu.sae.gated import gate_loss, gated_latents
from saeedu.sae.jump_relu import INITIAL_THRESHOLD, jump_relu, step
from saeedu.sae.matryoshka import prefix_losses
from saeedu.sae.relu import weighted_l1
from saeedu.sae.top_k import top_k

Weights = Mapping[str, Tensor]
"""One SAE's tensors by name: W_enc, W_dec, b_dec, and those of its architecture."""


@dataclass(frozen=True)
class Architecture:
    """What sets one kind of SAE apart, as functions of one SAE's weights."""

    latents: Callable[[Weights, Tensor], Tensor]
    """From the weights and x [batch, d_in] to the latents [batch, d_sae]."""
    loss: Callable[[Weights, Tensor, Tensor], Tensor]
    """From the weights, x, and the price of activity, a number, to what is minimised."""
    vectors: Mapping[str, float] = field(default_factory=lambda: {"b_enc": 0.0})
    """Its parameters [d_sae], and the value at which each of them starts."""
    unit_rows: bool = True
    """Whether decoder rows keep unit norm."""


def products(w: Weights, x: Tensor) -> Tensor:
    """(x - b_dec) @ W_enc, with which every encoder begins."""
    return (x - w["b_dec"]) @ w["W_enc"]


def decoded(w: Weights, latents: Tensor) -> Tensor:
    """latents @ W_dec + b_dec, with which every decoder ends."""
    return latents @ w["W_dec"] + w["b_dec"]


def relu() -> Architecture:
    """As `ReLUSAE`: squared error and λ times the weighted L1. The price is λ."""

    def latents(w: Weights, x: Tensor) -> Tensor:
        return torch.relu(products(w, x) + w["b_enc"])

    def loss(w: Weights, x: Tensor, price: Tensor) -> Tensor:
        z = latents(w, x)
        return squared_error(decoded(w, z), x) + price * weighted_l1(z, w["W_dec"], 1.0)

    return Architecture(latents, loss, unit_rows=False)


def keeping(keep: Callable[[Tensor], Tensor]) -> Architecture:
    """An SAE that pays nothing for its latents, but keeps only some pre-activations."""

    def latents(w: Weights, x: Tensor) -> Tensor:
        return keep(products(w, x) + w["b_enc"])

    def loss(w: Weights, x: Tensor, price: Tensor) -> Tensor:
        return squared_error(decoded(w, latents(w, x)), x)

    return Architecture(latents, loss)


def top_k_of(k: int) -> Architecture:
    """As `TopKSAE` without AuxK: each sample keeps its k largest."""
    return keeping(lambda pre_acts: top_k(pre_acts, k))


def of_a_batch(pre_acts: Tensor, k: float) -> Tensor:
    """As `batch_top_k`, for any mean number k a sample: k x batch, rounded, of the whole batch."""
    # To keep n of a batch is to keep n of one long sample.
    return top_k(pre_acts.reshape(1, -1), round(k * len(pre_acts))).view_as(pre_acts)


def batch_top_k_of(k: float) -> Architecture:
    """As `BatchTopKSAE` without AuxK: a batch keeps its k x batch largest, also when judged."""
    return keeping(lambda pre_acts: of_a_batch(pre_acts, k))


def gated() -> Architecture:
    """As `GatedSAE`: squared error, λ times the L1 of the gates, and the gates' own error."""

    def both_paths(w: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
        return gated_latents(products(w, x), w["b_gate"], w["r_mag"], w["b_mag"])

    def latents(w: Weights, x: Tensor) -> Tensor:
        return both_paths(w, x)[0]

    def loss(w: Weights, x: Tensor, price: Tensor) -> Tensor:
        z, gates = both_paths(w, x)
        sparsity = price * gates.sum(dim=1).mean()
        own = gate_loss(gates, w["W_dec"], w["b_dec"], x)
        return squared_error(decoded(w, z), x) + sparsity + own

    return Architecture(latents, loss, {"b_gate": 0.0, "r_mag": 0.0, "b_mag": 0.0})


def jump_relu_of(bandwidth: float) -> Architecture:
    """As `JumpReLUSAE`: squared error and a price for each active latent."""

    def latents(w: Weights, x: Tensor) -> Tensor:
        return jump_relu(products(w, x) + w["b_enc"], w["threshold"], bandwidth)

    def loss(w: Weights, x: Tensor, price: Tensor) -> Tensor:
        active = step(products(w, x) + w["b_enc"], w["threshold"], bandwidth)
        return squared_error(decoded(w, latents(w, x)), x) + price * active.sum(dim=1).mean()

    return Architecture(latents, loss, {"b_enc": 0.0, "threshold": INITIAL_THRESHOLD})


def matryoshka_of(k: float, widths: Sequence[int]) -> Architecture:
    """As `MatryoshkaSAE` without AuxK: the squared errors of all prefixes."""

    def latents(w: Weights, x: Tensor) -> Tensor:
        return of_a_batch(products(w, x) + w["b_enc"], k)

    def loss(w: Weights, x: Tensor, price: Tensor) -> Tensor:
        return prefix_losses(latents(w, x), w["W_dec"], w["b_dec"], x, widths).sum()

    return Architecture(latents, loss)
