"""Finding a course's chapters, and loading their exercises with the lines they stand on."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import saeedu.course
from saeedu.builder.lesson import Lesson, read_lesson
from saeedu.builder.problems import Problem
from saeedu.grading.exercise import Exercise, Mistake

COURSE_FOLDER = Path(saeedu.course.__file__).resolve().parent
CHAPTER_FOLDER = re.compile(r"ch(\d\d)_([a-z0-9_]+)")


@dataclass(frozen=True)
class Chapter:
    """One chapter's folder, read."""

    folder: Path
    digits: str
    slug: str
    lesson: Lesson
    exercises: tuple[Exercise, ...]
    lines: dict[str, int]
    """Line of each exercise id in the file that `exercise_files` names for it."""
    exercise_files: dict[str, Path]
    problems: tuple[Problem, ...]
    missing_package: str = ""
    """A package that the exercises need and that is not installed, such as torch."""

    @property
    def heading(self) -> str:
        """The chapter's number and title, as on its first line."""
        return f"{self.digits} · {self.lesson.title}"

    @property
    def notebook_name(self) -> str:
        """File name of the built notebooks, e.g. `04_gradients.ipynb`."""
        return f"{self.digits}_{self.slug}.ipynb"

    @property
    def built_from(self) -> str:
        """The lesson, as the course's own repository names it."""
        return f"saeedu/course/{self.folder.name}/lesson.md"

    def find(self, exercise_id: str) -> Exercise | None:
        """The chapter's exercise of that id, if it has one."""
        return next((e for e in self.exercises if e.id == exercise_id), None)

    def place(self, exercise_id: str) -> tuple[Path, int]:
        """File and line on which an exercise begins."""
        file = self.exercise_files.get(exercise_id, self.folder / "exercises.py")
        return file, self.lines.get(exercise_id, 1)


def chapter_folders(course: Path) -> list[Path]:
    """The course's chapter folders that hold a lesson or exercises, in order.

    **Arguments:** `course`, a folder of folders named like ch04_gradients.
    **Returns:** paths.
    """
    return [
        folder
        for folder in sorted(course.iterdir())
        if CHAPTER_FOLDER.fullmatch(folder.name)
        and any((folder / name).exists() for name in ("lesson.md", "exercises.py"))
    ]


def read_chapter(folder: Path) -> Chapter:
    """Read a chapter's lesson and load its exercises.

    **Arguments:** `folder`, of a chapter.
    **Returns:** the chapter; what is wrong is in its `problems` and its lesson's.
    """
    match = CHAPTER_FOLDER.fullmatch(folder.name)
    assert match is not None
    lesson_path = folder / "lesson.md"
    problems: list[Problem] = []
    if lesson_path.is_file():
        lesson = read_lesson(lesson_path)
    else:
        problems.append(Problem(lesson_path, 1, "a chapter without lesson.md", "write it"))
        lesson = Lesson(lesson_path, match[2], 0, "", (), ())
    loaded, load_problems, missing_package = _load(folder)
    lines, files = _places(folder)
    problems += load_problems
    exercises = tuple(exercise for exercise in loaded if not _malformed(exercise))
    for exercise in loaded:
        if fault := _malformed(exercise):
            file = files.get(str(exercise.id), folder / "exercises.py")
            problems.append(Problem(file, lines.get(str(exercise.id), 1), *fault))
    return Chapter(
        folder,
        match[1],
        match[2],
        lesson,
        exercises,
        lines,
        files,
        (*problems, *lesson.problems),
        missing_package,
    )


def _load(folder: Path) -> tuple[tuple[Exercise, ...], list[Problem], str]:
    path = folder / "exercises.py"
    if not path.is_file():
        what = "a chapter without exercises.py"
        return (), [Problem(path, 1, what, "write it, with EXERCISES = () if it has none")], ""
    try:
        module = _import(folder, path)
    except Exception as error:  # a chapter's code may raise anything
        frames = traceback.extract_tb(error.__traceback__)
        inside = [frame for frame in frames if Path(frame.filename).parent == folder]
        where = (Path(inside[-1].filename), inside[-1].lineno or 1) if inside else (path, 1)
        if isinstance(error, SyntaxError) and error.filename:
            where = Path(error.filename), error.lineno or 1
        what = f"cannot be imported ({type(error).__name__}: {error})"
        missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
        remedy = "mend it, or install what it needs with pip install 'saeedu[lm]'"
        return (), [Problem(*where, what, remedy)], missing.split(".")[0]
    exercises = getattr(module, "EXERCISES", None)
    if not isinstance(exercises, tuple) or not all(isinstance(e, Exercise) for e in exercises):
        what = "EXERCISES is not a tuple of Exercise"
        return (), [Problem(path, 1, what, "end the file with EXERCISES = (..., )")], ""
    return exercises, [], ""


def _malformed(exercise: Exercise) -> tuple[str, str] | None:
    """What keeps the checks from looking at an exercise at all, and what to do."""
    if not re.fullmatch(r"\d\d\.[A-Za-z_]\w*", str(exercise.id)):
        return f"{exercise.id!r} is not an id", "write two digits, a dot and the function's name"
    wanted: dict[str, Any] = {"hints": str, "mistakes": Mistake, "alternatives": Callable}
    for name, kind in wanted.items():
        value = getattr(exercise, name)
        if not isinstance(value, tuple | list):
            what = f"{exercise.id} has {name} that are no tuple but a {type(value).__name__}"
            return what, "write a tuple, with a comma after its last item"
        if not all(isinstance(item, kind) for item in value):
            what = f"{exercise.id} has {name} that are not all {kind.__name__}"
            return what, f"make each a {kind.__name__}"
    return None


def _import(folder: Path, path: Path) -> ModuleType:
    if folder.parent.resolve() == COURSE_FOLDER:
        return importlib.import_module(f"saeedu.course.{folder.name}.exercises")
    # A course elsewhere, as in tests: a module by file, whose source inspect can still find.
    content = hashlib.sha256(str(path).encode() + path.read_bytes()).hexdigest()[:12]
    name = f"saeedu_elsewhere_{folder.name}_{content}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _places(folder: Path) -> tuple[dict[str, int], dict[str, Path]]:
    """Where each `Exercise(id="...")` of the folder's files begins."""
    lines: dict[str, int] = {}
    files: dict[str, Path] = {}
    for path in sorted(folder.glob("*.py")):
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError):
            continue  # said already, when it failed to import
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            for keyword in node.keywords:
                if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
                    lines.setdefault(str(keyword.value.value), node.lineno)
                    files.setdefault(str(keyword.value.value), path)
    return lines, files
