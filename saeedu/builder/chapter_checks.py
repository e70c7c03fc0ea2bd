"""What a maintainer must not leave undone: checked across a whole course before it is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saeedu.builder.course import Chapter
from saeedu.builder.exercise_checks import exercise_problems
from saeedu.builder.leaks import answers_in
from saeedu.builder.lesson import Cell
from saeedu.builder.names import Unresolved, names_bound, unresolved
from saeedu.builder.problems import Problem
from saeedu.builder.stubs import SourceError, ships_source, solution_source, stub_source
from saeedu.grading.exercise import Exercise


def course_problems(chapters: Sequence[Chapter]) -> list[Problem]:
    """Everything that is wrong with a course's exercises and with how its lessons use them.

    **Arguments:** `chapters`, all of the course.
    **Returns:** problems, beyond those found while reading the chapters.
    """
    everything = [exercise for chapter in chapters for exercise in chapter.exercises]
    problems = [*_digits_used_twice(chapters), *_ids_defined_twice(chapters)]
    for chapter in chapters:
        for exercise in chapter.exercises:
            problems += exercise_problems(chapter, exercise)
            problems += _leaks_of_stub(chapter, exercise, everything)
        problems += _use_of_exercises(chapter)
        problems += _figures_made_twice(chapter)
        problems += _code(chapter)
        for cell in chapter.lesson.cells:
            for exercise_id, answer in answers_in(cell.source, cell.kind, everything):
                what = f"the answer to {exercise_id} ({answer}) stands in a learner's notebook"
                remedy = "take it out, or leave a blank in it"
                problems.append(Problem(chapter.lesson.path, cell.line, what, remedy))
    return problems


def _digits_used_twice(chapters: Sequence[Chapter]) -> Iterator[Problem]:
    seen: dict[str, Chapter] = {}
    for chapter in chapters:
        first = seen.setdefault(chapter.digits, chapter)
        if first is not chapter:
            what = f"chapter {chapter.digits} exists twice, here and in {first.folder.name}"
            yield Problem(chapter.folder / "lesson.md", 1, what, "give it digits of its own")


def _ids_defined_twice(chapters: Sequence[Chapter]) -> Iterator[Problem]:
    seen: set[str] = set()
    for chapter in chapters:
        for exercise in chapter.exercises:
            if exercise.id in seen:
                what = f"{exercise.id} is the id of two exercises"
                yield Problem(*chapter.place(exercise.id), what, "rename one")
            seen.add(exercise.id)


def _use_of_exercises(chapter: Chapter) -> Iterator[Problem]:
    path = chapter.lesson.path
    used: dict[str, int] = {}
    for cell in chapter.lesson.cells:
        if cell.exercise is None:
            continue
        if chapter.find(cell.exercise) is None:
            known = ", ".join(exercise.id for exercise in chapter.exercises) or "none"
            remedy = f"use one of this chapter's ids ({known})"
            yield Problem(path, cell.line, f"no exercise {cell.exercise}", remedy)
        if cell.source.strip():
            what = f"the cell of exercise {cell.exercise} is not empty"
            yield Problem(path, cell.line, what, "leave it empty: the builder writes the stub")
        if cell.figure is not None:
            what = f"the cell of exercise {cell.exercise} makes a figure"
            yield Problem(path, cell.line, what, "draw it in a cell of its own")
        if cell.exercise in used:
            what = f"exercise {cell.exercise} is used twice, first on line {used[cell.exercise]}"
            yield Problem(path, cell.line, what, "use it once")
        used.setdefault(cell.exercise, cell.line)
    for exercise in chapter.exercises if chapter.lesson.cells else ():
        if exercise.id not in used:
            remedy = f"give it a cell with :exercise: {exercise.id} there, or take it out here"
            what = f"{exercise.id} is nowhere in lesson.md"
            yield Problem(*chapter.place(exercise.id), what, remedy)


def _figures_made_twice(chapter: Chapter) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for cell in chapter.lesson.cells:
        if cell.figure is not None:
            if cell.figure in seen:
                what = f"figure {cell.figure} is made twice, first on line {seen[cell.figure]}"
                yield Problem(chapter.lesson.path, cell.line, what, "give one another name")
            seen.setdefault(cell.figure, cell.line)


def _leaks_of_stub(
    chapter: Chapter, exercise: Exercise, everything: Sequence[Exercise]
) -> Iterator[Problem]:
    try:
        stub = ships_source(exercise) if exercise.ships else stub_source(exercise)
        compile(stub, exercise.id, "exec", dont_inherit=True)
    except SourceError:
        return  # said when its cell is built
    except SyntaxError as error:
        what = f"{exercise.id} has a stub that does not compile ({error.msg})"
        yield Problem(*chapter.place(exercise.id), what, "mend its scaffold")
        return
    for exercise_id, answer in answers_in(stub, "code", everything):
        what = f"the stub of {exercise.id} holds the answer to {exercise_id} ({answer})"
        yield Problem(*chapter.place(exercise.id), what, "shorten the scaffold, or ship a mistake")


def _code(chapter: Chapter) -> Iterator[Problem]:
    """Cells that do not compile, or use a name before any cell has defined it."""
    path = chapter.lesson.path
    bound: set[str] = set()
    for cell in chapter.lesson.cells:
        if cell.kind != "code":
            continue
        exercise = chapter.find(cell.exercise) if cell.exercise else None
        source = _solution_cell(exercise) if exercise else cell.source
        try:
            missing = unresolved(source, bound, everywhere=exercise is not None)
            bound |= names_bound(source)
        except SyntaxError as error:
            line = cell.line + (error.lineno or 1) - 1 if exercise is None else cell.line
            what = f"a code cell that does not compile ({error.msg})"
            yield Problem(path, line, what, "mend it, and look for a fence inside the cell")
            continue
        yield from _missing_names(chapter, cell, missing, exercise)


def _missing_names(
    chapter: Chapter, cell: Cell, missing: list[Unresolved], exercise: Exercise | None
) -> Iterator[Problem]:
    for name, line in missing:
        who = f"the answer to {exercise.id}" if exercise else "a code cell"
        what = f"{who} uses {name}, which no cell above defines"
        at = cell.line if exercise else cell.line + line - 1
        remedy = "import or define it in an earlier cell"
        yield Problem(chapter.lesson.path, at, what, remedy)


def _solution_cell(exercise: Exercise) -> str:
    try:
        source = solution_source(exercise)
    except SourceError:
        return f"{exercise.name} = None"  # said when its cell is built
    return f'{source}\ncheck("{exercise.id}", {exercise.name})\nhint'
