"""Where a wrong answer is right: each pattern is found, and found for what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from saeedu.grading.localise import shape_advice
from saeedu.grading.measure import measure
from saeedu.grading.pairs import Finding, Pair

SIZES = ((7, 5), (4, 6), (3, 8))


def found(transform: Callable[[Any, Any], Any]) -> Finding | None:
    rng = np.random.default_rng(0)
    pairs = []
    for batch, d in SIZES:
        expected = rng.normal(size=(batch, d))
        gate = rng.normal(size=(batch, d))
        got = np.asarray(transform(expected, gate))
        pairs.append(Pair(got, expected, {"gate": gate}, {"batch": batch, "d_in": d}))
    return measure(pairs)


def norms(y: Any, axis: int) -> Any:
    return np.linalg.norm(y, axis=axis, keepdims=True)


@pytest.mark.parametrize(
    ("kind", "words", "transform"),
    [
        ("nearly", "nearly right", lambda y, g: np.round(y, 2)),
        ("a factor a call", "constant times", lambda y, g: 2 / 7 * y * len(y) ** 2),
        ("own factors", "Every row", lambda y, g: y / norms(y, 1)),
        ("own factors", "Every column", lambda y, g: y / norms(y, 0)),
        ("order", "another order", lambda y, g: y[::-1]),
        ("by sign", "where `gate` is positive", lambda y, g: np.where(g > 0, y, 7)),
        ("by sign", "expected number is negative", lambda y, g: np.where(y < 0, y, y**2 + 9)),
        ("some rows", "first entry is right", lambda y, g: np.vstack([y[:1], g[1:]])),
        ("some rows", "last entry is wrong", lambda y, g: np.vstack([y[:-1], g[-1:]])),
        ("factor", "batch/(batch - 1) times", lambda y, g: y * len(y) / (len(y) - 1)),
        ("factor", "(batch - 1)/batch times", lambda y, g: y * (len(y) - 1) / len(y)),
        ("factor", "batch/d_in times", lambda y, g: y * y.shape[0] / y.shape[1]),
        ("factor", "1/(2 · d_in) times", lambda y, g: y / y.shape[1] / 2),
        ("transpose", "transposed, and then 2 times", lambda y, g: 2 * y.T),
    ],
)
def test_a_pattern_is_named(kind: str, words: str, transform: Any) -> None:
    finding = found(transform)
    assert finding is not None
    assert finding.kind == kind
    assert words in finding.sentence


def test_a_count_that_is_off_by_little_is_not_called_rounding() -> None:
    for counts, kind in ((False, "nearly"), (True, None)):
        expected = [np.array(n if counts else float(n)) for n in (734_320, 911_008)]
        finding = measure(
            [Pair(np.array(n + k), n, {}, {}) for k, n in zip((150, 200), expected, strict=True)]
        )
        assert (finding.kind if finding else None) == kind


def test_a_gap_within_rounding_is_no_missing_constant() -> None:
    finding = found(lambda y, g: y + 1e-4 * np.sign(g))
    assert finding is not None
    assert finding.kind == "nearly"


def test_infinities_and_empty_arrays_raise_nothing(recwarn: pytest.WarningsRecorder) -> None:
    assert found(lambda y, g: g * np.inf) is None
    assert found(lambda y, g: np.zeros((0, 3))) is None
    assert not recwarn.list


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        ((1, 3), (3,), "keepdims"),
        ((3, 7), (7, 3), "transpose"),
        ((7, 3), (3,), "summed or averaged away?"),
        ((), (3,), "should still be there"),
        ((7,), (3,), "each step"),
    ],
)
def test_a_wrong_shape_gets_advice(got: Any, expected: Any, words: str) -> None:
    assert words in shape_advice(got, expected)
