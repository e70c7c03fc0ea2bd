"""What is measured is what was done: each transformation of a right answer is recognised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saeedu.grading.measure import Pair, measure

SIZES = ((7, 5), (4, 6), (3, 8))


def pairs(transform: Callable[[Any, int], Any], seed: int = 0) -> list[Pair]:
    rng = np.random.default_rng(seed)
    made = []
    for batch, d in SIZES:
        bias = rng.normal(size=d)
        expected = rng.normal(size=(batch, d)) + bias
        axes = {"batch": batch, "d_in": d}
        made.append(Pair(np.asarray(transform(expected, batch)), expected, {"b_dec": bias}, axes))
    return made


@pytest.mark.parametrize(
    ("kind", "words", "transform"),
    [
        ("factor", "2 times", lambda y, n: 2 * y),
        ("factor", "1/2 times", lambda y, n: y / 2),
        ("factor", "-3 times", lambda y, n: -3 * y),
        ("factor", "1/batch times", lambda y, n: y / n),
        ("factor", "2/batch times", lambda y, n: 2 * y / n),
        ("factor", "batch times", lambda y, n: y * n),
        ("factor", "1/(batch · d_in) times", lambda y, n: y / y.size),
        ("factor", "zero everywhere", lambda y, n: 0 * y),
        ("sign", "opposite sign", lambda y, n: -y),
        ("transpose", "transpose", lambda y, n: y.T),
        ("extra axis", "keepdims", lambda y, n: y[:, None]),
        ("over-reduced", "mean over axis 0", lambda y, n: y.mean(0)),
        ("over-reduced", "sum over axis 1", lambda y, n: y.sum(1)),
        ("offset", "same amount", lambda y, n: y + 0.25),
        ("offset", "same vector", lambda y, n: y + np.arange(y.shape[1])),
        ("not clipped", "", None),
        ("clipped", "negative numbers", lambda y, n: np.maximum(y, 0)),
        ("absolute value", "sign was lost", lambda y, n: np.abs(y)),
        ("square", "square of", lambda y, n: y**2),
    ],
)
def test_a_known_transformation_is_named(kind: str, words: str, transform: Any) -> None:
    if kind == "not clipped":
        clipped = [p._replace(expected=np.maximum(p.expected, 0)) for p in pairs(lambda y, n: y)]
        finding = measure(clipped)
    else:
        finding = measure(pairs(transform))
    assert finding is not None
    assert finding.kind == kind
    assert words in finding.sentence


def test_a_missing_bias_is_named_by_its_argument() -> None:
    without = [p._replace(got=p.expected - p.inputs["b_dec"]) for p in pairs(lambda y, n: y)]
    finding = measure(without)
    assert finding is not None
    assert finding.kind == "missing input"
    assert "`b_dec`" in finding.sentence
    assert "left out" in finding.sentence


def test_a_missing_mean_over_the_batch_is_named() -> None:
    reduced = [
        p._replace(expected=p.expected.mean(0), got=p.expected) for p in pairs(lambda y, n: y)
    ]
    finding = measure(reduced)
    assert finding is not None
    assert finding.kind == "not reduced"
    assert "one value per sample" in finding.sentence
    assert "mean" in finding.sentence


def test_a_vector_that_became_a_square_is_a_broadcast() -> None:
    rng = np.random.default_rng(0)
    columns = [rng.normal(size=n) for n in (4, 7)]
    made = [Pair(v[:, None] - 2 * v[None, :], -v, {}, {"batch": len(v)}) for v in columns]
    finding = measure(made)
    assert finding is not None
    assert finding.kind == "broadcast"


def test_an_explanation_must_hold_for_every_call() -> None:
    mixed = pairs(lambda y, n: 2 * y)
    mixed[1] = mixed[1]._replace(got=3 * mixed[1].expected)
    finding = measure(mixed)
    assert finding is not None
    assert finding.kind == "a factor a call"
    assert "(2, 3, 2)" in finding.sentence


def test_one_number_is_not_enough_for_a_factor() -> None:
    lone = [Pair(np.asarray(3.0), np.asarray(2.0), {}, {})]
    finding = measure(lone)
    assert finding is None or finding.kind != "factor"


@settings(max_examples=60, deadline=None)
@given(
    factor=st.floats(0.05, 50).filter(lambda c: abs(c - 1) > 1e-2),
    sign=st.sampled_from([-1, 1]),
    seed=st.integers(0, 1000),
)
def test_any_constant_factor_is_found(factor: float, sign: int, seed: int) -> None:
    finding = measure(pairs(lambda y, n: sign * factor * y, seed))
    assert finding is not None
    assert finding.kind in ("factor", "sign")


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_noise_is_explained_by_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert measure(pairs(lambda y, n: rng.normal(size=y.shape), seed)) is None
