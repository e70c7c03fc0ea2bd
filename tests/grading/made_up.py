"""A small made-up exercise, so that the engine is tested without the course."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from saeedu.grading import Call, Check, Exercise, Mistake


def affine(x: Any, W: Any, b: Any) -> Any:
    """Every sample times the weights, plus the bias."""
    return x @ W + b


def forgot_the_bias(x: Any, W: Any, b: Any) -> Any:
    return x @ W


def doubled(x: Any, W: Any, b: Any) -> Any:
    return 2 * (x @ W + b)


def draw(rng: np.random.Generator) -> Iterator[Call]:
    for batch, d_in, d_out in ((7, 5, 11), (4, 6, 9), (3, 2, 8)):
        yield Call(
            (
                rng.normal(size=(batch, d_in)),
                rng.normal(size=(d_in, d_out)),
                rng.normal(size=d_out),
            ),
            {"batch": batch, "d_in": d_in, "d_out": d_out},
            note="drawn for the test",
        )


def exercise(**changes: Any) -> Exercise:
    fields: dict[str, Any] = {
        "id": "99.affine",
        "title": "An affine map",
        "reference": affine,
        "minutes": 5,
        "difficulty": 1,
        "hints": ("think of shapes", "x @ W", "x @ W + b"),
        "check": Check(draw, tested="three batches"),
        "mistakes": (
            Mistake(forgot_the_bias, "The bias is missing."),
            Mistake(doubled, "You count it twice."),
        ),
        "alternatives": (lambda x, W, b: b + np.einsum("bi,io->bo", x, W),),
        "why": "It is everywhere.",
    }
    return Exercise(**fields | changes)
