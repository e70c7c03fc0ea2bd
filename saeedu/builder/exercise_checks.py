"""What an exercise must have before it is shown to a learner."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Iterator

from saeedu.builder.course import Chapter
from saeedu.builder.leaks import hint_gives_all_away
from saeedu.builder.problems import Problem
from saeedu.grading.exercise import Exercise

Finding = tuple[str, str]
"""What is wrong, and what to do."""

LEAST_HINTS, LEAST_MISTAKES, LEAST_ALTERNATIVES = 3, 4, 2


def exercise_problems(chapter: Chapter, exercise: Exercise) -> list[Problem]:
    """Everything that is wrong with one exercise, at the line on which it begins.

    **Arguments:** `chapter`; `exercise`, one of its exercises.
    **Returns:** problems.
    """
    findings = [
        *_identity(chapter, exercise),
        *_fields(exercise),
        *_hints(exercise),
        *_mistakes(exercise),
        *_answers(exercise),
    ]
    place = chapter.place(exercise.id)
    return [Problem(*place, f"{exercise.id} {what}", remedy) for what, remedy in findings]


def _identity(chapter: Chapter, exercise: Exercise) -> Iterator[Finding]:
    if exercise.chapter != chapter.digits:
        yield f"is in chapter {chapter.digits}", "begin the id with its chapter's digits"
    name = getattr(inspect.unwrap(exercise.reference), "__name__", "")
    if exercise.name != name:
        yield f"has a reference named {name}", f"name the exercise {chapter.digits}.{name}"


def _fields(exercise: Exercise) -> Iterator[Finding]:
    if not _text(exercise.title):
        yield "has no title", "say in a few words what it asks for"
    if not _whole(exercise.minutes) or exercise.minutes < 1:
        yield "has no minutes", "say how long it takes, as a whole number above 0"
    if not _whole(exercise.difficulty) or not 1 <= exercise.difficulty <= 5:
        yield "has no difficulty from 1 to 5", "choose one"
    if not _text(exercise.why):
        yield "has no why", "say in a sentence why it matters or where it comes back"
    if not _text(exercise.check.tested):
        yield "does not say what is tested", "say in a phrase what the calls cover"


def _hints(exercise: Exercise) -> Iterator[Finding]:
    hints = exercise.hints
    if len(hints) < LEAST_HINTS:
        yield f"has {len(hints)} hints", f"write at least {LEAST_HINTS}, from nudge to answer"
    for number, hint in enumerate(hints, start=1):
        if not _text(hint):
            yield f"has an empty hint, number {number}", "write it or take it out"
        elif number < len(hints) and hint_gives_all_away(hint, exercise):
            yield f"gives the whole answer in hint {number}", "leave that to the last hint"
    for text in _repeated(" ".join(hint.split()).lower() for hint in hints if _text(hint)):
        yield f"has two equal hints ({text[:40]!r})", "make each say more than the one before"


def _mistakes(exercise: Exercise) -> Iterator[Finding]:
    mistakes = exercise.mistakes
    if len(mistakes) < LEAST_MISTAKES:
        yield f"has {len(mistakes)} mistakes", f"write at least {LEAST_MISTAKES}, as code"
    for mistake in mistakes:
        if not _text(mistake.message):
            yield f"has no message for {mistake.name}", "say what the learner did"
    for text in _repeated(mistake.message.strip() for mistake in mistakes):
        if text:
            yield f"has two mistakes with one message ({text[:40]!r})", "say what differs"
    for name in _repeated(mistake.name for mistake in mistakes):
        yield f"has two mistakes named {name}", "name each by what it does"


def _answers(exercise: Exercise) -> Iterator[Finding]:
    count = len(exercise.alternatives)
    if count < LEAST_ALTERNATIVES:
        remedy = f"write at least {LEAST_ALTERNATIVES} other correct answers"
        yield f"has {count} alternatives", remedy
    if not _text(inspect.getdoc(inspect.unwrap(exercise.reference))):
        yield "has a reference without a docstring", "write one: it is the exercise's text"
    if exercise.ships is not None and exercise.ships not in [m.wrong for m in exercise.mistakes]:
        yield "ships an answer that is not one of its mistakes", "add it to them, with its message"


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]
