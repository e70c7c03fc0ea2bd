"""Compares an answer with the expected one, and says what sort of difference there is.

`compare` looks at one call. What only several calls together can show (a constant factor, say)
is in `measure`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saeedu.grading.values import children, dtype_name, is_nest, kind_of, shape_text, to_numpy

Array = NDArray[Any]

FLOAT32_RTOL = 1e-4  # seven digits, less what sums and differences lose
FLOAT32_SLIP_RTOL = 1e-5  # two float32 answers this close made the same slip
_ZERO = 1e-9  # how far from an expected array of zeros an answer may be


@dataclass(frozen=True)
class Difference:
    """One way in which an answer is not the expected one."""

    kind: str
    """One of "none", "type", "structure", "shape", "dtype", "nan" or "value"."""
    sentence: str
    where: str = ""
    """Which part of a nested answer, e.g. "[1]"; empty for the whole."""
    got: Any = None
    expected: Any = None
    details: dict[str, Any] = field(default_factory=dict)


def compare(
    got: Any, expected: Any, rtol: float, axes: Mapping[str, int] | None = None, where: str = ""
) -> Difference | None:
    """The first difference between an answer and the expected one; None when there is none.

    **Arguments:** `rtol`, relative to the largest expected number; `axes`, sizes of named axes.
    """
    if is_nest(expected):
        return _compare_nest(got, expected, rtol, axes, where)
    expected_array = to_numpy(expected)
    if expected_array is None:
        if got == expected:
            return None
        return Difference("value", f"it is {got!r}, expected {expected!r}", where, got, expected)
    if got is None and where:  # not the function's own result: a gradient that never came, say
        sentence = f"it is None, where {kind_of(expected)} is expected"
        return Difference("none", sentence, where, got, expected)
    problem = _kind_problem(got, expected)
    if problem:
        return Difference("none" if got is None else "type", problem, where, got, expected)
    got_array = to_numpy(got)
    assert got_array is not None
    if got_array.dtype.kind not in "biuf":
        sentence = f"it has dtype {dtype_name(got)}; real numbers are expected"
        if got_array.dtype.kind == "O":
            sentence += ": do its rows differ in length, or hold something that is no number?"
        return Difference("dtype", sentence, where, got_array, expected_array)
    if got_array.shape != expected_array.shape:
        sentence = (
            f"its shape is {shape_text(got_array.shape, axes)}, "
            f"expected {shape_text(expected_array.shape, axes)}"
        )
        return Difference("shape", sentence, where, got_array, expected_array)
    return _compare_numbers(got_array, expected_array, rtol, where)


def equal(a: Any, b: Any, rtol: float) -> bool:
    """Whether two values are the same answer, NaN and None included."""
    if is_nest(a) or is_nest(b):
        if not (is_nest(a) and is_nest(b)) or len(a) != len(b):
            return False
        if isinstance(a, Mapping) != isinstance(b, Mapping):
            return False
        return all(
            way_a == way_b and equal(part_a, part_b, rtol)
            for (way_a, part_a), (way_b, part_b) in zip(children(a), children(b), strict=True)
        )
    if isinstance(a, str) and isinstance(b, str):
        return a == b
    array_a, array_b = to_numpy(a), to_numpy(b)
    if array_a is None or array_b is None:
        return array_a is None and array_b is None and kind_of(a) == kind_of(b)
    if array_a.shape != array_b.shape or kind_of(a) != kind_of(b):
        return False
    if not {array_a.dtype.kind, array_b.dtype.kind} <= set("biuf"):
        return array_a.dtype == array_b.dtype and bool(np.array_equal(array_a, array_b))
    return bool(np.all(close(array_a, array_b, slip_rtol(rtol, array_a, array_b))))


def slip_rtol(rtol: float, *arrays: Array) -> float:
    """The tolerance for recognising a slip: a check may be too strict for float32, a slip is not.

    **Arguments:** `rtol`, the check's; `arrays`, of which one in float32 is enough.
    """
    in_float32 = any(array.dtype == np.float32 for array in arrays)
    return max(rtol, FLOAT32_SLIP_RTOL) if in_float32 else rtol


def close(got: Array, expected: Array, rtol: float) -> Array:
    """Elementwise: is the answer within `rtol` of the expected array's scale?

    NaN equals NaN and an infinity equals itself, so that two wrong answers can be compared too.
    """
    with np.errstate(invalid="ignore"):  # bytes read as another type can be a signalling NaN
        got, expected = got.astype(np.float64), expected.astype(np.float64)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = finite.max() if finite.size else 0.0
    with np.errstate(all="ignore"):
        near = np.abs(got - expected) <= rtol * scale + _ZERO
    same = (got == expected) | (np.isnan(got) & np.isnan(expected))
    return near | same


def _kind_problem(got: Any, expected: Any) -> str | None:
    if got is None:
        return "it returned None; does the function end without `return`?"
    got_kind, expected_kind = kind_of(got), kind_of(expected)
    if got_kind == expected_kind:
        return None
    numbers = {"a number", "a NumPy array"}
    if {got_kind, expected_kind} <= numbers:
        return None  # the shapes say it better
    got_array = to_numpy(got)
    if expected_kind == "a number" and got_array is not None and got_kind == "a torch tensor":
        return None
    if got_kind == "a number" and expected_kind == "a torch tensor":
        expected_array = to_numpy(expected)
        if expected_array is not None and expected_array.ndim == 0:
            return None  # where gradients matter, the exercise's check looks at them
    if got_kind == "a generator":
        return "it returned a generator; does the function `yield` where it should `return`?"
    if got_kind == "a coroutine":
        return "it returned a coroutine; define the function with `def`, not `async def`"
    advice = ""
    if got_kind == "a torch tensor" and "NumPy" in expected_kind:
        advice = "; this chapter works in NumPy: torch functions are not needed"
    if hasattr(type(got), "to_numpy") and "NumPy" in expected_kind:
        advice = "; end with `.to_numpy()`"
    if got_kind.startswith("an iterator") and "NumPy" in expected_kind:
        advice = "; make an array of what it yields, np.array(list(...))"
    if got_kind == "a function":
        advice = "; call it, and return what it returns"
    if got_kind in ("a list", "a np.matrix", "a masked array") and "NumPy" in expected_kind:
        advice = "; wrap it in np.array(...)" if got_kind == "a list" else "; use a plain array"
    if got_kind == "a tuple":
        advice = "; is there a comma after the returned value?"
    return f"it returned {got_kind}, expected {expected_kind}{advice}"


def _compare_nest(
    got: Any, expected: Any, rtol: float, axes: Mapping[str, int] | None, where: str
) -> Difference | None:
    if got is None:
        sentence = "it returned None; does the function end without `return`?"
        return Difference("none", sentence, where, got, expected)
    mappings = isinstance(got, Mapping), isinstance(expected, Mapping)
    if not is_nest(got) or mappings[0] != mappings[1]:
        sentence = f"it is {kind_of(got)}, expected {kind_of(expected)} of {len(expected)} values"
        return Difference("type", sentence, where, got, expected)
    if mappings[0] and set(got) != set(expected):
        sentence = f"its keys are {sorted(map(str, got))}, expected {sorted(map(str, expected))}"
        return Difference("structure", sentence, where, got, expected)
    if len(got) != len(expected):
        sentence = f"it holds {len(got)} values, expected {len(expected)}"
        return Difference("structure", sentence, where, got, expected)
    keys = list(expected) if mappings[1] else range(len(expected))
    for key in keys:
        way = f"{where}[{key!r}]"
        difference = compare(got[key], expected[key], rtol, axes, way)
        if difference:
            return difference
    return None


def _compare_numbers(got: Array, expected: Array, rtol: float, where: str) -> Difference | None:
    bad = ~np.isfinite(got) & np.isfinite(expected)
    if bad.any():
        index = _first(bad)
        what = "NaN" if np.isnan(got[index]) else "infinite"
        count = f"{int(bad.sum())} of {bad.size} numbers are" if bad.size > 1 else "it is"
        at = f", first at index {list(index)}" if bad.size > 1 else ""
        sentence = f"{count} {what}{at}; look for a division by zero, a log or a root"
        return Difference("nan", sentence, where, got, expected)
    if got.dtype == np.float32:
        # Ten times wider, not more: a check that is strict on purpose stays so.
        rtol = max(rtol, min(FLOAT32_RTOL, 10 * rtol))
    wrong = ~close(got, expected, rtol)
    if not wrong.any():
        return None
    index = _first(wrong)
    distance = np.abs(got.astype(float) - expected.astype(float))
    details = {
        "numbers that differ": f"{int(wrong.sum())} of {wrong.size}",
        "first at index": list(map(int, index)),
        "got there": float(got[index]),
        "expected there": float(expected[index]),
        "largest difference": float(distance.max()),
    }
    if got.ndim == 0:
        details = {"got": float(got), "expected": float(expected)}
    if got.dtype == np.float32 and np.all(close(got, expected, FLOAT32_RTOL)):
        sentence = (
            "it is right to the six or seven digits that float32 keeps, and here more are needed: "
            "compute in the inputs' own type, float64, also in what you make anew"
        )
        return Difference("dtype", sentence, where, got, expected, details)
    if got.dtype == np.float16 and np.all(close(got, expected, 1e-2)):
        sentence = "it is right to three digits: float16 keeps no more. Compute in float32 or 64"
        return Difference("dtype", sentence, where, got, expected, details)
    return Difference("value", "its values differ", where, got, expected, details)


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0]) if mask.ndim else ()
