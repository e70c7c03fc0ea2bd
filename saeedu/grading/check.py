"""The notebook's face of the grading engine: check, hint, solution and progress."""

from __future__ import annotations

import ast
import inspect
import json
import os
import textwrap
from collections.abc import Callable
from typing import Any

from saeedu.grading import progress as store
from saeedu.grading import report
from saeedu.grading.exercise import Exercise
from saeedu.grading.grade import grade
from saeedu.grading.registry import chapters, find_exercise, ids_in_order, title_of
from saeedu.grading.verdict import Verdict

_last_inputs: dict[str, dict[str, Any]] = {}


class CheckFailed(AssertionError):
    """In strict mode: an exercise that did not pass."""


def check(exercise_id: str, attempt: Callable[..., Any]) -> Callable[..., Any]:
    """Check your answer to an exercise, and return the function to go on with.

    **Arguments:** `exercise_id`, e.g. "03.encode"; `attempt`, your function (not its result).
    **Returns:** your function when it passes, the reference answer otherwise, so that the rest
    of the notebook runs either way.
    **Raises:** `UnknownExercise` for an id that does not exist; with `SAEEDU_STRICT=1`,
    `CheckFailed` for anything but a pass.
    """
    exercise = find_exercise(exercise_id)
    verdict = grade(exercise, attempt)
    _last_inputs[exercise.id] = verdict.failing_inputs
    _write_ledger(exercise, verdict)
    shown = report.verdict_report(exercise, verdict)
    if os.environ.get("SAEEDU_STRICT") == "1" and not verdict.passed:
        raise CheckFailed(shown.text)
    store.record_verdict(exercise.id, verdict.status)
    report.show(shown)
    return attempt if verdict.passed else exercise.reference


def hint(exercise_id: str) -> None:
    """Show the next hint of an exercise, with those before it.

    **Arguments:** `exercise_id`, e.g. "04.grad_W_dec". One more is revealed at every call.
    **Raises:** `UnknownExercise` for an id that does not exist.
    """
    exercise = find_exercise(exercise_id)
    report.show(report.hint_report(exercise, store.record_hint(exercise.id, len(exercise.hints))))


def solution(exercise_id: str) -> None:
    """Show the reference answer of an exercise; it stays folded while hints are unread.

    **Raises:** `UnknownExercise` for an id that does not exist.
    """
    exercise = find_exercise(exercise_id)
    hints_left = len(exercise.hints) - store.record_solution(exercise.id)
    report.show(report.solution_report(exercise, reference_source(exercise), hints_left))


def progress() -> None:
    """Show which exercises you have solved, chapter by chapter."""
    report.show(report.progress_report(progress_table()))


def failing_inputs(exercise_id: str) -> dict[str, Any]:
    """The arguments, by name, on which your last attempt failed: copies, for you to try.

    **Returns:** an empty dict when nothing failed, or nothing was checked yet.
    """
    return _last_inputs.get(find_exercise(exercise_id).id, {})


def progress_table() -> list[dict[str, Any]]:
    """Every chapter with its exercises and the state of each.

    **Returns:** a dict a chapter: "chapter", "title", and "exercises": a list of dicts with "id",
    "status" ("passed" once it has been; None when never run), "attempts", "hints", "solution".
    """
    entries = store.load()
    table = []
    for chapter in chapters():
        exercises = []
        for exercise_id in ids_in_order(chapter):
            entry = entries.get(exercise_id, {})
            status = "passed" if entry.get("passed") else entry.get("status")
            exercises.append(
                {
                    "id": exercise_id,
                    "status": status,
                    "attempts": entry.get("attempts", 0),
                    "hints": entry.get("hints", 0),
                    "solution": entry.get("solution", False),
                }
            )
        table.append({"chapter": chapter, "title": title_of(chapter), "exercises": exercises})
    return table


def reference_source(exercise: Exercise) -> str:
    """The reference answer's source, without decorators."""
    source = textwrap.dedent(inspect.getsource(exercise.reference))
    definition = ast.parse(source).body[0]
    return "\n".join(source.splitlines()[definition.lineno - 1 :])  # lineno is past decorators


def _write_ledger(exercise: Exercise, verdict: Verdict) -> None:
    """Append the verdict to the file named by `SAEEDU_LEDGER`: how CI counts what came up."""
    file = os.environ.get("SAEEDU_LEDGER")
    if not file:
        return
    line = {
        "exercise": exercise.id,
        "chapter": exercise.chapter,
        "status": verdict.status,
        "mistake": verdict.mistake,
        "message": verdict.message,
    }
    with open(file, "a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
