"""Inputs for this chapter's checks: no two axes of one size, and no zero that could hide a slip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saeedu.grading.exercise import Call, Implementation
from saeedu.shapes import Array


def tensor(values: Any) -> Tensor:
    """A float64 tensor with a copy of the values."""
    return torch.tensor(values, dtype=torch.float64)


def leaf(values: Any) -> Tensor:
    """The same, as something that a gradient can be asked for."""
    return tensor(values).requires_grad_()


def with_gradients(*names: str) -> Callable[[Implementation, Call], dict[str, Any]]:
    """Observe what comes out, and the gradients that it sends back to the first arguments.

    **Arguments:** their `names`, in order; "" for one that gets no gradient.
    **Returns:** for a `Check`'s `observe`.
    """

    def observe(implementation: Implementation, call: Call) -> dict[str, Any]:
        value = implementation(*call.args)
        parts = value if isinstance(value, tuple | list) else (value,)
        total: Any = 0.0
        for i, part in enumerate(parts):
            if isinstance(part, Tensor) and part.requires_grad:
                # Every entry counts with a weight of its own, so that no two can be exchanged.
                weights = torch.cos(torch.arange(part.numel()) + 0.3 + 2 * i).view(part.shape)
                total = total + (part * weights).sum()
        chosen = [argument for name, argument in zip(names, call.args, strict=False) if name]
        gradients: Any = [None] * len(chosen)
        if isinstance(total, Tensor):
            # No path and a path that carries nothing are the same to whoever learns.
            gradients = torch.autograd.grad(
                total, chosen, allow_unused=True, materialize_grads=True
            )
        asked = [name for name in names if name]
        return {"value": value} | {
            f"gradient for {name}": gradient
            for name, gradient in zip(asked, gradients, strict=True)
        }

    return observe


def gates(rng: np.random.Generator) -> Iterator[Call]:
    """Both paths disagree in both ways: an open gate on nothing, and a closed one on something."""
    for batch, d_sae in ((7, 5), (4, 9), (11, 3)):
        products = 1.5 * rng.standard_normal((batch, d_sae))
        b_gate, b_mag = rng.uniform(0.3, 1.0, (2, d_sae)) * rng.choice([-1, 1], (2, d_sae))
        r_mag = rng.uniform(0.3, 0.9, d_sae) * rng.choice([-1, 1], d_sae)
        b_gate[0], b_mag[0] = -0.8, 0.7
        b_gate[1], b_mag[1] = 0.8, -0.7
        products[0, 0], products[1, 1] = 0.4, -0.3  # closed on something; open on nothing
        yield Call(
            (leaf(products), leaf(b_gate), leaf(r_mag), leaf(b_mag)),
            axes={"batch": batch, "d_sae": d_sae},
            note="one gate is closed over a positive magnitude, one is open over a negative one",
        )
    products, zeros = np.array([[0.75, -0.5], [0.25, 2.0], [1.5, 0.5]]), np.zeros(2)
    b_gate, b_mag = np.array([-0.75, -0.5]), np.array([0.5, 0.4])
    yield Call(  # no gradients here: at zero itself a ReLU has none to agree on
        (tensor(products), tensor(b_gate), tensor(zeros + 0.3), tensor(b_mag)),
        axes={"batch": 3, "d_sae": 2},
        note="two gate pre-activations are exactly 0, over positive magnitudes",
    )


def dictionary(
    rng: np.random.Generator, batch: int, d_sae: int, d_in: int
) -> tuple[Array, Array, Array, Array]:
    """Latents of which about half are on, a decoder with unequal rows, its bias, and x."""
    latents = np.maximum(rng.standard_normal((batch, d_sae)) + 0.2, 0)
    latents[0, :] += 0.1
    W_dec = rng.standard_normal((d_sae, d_in)) * rng.uniform(0.4, 2.0, (d_sae, 1))
    return latents, W_dec, rng.uniform(0.3, 1.2, d_in), rng.standard_normal((batch, d_in)) + 0.5


def frozen_decoders(rng: np.random.Generator) -> Iterator[Call]:
    """Gates, a decoder and its bias that all could be sent a gradient, and targets."""
    for batch, d_sae, d_in in ((7, 9, 4), (3, 5, 8), (10, 6, 2)):
        latents, W_dec, b_dec, x = dictionary(rng, batch, d_sae, d_in)
        yield Call(
            (leaf(latents), leaf(W_dec), leaf(b_dec), tensor(x)),
            axes={"batch": batch, "d_sae": d_sae, "d_in": d_in},
        )


def prefixes(rng: np.random.Generator) -> Iterator[Call]:
    """Dictionaries with two to four prefixes, not evenly spaced."""
    for batch, d_sae, d_in, widths in (
        (7, 9, 4, (2, 5, 9)),
        (3, 6, 8, (1, 6)),
        (10, 11, 2, (3, 4, 8, 11)),
    ):
        latents, W_dec, b_dec, x = dictionary(rng, batch, d_sae, d_in)
        yield Call(
            (leaf(latents), leaf(W_dec), leaf(b_dec), tensor(x), widths),
            axes={"batch": batch, "d_sae": d_sae, "d_in": d_in},
        )


def near_thresholds(rng: np.random.Generator) -> Iterator[Call]:
    """Pre-activations on both sides of their thresholds, near and far, some negative."""
    for batch, d_sae, bandwidth in ((9, 5, 0.6), (6, 4, 0.25), (13, 3, 1.7)):
        threshold = rng.uniform(0.4, 1.6, d_sae)
        # In units of half a bandwidth: 0.1 to 0.9 lies inside the window, 1.1 to 1.9 just outside.
        distance = rng.uniform(0.1, 0.9, (batch, d_sae)) + rng.integers(0, 2, (batch, d_sae))
        distance *= rng.choice([-1, 1], (batch, d_sae))
        distance[0], distance[1] = 0.5, -0.5
        pre_acts = threshold + distance * bandwidth / 2
        pre_acts[2] = rng.uniform(0.05, 0.2, d_sae)  # positive, and yet off
        pre_acts[-1] = -rng.uniform(0.5, 2.0, d_sae)
        upstream = rng.standard_normal((batch, d_sae)) + 0.4
        yield Call(
            (tensor(upstream), tensor(pre_acts), tensor(threshold), bandwidth),
            axes={"batch": batch, "d_sae": d_sae},
        )


def families(rng: np.random.Generator) -> Iterator[Call]:
    """Parents that are there and not there, and draws that lie well inside their intervals."""
    for batch, n_parents, n_children, p in ((9, 4, 3, 0.2), (12, 2, 5, 0.13), (7, 5, 2, 0.37)):
        parent_present = rng.random((batch, n_parents)) < 0.6
        child = rng.integers(0, n_children + 1, (batch, n_parents))
        child[: n_children + 1, 0] = np.arange(n_children + 1)  # every outcome, in one family
        parent_present[: n_children + 1, 0] = True
        parent_present[-1], child[-1] = False, 0  # a draw for a child whose parent is absent
        width = np.where(child == n_children, 1 - n_children * p, p)
        share = rng.choice([0.2, 0.8], child.shape) + rng.uniform(-0.1, 0.1, child.shape)
        share[:2, 0] = 0.25, 0.75  # rounding to the nearest and rounding up are not the same
        draws = child * p + share * width
        yield Call(
            (parent_present, draws, n_children, p),
            axes={"batch": batch, "n_parents": n_parents, "n_children": n_children},
        )


def absorptions(rng: np.random.Generator) -> Iterator[Call]:
    """Dictionaries in which each feature has a latent, and some rows hold two features at once."""
    for batch, n_features, d_sae, d_in in ((60, 4, 7, 6), (75, 3, 8, 5), (90, 5, 9, 11)):
        directions = np.linalg.qr(rng.standard_normal((d_in, d_in)))[0][:n_features]
        rows = 0.15 * rng.standard_normal((d_sae, d_in))
        order = rng.permutation(d_sae)
        own, mixed = order[:n_features], order[n_features:]
        rows[own] += directions
        for latent in mixed[:-1]:
            first, second = rng.choice(n_features, 2, replace=False)
            rows[latent] += 0.9 * directions[first] + directions[second]
        # Nearer to a feature than its own latent in |cosine|, but pointing the other way.
        rows[mixed[-1]] = -directions[0]
        lengths = rng.uniform(0.6, 1.0, d_sae)
        lengths[mixed] = rng.uniform(1.5, 2.5, len(mixed))  # the longest rows are not the nearest
        rows *= lengths[:, None]
        coefficients = rng.uniform(0.5, 2.4, (batch, n_features))
        coefficients *= rng.random((batch, n_features)) < 0.6
        coefficients[np.arange(n_features), np.arange(n_features)] = 0.8
        latents = rng.uniform(0.1, 1.2, (batch, d_sae)) * (rng.random((batch, d_sae)) < 0.45)
        yield Call(
            (coefficients, latents, rows, directions),
            axes={"batch": batch, "n_features": n_features, "d_sae": d_sae, "d_in": d_in},
        )


def frontiers(rng: np.random.Generator) -> Iterator[Call]:
    """SAEs in no order of L0; targets between them, on one of them, and beyond both ends."""
    for n, place, note in (
        (5, 1.3, ""),
        (4, 0.8, ""),
        (7, 4.25, ""),
        (6, 2.0, "the target is the L0 of one of the SAEs"),
        (5, 0.0, "the target is the lowest L0 that was measured"),
        (4, 3.0, "the target is the highest L0 that was measured"),
        (5, -1.0, "the target lies below all that was measured"),
        (4, 99.0, "the target lies above all that was measured"),
    ):
        rising = np.cumsum(rng.uniform(0.6, 3.0, n)) + 1
        target = np.interp(place, np.arange(n), rising)
        if place in (-1.0, 99.0):
            target += 0.4 * np.sign(place)
        # Scores that neither rise nor fall, as large as L0: an exchange of the two must show.
        scores = rng.permutation(np.linspace(0.5, 1.2 * rising[-1], n)) + rng.uniform(0, 0.2, n)
        first, second, *rest = rng.permutation(n)
        order = np.array([max(first, second), min(first, second), *rest])  # never rising
        yield Call((rising[order], scores[order], float(target)), axes={"n": n}, note=note)
    yield Call(
        (np.array([2.5, 9.0, 2.0, 1.5]), np.array([3.0, 8.0, 6.0, 2.0]), 3.0),
        axes={"n": 4},
        note="both of the nearest SAEs are sparser than the target",
    )
