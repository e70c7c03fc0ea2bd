"""Inputs for this chapter's checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu.grading.exercise import Call


def draw_samples(rng: np.random.Generator) -> Iterator[Call]:
    """Three batches whose mean is far from zero and differs by column."""
    for batch, d in ((6, 4), (3, 7), (9, 5)):
        mean = rng.uniform(1, 3, size=d) * rng.choice([-1, 1], d)
        x = rng.standard_normal((batch, d)) + mean
        yield Call((x,), axes={"batch": batch, "d": d})


def draw_rows(rng: np.random.Generator) -> Iterator[Call]:
    """The same batches with rows of lengths on both sides of one."""
    for call in draw_samples(rng):
        (x,) = call.args
        lengths = rng.uniform(0.2, 0.8, len(x))
        lengths[::2] = rng.uniform(1.3, 4.0, len(lengths[::2]))
        x *= (lengths / np.linalg.norm(x, axis=1))[:, None]
        yield call
