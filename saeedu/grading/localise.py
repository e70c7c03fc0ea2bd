"""Says where a wrong answer is right, when no single transformation explains it.

The last resort of `measure`: which rows, which signs, which inputs separate the right numbers from
the wrong ones; or which sort of axis is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from saeedu.grading.compare import close
from saeedu.grading.pairs import Finding, Pair
from saeedu.shapes import Array

Mask = NDArray[np.bool_]

_NEARLY = 0.01  # of the largest expected number: closer than a forgotten factor ever comes


def localise(pairs: list[Pair], rtol: float) -> Finding | None:
    """Where the answer is right, or nearly so, over all pairs; None when there is no pattern.

    **Arguments:** `pairs` whose answers all have the expected shapes.
    """
    if any(pair.got.size == 0 or not np.all(np.isfinite(pair.got)) for pair in pairs):
        return None
    searches: tuple[Callable[[list[Pair], float], Finding | None], ...]
    searches = (_nearly, _a_factor_a_call, _own_factors, _another_order, _by_sign, _some_rows)
    return next(filter(None, (search(pairs, rtol) for search in searches)), None)


def shape_advice(got: Sequence[int], expected: Sequence[int]) -> str:
    """What a wrong shape suggests, when the numbers in it suggest nothing."""
    got, expected = tuple(got), tuple(expected)
    if [size for size in got if size != 1] == [size for size in expected if size != 1]:
        return "Count the axes of size 1: was `keepdims=True` left in, or left out?"
    if got == expected[::-1]:
        return "That is the shape of the transpose."
    if len(got) > len(expected):
        return "Which axis has to be summed or averaged away?"
    if len(got) < len(expected):
        return "An axis was summed or averaged away that should still be there."
    return "Write the shapes beside each step: where does the first wrong one come up?"


def _nearly(pairs: list[Pair], rtol: float) -> Finding | None:
    if all(pair.expected.dtype.kind in "iu" for pair in pairs):
        return None  # counts have no rounding errors: one that is off by little is wrong
    shares = [_largest_gap(pair) / max(_scale(pair), 1e-12) for pair in pairs]
    if max(shares) > _NEARLY:
        return None
    sentence = (
        f"It is nearly right, off by at most {max(shares):.1g} of the largest number: look for "
        f"rounding (float32 keeps seven digits), for a small constant such as an epsilon, or for "
        f"a step that is only approximate."
    )
    return Finding("nearly", sentence)


def _a_factor_a_call(pairs: list[Pair], rtol: float) -> Finding | None:
    factors = []
    for pair in pairs:
        got, expected = pair.got.astype(float), pair.expected.astype(float)
        energy = float(np.sum(expected**2))
        if pair.got.size < 3 or energy == 0:
            return None
        factor = float(np.sum(got * expected)) / energy
        if abs(factor) < 1e-6 or not np.all(close(got, factor * expected, rtol)):
            return None
        factors.append(factor)
    sentence = (
        f"In each call it is a constant times the right answer, but not always the same one "
        f"({', '.join(f'{factor:.3g}' for factor in factors)}): look for a number written into "
        f"the code, or for a size or a sum taken along the wrong axis."
    )
    return Finding("a factor a call", sentence)


def _own_factors(pairs: list[Pair], rtol: float) -> Finding | None:
    for axis, line in ((1, "row"), (0, "column")):
        if all(_lines_are_multiples(pair, axis, rtol) for pair in pairs):
            sentence = (
                f"Every {line} is right up to a factor of its own: is something that belongs to "
                f"the {line}, such as its length or a count, divided by or left out?"
            )
            return Finding("own factors", sentence)
    return None


def _lines_are_multiples(pair: Pair, axis: int, rtol: float) -> bool:
    if pair.got.ndim != 2 or min(pair.got.shape) < 2:
        return False
    got, expected = pair.got.astype(float), pair.expected.astype(float)
    energy = np.sum(expected**2, axis=axis, keepdims=True)
    if np.any((energy == 0) & np.any(got != 0, axis=axis, keepdims=True)):
        return False
    factor = np.sum(got * expected, axis=axis, keepdims=True) / np.where(energy == 0, 1, energy)
    return bool(np.all(np.abs(factor) > 1e-6)) and bool(np.all(close(got, factor * expected, rtol)))


def _another_order(pairs: list[Pair], rtol: float) -> Finding | None:
    if all(pair.got.ndim in (1, 2) and len(pair.got) > 1 for pair in pairs) and all(
        _sorted_equal(pair, rtol) for pair in pairs
    ):
        return Finding("order", "The rows are right, but they stand in another order.")
    return None


def _sorted_equal(pair: Pair, rtol: float) -> bool:
    """Whether every expected row is found among the answer's rows, and the other way round."""
    near = [
        [bool(np.all(close(np.asarray(a), np.asarray(b), rtol))) for b in pair.expected]
        for a in pair.got
    ]
    return bool(np.all(np.any(near, axis=0)) and np.all(np.any(near, axis=1)))


def _by_sign(pairs: list[Pair], rtol: float) -> Finding | None:
    right = [np.asarray(close(pair.got, pair.expected, rtol)) for pair in pairs]
    for name in ("", *pairs[0].inputs):
        for words, other, test in _SIGNS:
            masks = [_mask(pair, name, test) for pair in pairs]
            if all(mask is not None for mask in masks) and _separates(masks, right):
                what = f"`{name}`" if name else "the expected number"
                sentence = f"It is right where {what} is {words}, and wrong where it is {other}."
                return Finding("by sign", sentence)
    return None


_SIGNS: tuple[tuple[str, str, Callable[[Array], Mask]], ...] = (
    ("positive", "zero or negative", lambda values: values > 0),
    ("negative", "zero or positive", lambda values: values < 0),
    ("not zero", "zero", lambda values: values != 0),
    ("zero or positive", "negative", lambda values: values >= 0),
    ("zero or negative", "positive", lambda values: values <= 0),
)


def _mask(pair: Pair, name: str, test: Callable[[Array], Mask]) -> Mask | None:
    values = pair.inputs.get(name) if name else pair.expected
    if values is None or values.shape != pair.got.shape or values.ndim == 0:
        return None
    return test(values)


def _separates(masks: Sequence[Mask | None], right: Sequence[Mask]) -> bool:
    inside = np.concatenate([np.ravel(mask) for mask in masks if mask is not None])
    correct = np.concatenate([np.ravel(mask) for mask in right])
    if inside.sum() < 2 or (~inside).sum() < 2:
        return False
    return bool(correct[inside].all()) and not correct[~inside].any()


def _some_rows(pairs: list[Pair], rtol: float) -> Finding | None:
    if any(pair.got.ndim == 0 or len(pair.got) < 2 for pair in pairs):
        return None
    right = [np.asarray(close(pair.got, pair.expected, rtol)) for pair in pairs]
    rows = [np.all(mask.reshape(mask.shape[0], -1), axis=1) for mask in right]
    for words, pattern in _row_patterns():
        if all(np.array_equal(row, pattern(row.size)) for row in rows):
            return Finding("some rows", f"Along axis 0, {words}.")
    return None


def _row_patterns() -> Iterator[tuple[str, Callable[[int], Mask]]]:
    yield "only the last entry is wrong", lambda n: np.arange(n) < n - 1
    yield "only the first entry is wrong", lambda n: np.arange(n) > 0
    yield "only the first entry is right: does a loop return too early?", lambda n: np.arange(n) < 1
    yield (
        "only the last entry is right: does a loop overwrite its result?",
        lambda n: np.arange(n) == n - 1,
    )


def _scale(pair: Pair) -> float:
    return float(np.max(np.abs(pair.expected), initial=0))


def _largest_gap(pair: Pair) -> float:
    return float(np.max(np.abs(pair.got.astype(float) - pair.expected.astype(float))))
