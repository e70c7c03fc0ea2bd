"""Inputs for this chapter's checks, drawn so that no mistake can hide.

All axes of a call differ in size, columns and rows of W differ in length, none has length one,
and overlaps of both signs occur.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu.grading.exercise import Call
from saeedu.shapes import Array

SIZES = ((3, 2, 5), (2, 4, 7), (4, 3, 6), (5, 6, 2))
"""Instances, m and n of each call; in the last one there is room for every feature."""


def weights(rng: np.random.Generator, n_instances: int, m: int, n: int) -> Array:
    """Weights of both signs, of which columns and rows have clearly different lengths."""
    columns = rng.uniform(0.4, 2.2, (n_instances, 1, n))
    rows = rng.uniform(0.5, 1.8, (n_instances, m, 1))
    return rng.standard_normal((n_instances, m, n)) * columns * rows


def with_a_dropped_feature(rng: np.random.Generator) -> Iterator[Call]:
    """Calls with W; in every second call one feature of one instance has no weight at all."""
    for call, (n_instances, m, n) in enumerate(SIZES):
        W = weights(rng, n_instances, m, n)
        note = ""
        if call % 2:
            W[1, :, 1] = 0.0
            note = "feature 1 of instance 1 is not represented: its column is all zeros"
        yield Call((W,), axes={"n_instances": n_instances, "m": m, "n": n}, note=note)


def with_a_dead_neuron(rng: np.random.Generator) -> Iterator[Call]:
    """Calls with W: weights of both signs, a neuron that nothing turns on, now and then a dead one.

    Neuron 0 has negative weights alone. In the last neuron the strongest weight is negative, but
    others are positive.
    """
    for call, (n_instances, m, n) in enumerate(SIZES):
        W = weights(rng, n_instances, m, n)
        W[:, 0] = -np.abs(W[:, 0])
        W[:, -1] = np.abs(W[:, -1])
        W[:, -1, 0] = -1.5 * W[:, -1].max(axis=1)
        note = "neuron 0 has no positive weight"
        if call % 2:
            W[1, 1] = 0.0
            note += "; neuron 1 of instance 1 is dead: its row is all zeros"
        yield Call((W,), axes={"n_instances": n_instances, "m": m, "n": n}, note=note)


def two_features(rng: np.random.Generator) -> Iterator[Call]:
    """Calls with a density and two importances: numbers, lists of them, and a whole grid."""
    for _ in range(2):
        first, second = rng.uniform(0.3, 3.0, 2)
        yield Call((float(rng.uniform(0.2, 0.9)), float(first), float(second)))
    densities = rng.uniform(0.05, 1.0, 6)
    yield Call((densities, rng.uniform(0.3, 3.0, 6), rng.uniform(0.3, 3.0, 6)), axes={"k": 6})
    grid = np.geomspace(0.02, 1.0, 11), np.geomspace(0.08, 9.0, 13)[:, np.newaxis]
    note = "a grid: densities along one axis, importances along the other"
    yield Call((grid[0], 1.3, 1.3 * grid[1]), axes={"densities": 11, "importances": 13}, note=note)
