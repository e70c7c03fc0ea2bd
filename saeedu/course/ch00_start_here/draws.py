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
