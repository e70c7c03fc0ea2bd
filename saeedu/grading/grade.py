"""Grades an attempt: runs it beside the reference, and works out what to tell the learner."""

from __future__ import annotations

import copy
import inspect
import zlib
from typing import Any

import numpy as np

from saeedu.grading import explain, sandbox
from saeedu.grading.advice import raised_advice
from saeedu.grading.compare import Difference, compare, equal
from saeedu.grading.exercise import Call, Exercise, Implementation, Mistake
from saeedu.grading.registry import find_exercise
from saeedu.grading.sandbox import Outcome, Run
from saeedu.grading.trace import error_line, learner_traceback
from saeedu.grading.values import kind_of
from saeedu.grading.verdict import Verdict

_NOT_STARTED = (
    "You have not started this one yet: the function still ends in `raise NotImplementedError`. "
    "Put your answer in the place of that line."
)


def grade(exercise: str | Exercise, attempt: Any, seed: int | None = None) -> Verdict:
    """Check an attempt against an exercise's reference answer.

    **Arguments:** `exercise`, an id or an `Exercise`; `attempt`, the learner's function; `seed`
    of the inputs: fixed for each exercise unless given, so that a verdict can be repeated.
    **Returns:** a `Verdict`. Whatever the attempt does, this does not raise, and the random
    states, environment and inputs are as before.
    **Raises:** `UnknownExercise` when there is no such exercise.
    """
    if not isinstance(exercise, Exercise):
        exercise = find_exercise(exercise)
    if attempt is exercise.reference:
        return _holds_the_reference(exercise)
    calls = draw_calls(exercise, seed)
    problem = _not_callable(exercise, attempt) or _bad_signature(exercise, attempt, calls)
    if problem:
        return Verdict(exercise.id, "wrong", problem)
    ran = sandbox.run(attempt, calls, exercise.check.observe, exercise.check.seconds)
    if len(ran.outcomes) == 1 and _is_the_stub(ran.outcomes[0].error, exercise):
        return Verdict(exercise.id, "not_attempted", _NOT_STARTED)
    expected = sandbox.run(exercise.reference, calls, exercise.check.observe, seconds=60)
    _require_clean(exercise, expected)
    return _judge(exercise, attempt, calls, ran, expected)


def draw_calls(exercise: Exercise, seed: int | None = None) -> list[Call]:
    """The calls that a check makes: the same ones for the same seed."""
    if seed is None:
        seed = zlib.crc32(exercise.id.encode())
    calls = list(exercise.check.draw(np.random.default_rng(seed)))
    if not calls:
        raise ValueError(f"{exercise.id}: its check draws no calls, so nothing can fail it")
    return calls


def _holds_the_reference(exercise: Exercise) -> Verdict:
    message = (
        f"`{exercise.name}` holds the reference answer, not yours: only the test cell ran again. "
        f"Run the cell with your function, then this one."
    )
    return Verdict(exercise.id, "not_attempted", message, details={"reason": "reference"})


def _not_callable(exercise: Exercise, attempt: Any) -> str | None:
    if callable(attempt):
        return None
    return (
        f"This is {kind_of(attempt)}, not a function. Pass the function itself, without calling "
        f'it: `{exercise.name} = check("{exercise.id}", {exercise.name})`.'
    )


def _fits(signature: inspect.Signature, calls: list[Call]) -> bool:
    try:
        for call in calls:
            signature.bind(*call.args)
    except TypeError:
        return False
    return True


def _bad_signature(exercise: Exercise, attempt: Implementation, calls: list[Call]) -> str | None:
    if not _fits(inspect.signature(exercise.reference), calls):
        return None  # its `observe` calls implementations in a way of its own, a class for one
    try:
        signature = inspect.signature(attempt)
    except (TypeError, ValueError):
        return None  # some built-ins have none; the call itself will tell
    try:
        for call in calls:  # an argument with a default is given in some calls only
            signature.bind(*call.args)
    except TypeError as error:
        return (
            f"`{exercise.name}{signature}` cannot be called as "
            f"`{exercise.name}({', '.join(explain.parameter_names(exercise))})`: {error}. "
            f"Keep the parameters that the exercise gave, in their order; more of them need "
            f"default values."
        )
    return None


def _is_the_stub(error: BaseException | None, exercise: Exercise) -> bool:
    if type(error) is not NotImplementedError or len(error.args) != 1:
        return False
    return isinstance(error.args[0], str) and error.args[0] == exercise.id


def _require_clean(exercise: Exercise, expected: Run) -> None:
    for outcome in expected.outcomes:
        if not outcome.clean:
            problem = error_line(outcome.error) if outcome.error else "it changes its inputs"
            raise RuntimeError(f"the reference answer of {exercise.id} is broken: {problem}")


def _judge(
    exercise: Exercise, attempt: Implementation, calls: list[Call], ran: Run, expected: Run
) -> Verdict:
    rtol = exercise.check.rtol
    notes = _notes(ran)
    if ran.timed_out:
        return Verdict(exercise.id, "raised", explain.timeout_text(exercise, ran), details=notes,
                       seconds=ran.seconds)  # fmt: skip
    differences: list[tuple[int, Difference]] = []
    for i, (got, want) in enumerate(zip(ran.outcomes, expected.outcomes, strict=False)):
        if got.error is None:
            difference = compare(got.value, want.value, rtol, calls[i].axes)
            if difference:
                differences.append((i, difference))
    raised = ran.outcomes[-1].error
    mutated = next((i for i, got in enumerate(ran.outcomes) if got.changed_inputs), None)
    if raised is None and not differences and mutated is None:
        message = f"Tested: {exercise.check.tested}. {exercise.why}"
        return Verdict(exercise.id, "passed", message, details=notes, seconds=ran.seconds)

    mistake = _known_mistake(exercise, calls, ran, expected)
    failing = len(ran.outcomes) - 1 if raised else differences[0][0] if differences else mutated
    assert failing is not None
    details = explain.call_details(exercise, calls, failing)
    if raised is not None:
        details |= {"inputs": explain.input_lines(exercise, calls[failing])}
        advice = [raised_advice(raised), explain.notebook_text(attempt)]
        message = mistake.message if mistake else " ".join(advice).strip()
        message = f"{learner_traceback(raised)}\n{message}".rstrip()
    elif differences:
        i, difference = differences[0]
        details |= explain.difference_details(exercise, difference, calls[i])
        message = mistake.message if mistake else explain.difference_text(
            exercise, attempt, calls, ran, expected, differences
        )  # fmt: skip
        if not mistake and _varies(exercise, attempt, calls[i]):
            message = f"{message} {explain.VARIES}"
    else:
        message = mistake.message if mistake else ""
    order = explain.order_text(exercise, attempt)
    if order:
        message = f"{message}\n{order}".strip()
    if mutated is not None:
        changed = explain.mutation_text(exercise, calls[mutated], ran.outcomes[mutated])
        message = f"{message}\n{changed}".strip()
    return Verdict(
        exercise.id,
        "raised" if raised is not None else "wrong",
        message,
        mistake=mistake.name if mistake else None,
        details=details | notes,
        seconds=ran.seconds,
        failing_inputs=_failing_inputs(exercise, calls[failing]),
    )


def _varies(exercise: Exercise, attempt: Implementation, call: Call) -> bool:
    """Whether the same call gives another result a second time."""
    check = exercise.check
    again = sandbox.run(attempt, [call, call], check.observe, check.seconds).outcomes
    if len(again) != 2 or any(outcome.error for outcome in again):
        return False
    return not equal(again[0].value, again[1].value, 1e-12)


def _known_mistake(
    exercise: Exercise, calls: list[Call], ran: Run, expected: Run
) -> Mistake | None:
    """The mistake whose outcome equals the attempt's on every call."""
    for mistake in exercise.mistakes:
        theirs = sandbox.run(
            mistake.wrong, calls, exercise.check.observe, exercise.check.seconds
        ).outcomes
        if same_outcomes(ran.outcomes, theirs, exercise.check.rtol):
            return mistake
    return None


def same_outcomes(ours: list[Outcome], theirs: list[Outcome], rtol: float) -> bool:
    """Whether two implementations cannot be told apart by what they did on the same calls."""
    if len(ours) != len(theirs):
        return False
    for a, b in zip(ours, theirs, strict=True):
        if type(a.error) is not type(b.error) or a.changed_inputs != b.changed_inputs:
            return False
        if a.error is None and not equal(a.value, b.value, rtol):
            return False
        if a.error and b.error and error_line(a.error) != error_line(b.error):
            return False
    return True


def _notes(ran: Run) -> dict[str, Any]:
    notes: dict[str, Any] = {}
    if ran.disturbed:
        changed = " and ".join(dict.fromkeys(ran.disturbed))
        notes["note"] = f"your code changed {changed}; it has been put back"
    if ran.printed.strip():
        notes["your code printed"] = ran.printed.rstrip()
    return notes


def _failing_inputs(exercise: Exercise, call: Call) -> dict[str, Any]:
    return dict(zip(explain.parameter_names(exercise), copy.deepcopy(call.args), strict=False))
