"""Inputs for this chapter's checks, drawn so that no mistake can hide.

All axes of a call differ in size, no bias is zero except where the kink is tested, importances
differ from feature to feature and in every second call from instance to instance, and outputs of
both signs occur before the ReLU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from saeedu.grading.exercise import Call
from saeedu.shapes import Array

SIZES = ((3, 8, 5, 2), (2, 7, 4, 3), (4, 9, 6, 5), (5, 11, 3, 2))
"""Instances, batch, n and m of each call."""


@dataclass(frozen=True)
class Problem:
    """Everything that a toy model's loss depends on."""

    x: Array
    W: Array
    b: Array
    importance: Array
    axes: dict[str, int]
    note: str = ""


def problems(rng: np.random.Generator) -> Iterator[Problem]:
    """Four models; in the last one a feature has neither weight nor bias: the ReLU's kink."""
    for call, (n_instances, batch, n, m) in enumerate(SIZES):
        x = features(rng, n_instances, batch, n)
        W = rng.standard_normal((n_instances, m, n)) * rng.uniform(0.4, 1.3, (n_instances, 1, n))
        b = bias(rng, n_instances, n)
        axes = {"n_instances": n_instances, "batch": batch, "n": n, "m": m}
        note = ""
        if call == len(SIZES) - 1:
            W[:, :, 1] = 0.0
            b[:, 1] = 0.0
            note = "feature 1 has neither weight nor bias: its output stands exactly on the kink"
        yield Problem(x, W, b, importance(rng, n_instances, n, own=call % 2 == 1), axes, note)


def features(rng: np.random.Generator, n_instances: int, batch: int, n: int) -> Array:
    """Sparse samples, of which every feature is present at least once in every instance."""
    x = rng.uniform(0.1, 1.0, (n_instances, batch, n)) * (rng.random((n_instances, batch, n)) < 0.6)
    x[:, 0] = rng.uniform(0.3, 1.0, (n_instances, n))
    return x


def bias(rng: np.random.Generator, n_instances: int, n: int) -> Array:
    """Biases of both signs with no entry near zero."""
    return rng.uniform(0.1, 0.7, (n_instances, n)) * rng.choice([-1, 1], (n_instances, n))


def importance(rng: np.random.Generator, n_instances: int, n: int, own: bool) -> Array:
    """Importances in no order, none of them 1: [n_instances, n] if `own`, else [n]."""
    shape = (n_instances, n) if own else (n,)
    return rng.uniform(0.2, 0.9, shape) * rng.choice([1.0, 3.0], shape)


def outputs(rng: np.random.Generator) -> Iterator[Call]:
    """Calls with x_hat, x and importance; the errors have a mean of their own."""
    for problem in problems(rng):
        x_hat = problem.x + 0.4 * rng.standard_normal(problem.x.shape) + 0.2
        yield Call((x_hat, problem.x, problem.importance), axes=problem.axes, note=problem.note)


def forward_calls(rng: np.random.Generator) -> Iterator[Call]:
    """Calls with x, W and b."""
    for problem in problems(rng):
        yield Call((problem.x, problem.W, problem.b), axes=problem.axes, note=problem.note)


def gradient_calls(rng: np.random.Generator) -> Iterator[Call]:
    """Calls with x, W, b and importance."""
    for problem in problems(rng):
        args = (problem.x, problem.W, problem.b, problem.importance)
        yield Call(args, axes=problem.axes, note=problem.note)
