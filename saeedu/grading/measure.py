"""Measures what separates a wrong answer from the right one, over all calls at once.

A factor of two, a flipped sign, a transpose, a bias that was forgotten: each leaves a trace that
can be measured without knowing the exercise. A finding counts only when it explains every call.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from saeedu.grading.compare import close
from saeedu.grading.factors import constant_factor
from saeedu.grading.localise import localise
from saeedu.grading.pairs import Finding, Pair
from saeedu.shapes import Array

_SINGULAR = {
    "batch": "sample",
    "d_in": "input dimension",
    "d_sae": "latent",
    "d": "dimension",
    "n_features": "feature",
}
"""What there is one of along an axis, for "one value per sample"."""


def measure(pairs: list[Pair], rtol: float = 1e-5) -> Finding | None:
    """The first explanation that holds for every pair; None when there is none.

    **Arguments:** `pairs`, one for each call, in which at least one answer is wrong.
    **Returns:** a `Finding` of kind "transpose", "extra axis", "not reduced", "broadcast",
    "factor", "sign", "offset", "missing input", "not clipped", "clipped", "absolute value",
    "square" or "square root"; or of a kind that `localise` finds.
    """
    if not pairs or any(not np.all(np.isfinite(pair.expected)) for pair in pairs):
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # a wrong answer may hold infinities, or nothing at all
        return _first_explanation(pairs, rtol)


def _first_explanation(pairs: list[Pair], rtol: float) -> Finding | None:
    same_shapes = all(pair.got.shape == pair.expected.shape for pair in pairs)
    explanations: tuple[Callable[[list[Pair], float], Finding | None], ...]
    explanations = (
        (constant_factor, _offset, _function, localise)
        if same_shapes
        else (_transpose, _extra, _reduce, _broadcast)
    )
    if not same_shapes:
        # A batch of one can hide a shape error; only the calls that show it are explained.
        pairs = [pair for pair in pairs if pair.got.shape != pair.expected.shape]
    return next(filter(None, (explain(pairs, rtol) for explain in explanations)), None)


def _equal(got: Array, expected: Array, rtol: float) -> bool:
    return got.shape == expected.shape and bool(np.all(close(got, expected, rtol)))


def _transpose(pairs: list[Pair], rtol: float) -> Finding | None:
    if all(_equal(p.got.T, p.expected, rtol) for p in pairs):
        return Finding("transpose", "It is the transpose of the right answer.")
    if all(p.got.T.shape == p.expected.shape for p in pairs):
        factor = constant_factor([p._replace(got=p.got.T) for p in pairs], rtol)
        if factor:
            sentence = factor.sentence.replace("It is", "It is transposed, and then", 1)
            return Finding("transpose", sentence)
    return None


def _extra(pairs: list[Pair], rtol: float) -> Finding | None:
    if all(_equal(p.got.squeeze(), p.expected.squeeze(), rtol) for p in pairs):
        sentence = (
            "The numbers are right, but the axes of size 1 are not: was `keepdims=True` left in, "
            "or an axis lost to indexing?"
        )
        return Finding("extra axis", sentence)
    return None


def _reduce(pairs: list[Pair], rtol: float) -> Finding | None:
    for name, reduction in (("mean", np.mean), ("sum", np.sum)):
        for axis in range(max(p.got.ndim for p in pairs)):
            if all(
                p.got.ndim > axis and _equal(np.asarray(reduction(p.got, axis)), p.expected, rtol)
                for p in pairs
            ):
                who = _axis_name(pairs, axis)
                sentence = (
                    f"You return one value per {who}; the {name} of them over axis {axis} is the "
                    f"right answer."
                )
                return Finding("not reduced", sentence)
    for name, reduction in (("mean", np.mean), ("sum", np.sum)):
        if all(_equal(np.asarray(reduction(p.got)), p.expected, rtol) for p in pairs):
            return Finding("not reduced", f"The {name} of all your numbers is the right answer.")
    for name, reduction in (("mean", np.mean), ("sum", np.sum)):
        for axis in range(max(p.expected.ndim for p in pairs)):
            if all(
                p.expected.ndim > axis
                and _equal(p.got, np.asarray(reduction(p.expected, axis)), rtol)
                for p in pairs
            ):
                sentence = f"You took the {name} over axis {axis}; that axis should still be there."
                return Finding("over-reduced", sentence)
    return None


def _axis_name(pairs: list[Pair], axis: int) -> str:
    names = []
    for pair in pairs:
        matching = [name for name, size in pair.axes.items() if size == pair.got.shape[axis]]
        if len(matching) == 1:
            names.append(_SINGULAR.get(matching[0], f"entry of {matching[0]}"))
        else:
            names.append(f"entry of axis {axis}")
    return names[0] if len(set(names)) == 1 else f"entry of axis {axis}"


def _broadcast(pairs: list[Pair], rtol: float) -> Finding | None:
    def looks_broadcast(pair: Pair) -> bool:
        if pair.got.ndim != pair.expected.ndim + 1 or pair.expected.ndim == 0:
            return False
        n = pair.expected.shape[0]
        if pair.got.shape[:2] != (n, n):
            return False
        diagonal = np.moveaxis(np.diagonal(pair.got, axis1=0, axis2=1), -1, 0)
        return _equal(diagonal, pair.expected, rtol) or pair.got.shape == (n, n)

    if all(map(looks_broadcast, pairs)):
        sentence = (
            "Broadcasting made a square out of a vector: somewhere a shape [n] met a shape "
            "[n, 1]. Print the shapes before the last step."
        )
        return Finding("broadcast", sentence)
    return None


def _offset(pairs: list[Pair], rtol: float) -> Finding | None:
    gaps = [np.asarray(p.got.astype(float) - p.expected.astype(float)) for p in pairs]
    scales = [float(np.max(np.abs(p.expected), initial=0)) for p in pairs]

    def near(a: Array, b: Array, scale: float) -> bool:
        # A gap that is itself within rounding is no constant, however constant it looks.
        largest = float(np.max(np.abs(a), initial=0))
        return bool(np.all(np.abs(a - b) <= min(10 * rtol * (scale + 1e-9), 0.03 * largest)))

    for name in pairs[0].inputs:
        for sign, verb in (
            (-1, "left out, or subtracted once too often"),
            (1, "added once too often"),
        ):
            if all(
                name in p.inputs
                and p.inputs[name].ndim <= gap.ndim
                and p.inputs[name].shape == gap.shape[gap.ndim - p.inputs[name].ndim :]
                and near(gap, sign * p.inputs[name] + np.zeros_like(gap), scale)
                for p, gap, scale in zip(pairs, gaps, scales, strict=True)
            ):
                sentence = f"The difference is exactly `{name}`: it was {verb}."
                return Finding("missing input", sentence)
    if all(gap.size > 1 and near(gap, np.full_like(gap, gap.flat[0]), scale)
           for gap, scale in zip(gaps, scales, strict=True)):  # fmt: skip
        return Finding("offset", "Every number is off by the same amount: a constant is missing.")
    # A single row is always "off by the same vector"; only larger batches say something.
    rows = [(gap, scale) for gap, scale in zip(gaps, scales, strict=True)
            if gap.ndim == 2 and len(gap) > 1]  # fmt: skip
    if rows and all(near(gap, gap[:1] + np.zeros_like(gap), scale) for gap, scale in rows):
        sentence = "Every row is off by the same vector: a bias or a mean is missing or extra."
        return Finding("offset", sentence)
    return None


def _function(pairs: list[Pair], rtol: float) -> Finding | None:
    shapes: list[tuple[str, str, Callable[[Pair], tuple[Any, Any]]]] = [
        ("not clipped", "Set your negative numbers to zero and it is right: is the ReLU missing?",
         lambda p: (np.maximum(p.got, 0), p.expected)),
        ("clipped", "The negative numbers have been set to zero; the rest is right.",
         lambda p: (p.got, np.maximum(p.expected, 0))),
        ("absolute value", "It is the absolute value of the right answer: a sign was lost.",
         lambda p: (p.got, np.abs(p.expected))),
        ("absolute value", "Its absolute value is the right answer: an `abs` is missing.",
         lambda p: (np.abs(p.got), p.expected)),
        ("square root", "It is the square root of the right answer.",
         lambda p: (p.got, np.sqrt(np.abs(p.expected)))),
        ("square", "It is the square of the right answer.",
         lambda p: (p.got, p.expected**2)),
    ]  # fmt: skip
    for kind, sentence, sides in shapes:
        if all(_same_sides(sides(p), rtol) for p in pairs):
            return Finding(kind, sentence)
    return None


def _same_sides(sides: tuple[Any, Any], rtol: float) -> bool:
    got, expected = sides
    return _equal(np.asarray(got), np.asarray(expected), rtol)
