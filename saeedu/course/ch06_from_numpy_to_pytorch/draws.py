"""Inputs for this chapter's checks: no two axes of one size, and nothing zero that could hide.

No two pre-activations of a call are equal, so what a tie should do is left open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saeedu.grading.exercise import Call
from saeedu.numpy_training import Parameters
from saeedu.shapes import Array

# All inputs are float64. An answer in float32 has lost half of their digits on the way, and the
# lesson compares to the last.
RTOL = 1e-10


def tensor(values: Array) -> Tensor:
    """A float64 tensor with a copy of the values."""
    return torch.tensor(values, dtype=torch.float64)


def probe(value: Tensor) -> Tensor:
    """A number that depends on every entry differently: its gradient shows where entries went."""
    weights = torch.cos(1.7 * torch.arange(value.numel(), dtype=torch.float64) + 0.4)
    return (value.flatten() * weights).sum()


def gradients_of(number: Any, leaves: dict[str, Tensor]) -> dict[str, Any]:
    """The gradient of a number for each leaf; None for all where no gradient can flow."""
    if not isinstance(number, Tensor) or not number.requires_grad:
        return {f"gradient for {name}": None for name in leaves}
    found = torch.autograd.grad(number, list(leaves.values()), allow_unused=True)
    return {
        f"gradient for {name}": torch.zeros_like(leaf) if gradient is None else gradient
        for (name, leaf), gradient in zip(leaves.items(), found, strict=True)
    }


def autoencoders(rng: np.random.Generator) -> Iterator[Call]:
    """A batch, an SAE with biases that matter, one latent that never fires, and a price."""
    for batch, d_in, d_sae, price in ((7, 3, 5, 0.4), (4, 5, 9, 1.7), (11, 4, 6, 0.15)):
        b_enc = 0.4 * rng.standard_normal(d_sae)
        b_enc[int(rng.integers(d_sae))] = -50.0
        parameters = Parameters(
            W_enc=rng.standard_normal((d_in, d_sae)),
            b_enc=b_enc,
            W_dec=rng.standard_normal((d_sae, d_in)),
            b_dec=rng.uniform(0.5, 1.5, d_in) * rng.choice([-1, 1], d_in),
        )
        x = rng.standard_normal((batch, d_in)) + 0.5
        axes = {"batch": batch, "d_in": d_in, "d_sae": d_sae}
        yield Call((x, parameters, price), axes)


def draw_pre_acts(rng: np.random.Generator, batch: int, d_sae: int) -> Array:
    """Numbers of both signs, the largest in size negative; the first sample has one positive."""
    pre_acts = rng.standard_normal((batch, d_sae)) + 0.3
    pre_acts[0] = -np.abs(pre_acts[0])
    pre_acts[0, int(rng.integers(d_sae))] = 0.7
    pre_acts[-1, int(rng.integers(d_sae))] = -9.0
    return pre_acts


def pre_acts_and_k(rng: np.random.Generator) -> Iterator[Call]:
    """Pre-activations with gradients, and a k; some samples have fewer positive ones than k."""
    for batch, d_sae, k in ((7, 11, 3), (5, 9, 1), (6, 4, 4), (9, 13, 5)):
        pre_acts = draw_pre_acts(rng, batch, d_sae)
        note = "the first sample has a single positive pre-activation"
        axes = {"batch": batch, "d_sae": d_sae}
        yield Call((tensor(pre_acts).requires_grad_(), k), axes, note)


def uneven_batches(rng: np.random.Generator) -> Iterator[Call]:
    """Batches in which one sample has many large pre-activations and another none at all."""
    for batch, d_sae, k in ((7, 11, 2), (5, 9, 1), (6, 13, 3)):
        pre_acts = draw_pre_acts(rng, batch, d_sae)
        pre_acts[1] = np.abs(pre_acts[1]) + 2.0
        pre_acts[2] = -np.abs(pre_acts[2])
        note = "one sample has many large pre-activations, another no positive one"
        axes = {"batch": batch, "d_sae": d_sae}
        yield Call((tensor(pre_acts).requires_grad_(), k), axes, note)
    pre_acts = -rng.uniform(0.2, 2.0, (4, 7))
    pre_acts[1, :3] = (1.1, 0.6, 0.3)
    pre_acts[3, 5] = 0.8
    note = "a batch with fewer positive pre-activations than batch times k"
    yield Call((tensor(pre_acts).requires_grad_(), 3), {"batch": 4, "d_sae": 7}, note)


def masked_gradients(rng: np.random.Generator) -> Iterator[Call]:
    """A gradient that is nowhere zero, pre-activations of both signs, and a k."""
    for batch, d_sae, k in ((7, 11, 3), (5, 9, 1), (6, 4, 4), (9, 13, 5)):
        pre_acts = draw_pre_acts(rng, batch, d_sae)
        d_latents = rng.choice([-1, 1], (batch, d_sae)) * rng.uniform(0.5, 2.0, (batch, d_sae))
        axes = {"batch": batch, "d_sae": d_sae}
        yield Call((tensor(d_latents), tensor(pre_acts), k), axes)


def draw_active(rng: np.random.Generator, batch: int, k: int, d_sae: int) -> tuple[Tensor, Tensor]:
    """Values and columns as TopK leaves them: in no order, some values zero after the ReLU.

    Few latents serve many samples, the last three none, and one is shared by all.
    """
    columns = np.array([rng.permutation(d_sae - 3)[:k] for _ in range(batch)])
    shared = int(rng.integers(d_sae - 3))
    for row in columns:
        if shared not in row:
            row[int(rng.integers(k))] = shared
    values = rng.uniform(0.3, 2.0, (batch, k))
    if k > 1:
        values[rng.random((batch, k)) < 0.2] = 0.0
        values[0, 0] = 0.0
    return tensor(values), torch.tensor(columns)


SIZES = ((7, 3, 11, 5), (5, 2, 9, 4), (4, 6, 13, 3), (8, 1, 10, 6))


def codes_to_decode(rng: np.random.Generator) -> Iterator[Call]:
    """Active latents, a decoder with rows of many lengths, and a bias."""
    for batch, k, d_sae, d_in in SIZES:
        values, columns = draw_active(rng, batch, k, d_sae)
        W_dec = rng.standard_normal((d_sae, d_in)) * rng.uniform(0.4, 3.0, (d_sae, 1))
        b_dec = rng.uniform(0.5, 2.0, d_in) * rng.choice([-1, 1], d_in)
        axes = {"batch": batch, "k": k, "d_sae": d_sae, "d_in": d_in}
        yield Call((values, columns, tensor(W_dec), tensor(b_dec)), axes)


def gradients_at_columns(rng: np.random.Generator) -> Iterator[Call]:
    """A gradient for x_hat, which latents are active, and a decoder."""
    for batch, k, d_sae, d_in in SIZES:
        _, columns = draw_active(rng, batch, k, d_sae)
        W_dec = rng.standard_normal((d_sae, d_in)) * rng.uniform(0.4, 3.0, (d_sae, 1))
        d_x_hat = rng.standard_normal((batch, d_in))
        axes = {"batch": batch, "k": k, "d_sae": d_sae, "d_in": d_in}
        yield Call((tensor(d_x_hat), columns, tensor(W_dec)), axes)


def vectors_to_sum(rng: np.random.Generator) -> Iterator[Call]:
    """Values of both signs; one latent that every sample names, and three that none does."""
    for batch, k, d_sae, d in SIZES:
        values, columns = draw_active(rng, batch, k, d_sae)
        signs = torch.tensor(rng.choice([-1.0, 1.0], tuple(values.shape)))
        vectors = rng.standard_normal((batch, d)) + 0.5
        axes = {"batch": batch, "k": k, "d_sae": d_sae, "d": d}
        note = "one latent is active in every sample, and the last three in none"
        yield Call((values * signs, columns, tensor(vectors), d_sae), axes, note)


def steps_to_take_back(rng: np.random.Generator) -> Iterator[Call]:
    """All that the forward pass kept, and the gradient for x_hat."""
    for batch, k, d_sae, d_in in SIZES:
        values, columns = draw_active(rng, batch, k, d_sae)
        args = (
            rng.standard_normal((batch, d_in)),
            rng.standard_normal((batch, d_in)) + 0.5,
            rng.standard_normal((d_in, d_sae)),
            rng.standard_normal((d_sae, d_in)) * rng.uniform(0.4, 3.0, (d_sae, 1)),
            rng.uniform(0.5, 2.0, d_in),
        )
        axes = {"batch": batch, "k": k, "d_sae": d_sae, "d_in": d_in}
        note = "some values are zero: negative winners, after the ReLU"
        yield Call((*map(tensor, args), values, columns), axes, note)


def errors_and_dead(rng: np.random.Generator) -> Iterator[Call]:
    """An error, pre-activations, and some dead latents: more of them than k_aux, or fewer.

    In the last two calls nearly all latents are dead, or all, and nearly all pre-activations
    negative: living latents that were set to zero win places there, and hide what follows.
    """
    sizes = (
        (7, 11, 5, 4, 2),
        (4, 9, 3, 6, 1),
        (6, 13, 8, 3, 10),
        (5, 12, 7, 10, 4),
        (8, 9, 4, 9, 3),
    )
    for batch, d_sae, d_in, n_dead, k_aux in sizes:
        pre_acts = draw_pre_acts(rng, batch, d_sae)
        if n_dead > d_sae - 3:
            pre_acts -= 1.3
        dead = np.zeros(d_sae, dtype=bool)
        dead[rng.permutation(d_sae)[:n_dead]] = True
        x = rng.standard_normal((batch, d_in)) + 0.8
        W_dec = rng.standard_normal((d_sae, d_in)) * rng.uniform(0.4, 2.0, (d_sae, 1))
        args = (
            tensor(x),
            tensor(x + 0.7 * rng.standard_normal((batch, d_in)) + 0.3).requires_grad_(),
            tensor(pre_acts).requires_grad_(),
            torch.tensor(dead),
            tensor(W_dec).requires_grad_(),
            k_aux,
        )
        axes = {"batch": batch, "d_sae": d_sae, "d_in": d_in}
        yield Call(args, axes, f"{n_dead} of {d_sae} latents are dead, and k_aux is {k_aux}")


def trained_weights(rng: np.random.Generator) -> Iterator[Call]:
    """Weights with rows of many lengths, biases that are not zero, and a scale."""
    for d_in, d_sae, scale in ((5, 11, 0.25), (4, 7, 12.0), (8, 3, 1.7)):
        args = (
            rng.standard_normal((d_in, d_sae)),
            rng.uniform(0.3, 2.0, d_sae) * rng.choice([-1, 1], d_sae),
            rng.standard_normal((d_sae, d_in)) * rng.uniform(0.3, 3.0, (d_sae, 1)),
            rng.uniform(0.3, 2.0, d_in) * rng.choice([-1, 1], d_in),
        )
        yield Call((*map(tensor, args), scale), {"d_in": d_in, "d_sae": d_sae})
