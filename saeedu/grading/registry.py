"""Finds exercises by id, importing only the chapter that an id names.

The library never imports the course: chapters are discovered by scanning the folder, as plug-ins
are, and a chapter's `exercises.py` is imported when one of its ids is first asked for. That is
what keeps torch out of the NumPy chapters.
"""

from __future__ import annotations

import difflib
import importlib
import re
from functools import cache
from pathlib import Path

from saeedu.grading.exercise import Exercise

COURSE_PACKAGE = "saeedu.course"
COURSE_FOLDER = Path(__file__).resolve().parent.parent / "course"
_CHAPTER_FOLDER = re.compile(r"ch(\d\d)_\w+")


class UnknownExercise(LookupError):
    """No exercise has that id; the message suggests the nearest ones."""

    def _render_traceback_(self) -> list[str]:
        # What IPython shows in place of a page of our own frames.
        return [f"UnknownExercise: {self}"]


def chapters() -> dict[str, str]:
    """Every chapter with a lesson and exercises: its two digits and its folder's name, in order.

    **Returns:** e.g. `{"04": "ch04_gradients"}`.
    """
    found = {}
    for folder in sorted(COURSE_FOLDER.iterdir()):
        match = _CHAPTER_FOLDER.fullmatch(folder.name)
        if match and all((folder / name).exists() for name in ("lesson.md", "exercises.py")):
            found[match.group(1)] = folder.name
    return found


@cache
def exercises_of(chapter: str) -> tuple[Exercise, ...]:
    """The exercises of one chapter, in their order.

    **Arguments:** `chapter`, two digits, e.g. "04".
    **Raises:** `UnknownExercise` when there is no such chapter.
    """
    folders = chapters()
    if chapter not in folders:
        raise UnknownExercise(f"there is no chapter {chapter!r}; there are {', '.join(folders)}")
    module = importlib.import_module(f"{COURSE_PACKAGE}.{folders[chapter]}.exercises")
    exercises: tuple[Exercise, ...] = module.EXERCISES
    return exercises


def all_exercises() -> tuple[Exercise, ...]:
    """Every exercise of the course; imports every chapter, torch's too."""
    return tuple(exercise for chapter in chapters() for exercise in exercises_of(chapter))


def find_exercise(exercise_id: str) -> Exercise:
    """The exercise with that id.

    **Arguments:** `exercise_id`, e.g. "04.grad_W_dec".
    **Raises:** `UnknownExercise`, suggesting the nearest ids; `TypeError` when it is not a string.
    """
    if not isinstance(exercise_id, str):
        raise TypeError(
            f"an exercise id is a string such as '04.grad_W_dec', but this is a "
            f"{type(exercise_id).__name__}; is the order of the arguments reversed?"
        )
    chapter = exercise_id.strip().split(".")[0]
    if chapter in chapters():
        ids = [exercise.id for exercise in exercises_of(chapter)]
        for exercise in exercises_of(chapter):
            if exercise.id == exercise_id.strip():
                return exercise
        near = difflib.get_close_matches(exercise_id, ids, n=3, cutoff=0.4)
        advice = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(ids)}"
        raise UnknownExercise(f"chapter {chapter} has no exercise {exercise_id!r}; {advice}")
    name = exercise_id.split(".")[-1]
    ids = [known for listed in chapters() for known in ids_in_order(listed)]
    near = [known for known in ids if known.split(".", 1)[1] == name]
    near = near or difflib.get_close_matches(exercise_id, ids, n=3, cutoff=0.5)
    advice = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownExercise(
        f"there is no exercise {exercise_id!r}; {advice}An id starts with its chapter, "
        f"e.g. '04.grad_W_dec', and `saeedu exercises` lists them all"
    )


def ids_in_order(chapter: str) -> list[str]:
    """The ids of a chapter's exercises as its lesson has them, without importing anything.

    A progress table, or a mistyped id, must not cost the import of torch.
    """
    lesson = COURSE_FOLDER / chapters()[chapter] / "lesson.md"
    return re.findall(r"^:exercise:\s*(\S+)", lesson.read_text("utf-8"), re.MULTILINE)


def title_of(chapter: str) -> str:
    """A chapter's title, from its lesson's header."""
    folder = chapters()[chapter]
    text = (COURSE_FOLDER / folder / "lesson.md").read_text("utf-8")
    found = re.search(r"^title:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip().strip("\"'") if found else folder
