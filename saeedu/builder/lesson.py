"""Reading a lesson: MyST Markdown into cells that remember their line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jupytext.myst import myst_to_notebook

from saeedu.builder.problems import Problem

CODE_CELL_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*\{code-cell\}")
FIELDS = ("title", "minutes", "needs")
CELL_OPTIONS = ("exercise", "figure")


@dataclass(frozen=True)
class Cell:
    """A cell as its author wrote it."""

    kind: str
    """`"markdown"` or `"code"`."""
    source: str
    line: int
    """Line of the lesson on which `source` begins; of an empty code cell, its fence."""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def exercise(self) -> str | None:
        """The id of the exercise that this cell stands for, if it does."""
        value = self.options.get("exercise")
        return None if value is None else str(value)

    @property
    def figure(self) -> str | None:
        """The name under which this cell's picture is saved, if it is."""
        value = self.options.get("figure")
        return None if value is None else str(value)


@dataclass(frozen=True)
class Lesson:
    """A chapter's lesson.md, read."""

    path: Path
    title: str
    minutes: int
    needs: str
    cells: tuple[Cell, ...]
    problems: tuple[Problem, ...]


def read_lesson(path: Path) -> Lesson:
    """Read a lesson, and note what is wrong with its front matter and its cells' options.

    **Arguments:** `path`, of a MyST Markdown file.
    **Returns:** the lesson; where something is missing a placeholder stands, and `problems` has
    an entry.
    **Raises:** `OSError` when the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problem = Problem(path, 1, f"not UTF-8 ({error.reason})", "save the file as UTF-8")
        return Lesson(path, path.parent.name, 0, "", (), (problem,))
    fields, body, problems = _front_matter(path, text)
    cells, cell_problems = _cells(path, body)
    minutes = fields.get("minutes")
    return Lesson(
        path,
        title=str(fields.get("title") or path.parent.name),
        minutes=minutes if isinstance(minutes, int) else 0,
        needs=str(fields.get("needs") or ""),
        cells=cells,
        problems=(*problems, *cell_problems),
    )


def _front_matter(path: Path, text: str) -> tuple[dict[str, Any], str, list[Problem]]:
    """The fields between the first two lines of dashes, and the text with those lines blanked."""
    lines = text.split("\n")
    ends = [number for number, line in enumerate(lines) if number and line.rstrip() == "---"]
    if lines[0].rstrip() != "---" or not ends:
        remedy = "begin the lesson with title, minutes and needs between two lines of ---"
        return {}, text, [Problem(path, 1, "no front matter", remedy)]
    end = ends[0]
    body = "\n".join([""] * (end + 1) + lines[end + 1 :])
    try:
        fields = yaml.safe_load("\n".join(lines[1:end])) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 2 + (mark.line if mark else 0)
        what = f"front matter is not YAML ({getattr(error, 'problem', None) or 'unreadable'})"
        return {}, body, [Problem(path, line, what, "quote values that hold a colon")]
    if not isinstance(fields, dict):
        what = "front matter holds no fields"
        return {}, body, [Problem(path, 2, what, "write lines such as title: Gradients by hand")]
    return fields, body, _field_problems(path, fields, lines[:end])


def _field_problems(path: Path, fields: dict[str, Any], lines: list[str]) -> list[Problem]:
    def line_of(name: str) -> int:
        return next((i + 1 for i, line in enumerate(lines) if line.startswith(f"{name}:")), 1)

    problems = []
    for name in FIELDS:
        value = fields.get(name)
        if name == "minutes":
            good = isinstance(value, int) and not isinstance(value, bool) and value > 0
            remedy = "write minutes: and a whole number above 0"
        else:
            good = isinstance(value, str | int) and bool(str(value).strip())
            remedy = f"write {name}: and a line of text"
        if not good:
            problems.append(Problem(path, line_of(name), f"lesson without {name}", remedy))
    for name in sorted(set(map(str, fields)) - set(FIELDS)):
        what = f"front matter has an unknown field {name}"
        problems.append(Problem(path, line_of(name), what, f"use only {', '.join(FIELDS)}"))
    return problems


def _cells(path: Path, body: str) -> tuple[tuple[Cell, ...], list[Problem]]:
    try:
        notebook = myst_to_notebook(body, add_source_map=True)
    except Exception as error:  # jupytext lets YAML and its own errors through, of many types
        found = re.search(r"at line (\d+)", str(error))
        what = f"a cell could not be read ({str(error).splitlines()[0]})"
        remedy = "write each option of a cell as :name: value, on its own line"
        return (), [Problem(path, int(found[1]) if found else 1, what, remedy)]
    lines = body.splitlines()
    cells: list[Cell] = []
    problems: list[Problem] = []
    for raw, start in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
        if raw.cell_type == "code":
            line = _body_line(lines, start) if raw.source.strip() else start
            cell = Cell("code", raw.source, line, dict(raw.metadata))
            problems += _option_problems(path, cell, start)
        else:
            while start < len(lines) and not lines[start].strip():
                start += 1
            cell = Cell(raw.cell_type, raw.source, start + 1, dict(raw.metadata))
            if raw.cell_type != "markdown" or raw.metadata:
                remedy = "use Markdown and {code-cell}, and +++ with nothing after it"
                problems.append(Problem(path, start, "a cell of an unknown kind", remedy))
        cells.append(cell)
    return tuple(cells), problems + _swallowed(path, lines, cells)


def _body_line(lines: list[str], fence_line: int) -> int:
    """Line on which a code cell's source begins, after its fence, options and a blank line."""
    line = fence_line + 1
    while line <= len(lines) and lines[line - 1].lstrip().startswith(":"):
        line += 1
    return line + (line <= len(lines) and not lines[line - 1].strip())


def _option_problems(path: Path, cell: Cell, fence_line: int) -> list[Problem]:
    problems = []
    for name, value in cell.options.items():
        if name == "tags" or name in ("raises-exception", "skip-execution"):
            what = f"a cell with {name} {value if name == 'tags' else ''}".rstrip()
            remedy = "take it out: every cell runs, and an unsolved exercise raises nothing"
        elif name not in CELL_OPTIONS:
            what = f"a cell with an unknown option :{name}:"
            remedy = f"use only {' and '.join(f':{known}:' for known in CELL_OPTIONS)}"
        elif not re.fullmatch(r"[\w.-]+", str(value)):
            what = f":{name}: names nothing"
            remedy = "give the exercise's id, or the figure's name without folder or .png"
        else:
            continue
        problems.append(Problem(path, fence_line, what, remedy))
    return problems


def _swallowed(path: Path, lines: list[str], cells: list[Cell]) -> list[Problem]:
    """Code cells that the file opens and the reader did not see: a fence stands open above."""
    openers = [i + 1 for i, line in enumerate(lines) if CODE_CELL_FENCE.match(line)]
    seen = sum(cell.kind == "code" for cell in cells)
    if len(openers) == seen:
        return []
    what = f"{len(openers)} code cells are opened here and below, but {seen} were read"
    remedy = "look for a line of three backticks inside a cell, or a fence that is not closed"
    return [Problem(path, openers[0], what, remedy)]
