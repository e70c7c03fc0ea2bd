"""Inputs for this chapter's checks, drawn so that no mistake can hide.

Biases are never zero, all axes of a call differ in size, the samples' mean is far from zero, and
among the latents some are on, some are off and one never fires.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu.grading.exercise import Call
from saeedu.shapes import Array

SIZES = ((7, 5, 11), (4, 6, 3), (9, 3, 8), (12, 7, 10))
"""Batch, d_in and d_sae of each call."""
PRICES = (0.3, 2.0, 0.05, 0.9)
"""The λ of each call, never 1."""


def samples(rng: np.random.Generator, batch: int, d_in: int) -> Array:
    """Samples of which each dimension has its own spread and its own mean, none of them zero."""
    spread = rng.uniform(0.5, 2.0, d_in)
    mean = rng.uniform(0.7, 2.0, d_in) * rng.choice([-1, 1], d_in)
    return rng.standard_normal((batch, d_in)) * spread + mean


def latents(rng: np.random.Generator, batch: int, d_sae: int) -> Array:
    """Latents as a ReLU leaves them, with a dead one and, from three samples on, an empty row."""
    strength = rng.standard_normal((batch, d_sae)) * rng.uniform(0.3, 3.0, d_sae)
    on = np.maximum(strength, 0.0)
    on[:, rng.integers(d_sae)] = 0.0
    live = int(np.argmax(on.sum(axis=0)))
    on[0, live] = 1e-10  # faint, but on
    on[1, live] = 1.7
    if batch > 2:
        on[2] = 0.0
    return on


def decoder(rng: np.random.Generator, d_sae: int, d_in: int) -> Array:
    """Decoder rows of clearly different lengths."""
    return rng.standard_normal((d_sae, d_in)) * rng.uniform(0.4, 2.5, (d_sae, 1))


def encoder(rng: np.random.Generator, x: Array, d_sae: int, b_dec: Array) -> tuple[Array, Array]:
    """Encoder weights and a bias for which the first latent is dead and the others vary."""
    W_enc = rng.standard_normal((x.shape[1], d_sae))
    b_enc = rng.uniform(0.3, 1.2, d_sae) * rng.choice([-1, 1], d_sae)
    b_enc[0] = -1.0 - np.max((x - b_dec) @ W_enc[:, 0])
    return W_enc, b_enc


def bias(rng: np.random.Generator, size: int) -> Array:
    """A bias with no entry near zero."""
    return rng.uniform(0.4, 1.5, size) * rng.choice([-1, 1], size)


def pairs(rng: np.random.Generator) -> Iterator[Call]:
    """A reconstruction and its target, whose error has a mean of its own; the last is poor."""
    for batch, d_in, poor in ((7, 5, False), (4, 6, False), (12, 3, False), (9, 8, True)):
        x = samples(rng, batch, d_in)
        error = 0.6 * rng.standard_normal((batch, d_in)) + 0.4 * bias(rng, d_in)
        note = "a reconstruction that is worse than the mean" if poor else ""
        x_hat = x + 5 * error if poor else x + error
        yield Call((x_hat, x), axes={"batch": batch, "d_in": d_in}, note=note)
