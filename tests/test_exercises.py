"""Mutation tests of every checker in the course: right answers pass, wrong ones are named."""

from __future__ import annotations

import functools
import itertools
import types
from typing import Any

import pytest

from saeedu.grading import all_exercises, grade
from saeedu.grading.exercise import Exercise, Mistake
from saeedu.grading.grade import draw_calls, same_outcomes
from saeedu.grading.sandbox import run

EXERCISES = all_exercises()
SEEDS = [None, 1, 2]


def ids(values: list[Any]) -> list[str]:
    return [value.id if isinstance(value, Exercise) else value for value in values]


def each(attribute: str) -> pytest.MarkDecorator:
    """One case for each mistake (or alternative) of each exercise."""
    cases = [(e, item) for e in EXERCISES for item in getattr(e, attribute)]
    names = [
        f"{e.id}-{item.name if isinstance(item, Mistake) else item.__name__}" for e, item in cases
    ]
    return pytest.mark.parametrize(("exercise", "item"), cases, ids=names)


def as_an_answer_of_its_own(function: Any) -> Any:
    """The same code as another object: `grade` knows the reference itself by identity."""
    if not isinstance(function, types.FunctionType):
        return function

    @functools.wraps(function)
    def copy(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return copy


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_passes(exercise: Exercise, seed: int | None) -> None:
    verdict = grade(exercise, as_an_answer_of_its_own(exercise.reference), seed=seed)
    assert verdict.status == "passed", verdict.message
    assert exercise.why in verdict.message


@each("alternatives")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_alternative_passes(exercise: Exercise, item: Any, seed: int | None) -> None:
    verdict = grade(exercise, item, seed=seed)
    assert verdict.status == "passed", f"{verdict.message}\n{verdict.details}"


@each("mistakes")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_mistake_is_rejected_by_its_own_message(
    exercise: Exercise, item: Mistake, seed: int | None
) -> None:
    verdict = grade(exercise, as_an_answer_of_its_own(item.wrong), seed=seed)
    assert verdict.status in ("wrong", "raised")
    assert verdict.mistake == item.name
    assert item.message in verdict.message


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_mistakes_are_indistinguishable(exercise: Exercise) -> None:
    calls = draw_calls(exercise)
    check = exercise.check
    outcomes = {
        mistake.name: run(mistake.wrong, calls, check.observe, check.seconds).outcomes
        for mistake in exercise.mistakes
    }
    same = [
        (a, b)
        for a, b in itertools.combinations(outcomes, 2)
        if same_outcomes(outcomes[a], outcomes[b], check.rtol)
    ]
    assert not same
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(set(messages)) == len(messages)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_enough_mistakes_alternatives_and_hints(exercise: Exercise) -> None:
    assert len(exercise.mistakes) >= 4
    assert len(exercise.alternatives) >= 2
    assert len(exercise.hints) >= 3


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_named_axes_of_a_call_have_one_size(exercise: Exercise) -> None:
    for call in draw_calls(exercise):
        sizes = list(call.axes.values())
        assert len(set(sizes)) == len(sizes), f"{call.axes}: a transpose could hide"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_the_stub_is_not_attempted_and_another_not_implemented_is_not(exercise: Exercise) -> None:
    def stub(*args: Any) -> Any:
        raise NotImplementedError(exercise.id)

    def other(*args: Any) -> Any:
        raise NotImplementedError("something else")

    assert grade(exercise, stub).status == "not_attempted"
    assert grade(exercise, other).status == "raised"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_returning_nothing_is_said_to_be_so(exercise: Exercise) -> None:
    verdict = grade(exercise, lambda *args: None)
    assert verdict.status == "wrong"
    assert "None" in verdict.message
