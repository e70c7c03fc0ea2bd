"""Puts what grading found into sentences, and into details worth showing."""

from __future__ import annotations

import ast
import dis
import inspect
from typing import Any

import numpy as np

from saeedu.grading.compare import Difference, equal, slip_rtol
from saeedu.grading.exercise import Call, Exercise, Implementation
from saeedu.grading.localise import shape_advice
from saeedu.grading.measure import measure
from saeedu.grading.pairs import Pair
from saeedu.grading.sandbox import Outcome, Run
from saeedu.grading.values import describe, dtype_name, is_tensor, shape_text, to_numpy

VARIES = (
    "Called twice with the same arguments it returns two different results: does it draw random "
    "numbers, or remember something from the call before?"
)


def parameter_names(exercise: Exercise) -> list[str]:
    """The names of the reference's parameters, in order."""
    return list(inspect.signature(exercise.reference).parameters)


def call_text(exercise: Exercise, call: Call) -> str:
    """A call as text: `grad_W_dec(x_hat [7, 5], x [7, 5], latents [7, 11])`."""
    parts = []
    for i, argument in enumerate(call.args):
        names = parameter_names(exercise)
        name = names[i] if i < len(names) else f"argument {i + 1}"
        text = describe(argument)
        shapelike = text.startswith(("[", "of shape"))
        parts.append(f"{name} {text}" if shapelike else f"{name}={text}")
    return f"{exercise.name}({', '.join(parts)})"


def timeout_text(exercise: Exercise, ran: Run) -> str:
    """What to tell the learner whose code did not end."""
    limit = exercise.check.seconds
    text = (
        f"Your code was still running after {limit:g} seconds and was stopped. "
        f"Look for a loop whose condition never becomes false, or that runs far too often."
    )
    if ran.still_running:
        text += (
            " It could not be interrupted (it is inside a long library call, or an `except:` "
            "catches everything): restart the kernel (Kernel, Restart), so that it does not go on "
            "in the background."
        )
    return text


def mutation_text(exercise: Exercise, call: Call, outcome: Outcome) -> str:
    """What to tell the learner whose function changed its inputs."""
    names = parameter_names(exercise)
    changed = " and ".join(f"`{names[i]}`" for i in outcome.changed_inputs if i < len(names))
    tensors = any(is_tensor(call.args[i]) for i in outcome.changed_inputs)
    copy = ".clone()" if tensors else ".copy()"
    return (
        f"Your function changes its argument {changed} in place, so the caller's array is no "
        f"longer what it was. Work on a copy: write `a = a + b` instead of `a += b`, or begin "
        f"with `{copy}`."
    )


def call_details(exercise: Exercise, calls: list[Call], i: int) -> dict[str, Any]:
    """Which call failed, and what was special about it."""
    details = {"call": call_text(exercise, calls[i])}
    if len(calls) > 1:
        details["call number"] = f"{i + 1} of {len(calls)}"
    if calls[i].note:
        details["these inputs"] = calls[i].note
    return details


def input_lines(exercise: Exercise, call: Call) -> str:
    """The inputs of a call: values when there are few, else shapes and dtypes."""
    lines = []
    for name, argument in zip(parameter_names(exercise), call.args, strict=False):
        array = to_numpy(argument)
        if array is not None and 0 < array.size <= 12 and array.ndim:
            lines.append(f"{name} = {np.array2string(array, precision=3, suppress_small=True)}")
        elif array is not None and array.ndim:
            lines.append(f"{name}: shape {list(array.shape)}, dtype {dtype_name(argument)}")
        else:
            lines.append(f"{name} = {describe(argument)}")
    return "\n".join(lines)


def difference_details(exercise: Exercise, difference: Difference, call: Call) -> dict[str, Any]:
    """Shapes and numbers of a difference, for the table under the message."""
    details: dict[str, Any] = {}
    if difference.where:
        details["part"] = part_text(difference.where, exercise.check.parts)
    got, expected = to_numpy(difference.got), to_numpy(difference.expected)
    if got is not None and expected is not None and (got.ndim or expected.ndim):
        details["your shape"] = shape_text(got.shape, call.axes)
        details["expected shape"] = shape_text(expected.shape, call.axes)
    return details | difference.details


def difference_text(
    exercise: Exercise,
    attempt: Implementation,
    calls: list[Call],
    ran: Run,
    expected: Run,
    differences: list[tuple[int, Difference]],
) -> str:
    """The difference in sentences, with what was measured over all calls."""
    _, first = differences[0]
    sentences = []
    part = f" (part: {part_text(first.where, exercise.check.parts)})" if first.where else ""
    if first.kind in ("value", "shape"):
        pairs = _pairs(exercise, calls, ran, expected, first.where)
        finding = measure(pairs, slip_rtol(exercise.check.rtol, *(pair.got for pair in pairs)))
        if first.kind == "shape":
            sentences.append(_sentence(f"{first.sentence}{part}"))
        if finding:
            sentences.append(finding.sentence + (part if first.kind == "value" else ""))
        elif first.kind == "value":
            right = len(calls) - len(differences)
            sentences.append(_sentence(f"{first.sentence}{part}"))
            if right:
                sentences.append(f"{right} of {len(calls)} calls came out right.")
            if to_numpy(first.expected) is not None:
                sentences.append(
                    "No common slip explains the difference: work out one number by hand, and see "
                    "at which step your function parts from it."
                )
        else:
            sentences.append(shape_advice(np.shape(first.got), np.shape(first.expected)))
    else:
        sentences.append(_sentence(f"{first.sentence}{part}"))
    got = to_numpy(first.got)
    if first.kind == "value" and got is not None and got.ndim and got.dtype.kind in "iub":
        want = to_numpy(first.expected)
        if want is not None and want.dtype.kind == "f":
            sentences.append(
                f"Your result has dtype {dtype_name(first.got)}, which cannot hold fractions: "
                f"was an array made with an integer dtype?"
            )
    if first.kind in ("value", "shape") and _constant_answer(ran):
        sentences.append(
            "It returns the same on every call: does it use its arguments, or something else "
            "of the same name?"
        )
    return " ".join([*sentences, notebook_text(attempt)]).strip()


def part_text(where: str, names: tuple[str, ...] = ()) -> str:
    """A way into a nest, for people: `value` for `['value']`, `loss, [0]` for `['loss'][0]`.

    **Arguments:** `names` of the outermost nest's parts: `[0]` becomes the first of them.
    """
    keys = _keys(where)
    if keys and isinstance(keys[0], int) and keys[0] < len(names):
        keys[0] = names[keys[0]]
    return ", ".join(key if isinstance(key, str) else f"[{key}]" for key in keys)


def order_text(exercise: Exercise, attempt: Implementation) -> str:
    """A sentence about parameters in another order than the exercise's; empty otherwise."""
    names = parameter_names(exercise)
    try:
        theirs = list(inspect.signature(attempt).parameters)[: len(names)]
    except (TypeError, ValueError):
        return ""
    if theirs == names or sorted(theirs) != sorted(names):
        return ""
    return (
        f"Your parameters stand in another order, ({', '.join(theirs)}): the exercise has "
        f"({', '.join(names)}), and values are passed by position."
    )


def notebook_text(attempt: Implementation) -> str:
    """A sentence about arrays that the function takes from the notebook; empty without any."""
    listed = ", ".join(f"`{name}`" for name in _notebook_arrays(attempt))
    if not listed:
        return ""
    return f"It reads {listed} from the notebook, not from its arguments: is that meant?"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith("?") else ".")


def _constant_answer(ran: Run) -> bool:
    values = [outcome.value for outcome in ran.outcomes if outcome.error is None]
    return len(values) > 1 and all(equal(value, values[0], 1e-12) for value in values[1:])


def _notebook_arrays(attempt: Implementation) -> list[str]:
    """Names of arrays that the function reads from the notebook's globals."""
    code = getattr(attempt, "__code__", None)
    if code is None:
        return []
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    values = getattr(attempt, "__globals__", {})
    arrays = {name: to_numpy(values[name]) for name in names if name in values}
    return sorted(name for name, array in arrays.items() if array is not None and array.ndim)


def _pairs(
    exercise: Exercise, calls: list[Call], ran: Run, expected: Run, where: str
) -> list[Pair]:
    names = parameter_names(exercise)
    pairs = []
    for call, got, want in zip(calls, ran.outcomes, expected.outcomes, strict=False):
        got_array, want_array = (to_numpy(_part(value, where)) for value in (got.value, want.value))
        if got_array is None or want_array is None:
            return []
        inputs = {}
        for name, argument in zip(names, call.args, strict=False):
            array = to_numpy(argument)
            if array is not None and array.ndim:
                inputs[name] = array
        pairs.append(Pair(got_array, want_array, inputs, call.axes))
    return pairs


def _keys(where: str) -> list[Any]:
    """The keys of a way such as `['loss'][0]`, from the outside in."""
    return [ast.literal_eval(key) for key in where[1:-1].split("][")] if where else []


def _part(value: Any, where: str) -> Any:
    """Follow a way such as `['loss'][0]` into a nest."""
    for key in _keys(where):
        try:
            value = value[key]
        except (LookupError, TypeError):
            return None
    return value
