"""From `saeedu/course` to the notebooks that learners open, and to their solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from saeedu.builder.chapter_checks import course_problems
from saeedu.builder.course import COURSE_FOLDER, Chapter, chapter_folders, read_chapter
from saeedu.builder.notebook import Notebook, build_notebook, to_bytes
from saeedu.builder.problems import BuildError, Problem
from saeedu.builder.writing import compare, strays, write

__all__ = [
    "COURSE_FOLDER",
    "BuildError",
    "Built",
    "build",
    "chapter_folders",
    "check_build",
    "make",
]


@dataclass(frozen=True)
class Built:
    """A course's notebooks, in memory."""

    notebooks: dict[str, Notebook]
    solutions: dict[str, Notebook]
    sources: dict[str, str]
    """For each notebook's name the lesson that it is built from."""
    problems: tuple[Problem, ...]
    incomplete: dict[str, str]
    """Notebooks without their exercises, each with the package that is not installed."""

    def files(self, kind: str) -> dict[str, bytes]:
        """The bytes of each file of `"notebooks"` or `"solutions"`."""
        chosen = self.solutions if kind == "solutions" else self.notebooks
        return {name: to_bytes(notebook) for name, notebook in chosen.items()}


def make(course: Path = COURSE_FOLDER) -> Built:
    """Build every notebook in memory.

    **Arguments:** `course`, a folder of chapters.
    **Returns:** the notebooks, and everything that is wrong with them; nothing is raised.
    """
    chapters: list[Chapter] = [read_chapter(folder) for folder in chapter_folders(course)]
    notebooks: dict[str, Notebook] = {}
    solutions: dict[str, Notebook] = {}
    problems: list[Problem] = [problem for chapter in chapters for problem in chapter.problems]
    written = [chapter for chapter in chapters if chapter.lesson.path.is_file()]
    for chapter in written:
        name = chapter.notebook_name
        notebooks[name], found = build_notebook(chapter, written, solutions=False)
        solutions[name], also = build_notebook(chapter, written, solutions=True)
        problems += [*found, *also]
    problems += course_problems(chapters)
    sources = {chapter.notebook_name: chapter.built_from for chapter in chapters}
    incomplete = {c.notebook_name: c.missing_package for c in chapters if c.missing_package}
    return Built(notebooks, solutions, sources, tuple(problems), incomplete)


def build(root: Path, course: Path = COURSE_FOLDER, only: Sequence[str] = ()) -> list[str]:
    """Write notebooks/ and solutions/ under `root`.

    **Arguments:** `root`, the folder that holds both; `course`, a folder of chapters; `only`,
    chapters as two digits: the others' problems are passed over and their files left alone.
    **Returns:** a line for every file written or moved aside; none when all was up to date.
    **Raises:** `BuildError`, with every problem, before anything is written; `OSError` when a
    folder cannot be written.
    """
    built = make(course)
    kinds = {kind: built.files(kind) for kind in ("notebooks", "solutions")}
    astray = [problem for kind, files in kinds.items() for problem in strays(root / kind, files)]
    _refuse([*_of(built.problems, only), *([] if only else astray)])
    said = []
    for kind, files in kinds.items():
        chosen = {name: data for name, data in files.items() if not only or name[:2] in only}
        said += write(root / kind, chosen, root / "build" / "edited" / kind)
    return said


def check_build(root: Path, course: Path = COURSE_FOLDER) -> int:
    """Compare notebooks/ and solutions/ under `root` with what a build would write.

    **Arguments:** as of `build`.
    **Returns:** the number of notebooks compared.
    **Raises:** `BuildError` when anything differs; nothing is written.
    """
    built = make(course)
    problems = list(built.problems)
    compared = 0
    for kind in ("notebooks", "solutions"):
        files = built.files(kind)
        compared += len(files)
        problems += compare(root / kind, files, built.sources)
        problems += strays(root / kind, files)
    _refuse(problems)
    return compared


def _of(problems: Sequence[Problem], only: Sequence[str]) -> list[Problem]:
    return [
        p for p in problems if not only or any(f"ch{digits}_" in str(p.path) for digits in only)
    ]


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise BuildError(problems)
