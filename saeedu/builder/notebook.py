"""A chapter into its two notebooks, as data and as bytes that never differ between builds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from saeedu.builder.course import Chapter
from saeedu.builder.directives import translate
from saeedu.builder.lesson import Cell
from saeedu.builder.problems import Problem
from saeedu.builder.stubs import SourceError, ships_source, solution_source, stub_source
from saeedu.grading.exercise import Exercise

Notebook = dict[str, Any]

DO_NOT_EDIT = "To change the course, edit that file and run `saeedu build`; do not edit this one."


def build_notebook(
    chapter: Chapter, chapters: Sequence[Chapter], *, solutions: bool
) -> tuple[Notebook, list[Problem]]:
    """One of a chapter's two notebooks.

    **Arguments:** `chapter`; `chapters`, all of the course in order, to link to; `solutions`,
    whether exercises hold the reference answers.
    **Returns:** the notebook as JSON data, and what is wrong with the lesson's cells.
    """
    cells = [_title_cell(chapter, chapters, solutions)]
    problems: list[Problem] = []
    for cell in chapter.lesson.cells:
        if cell.exercise is not None:
            exercise = chapter.find(cell.exercise)
            if exercise is None:
                continue  # the chapter's checks name it
            try:
                cells += _exercise_cells(exercise, solutions)
            except SourceError as error:
                remedy = "write it as a plain def or class in a file of its own"
                problems.append(Problem(*chapter.place(exercise.id), str(error), remedy))
        elif cell.kind == "code":
            cells.append(_code_cell(cell.source, _figure_metadata(cell)))
        else:
            translated = translate(cell.source, chapter.lesson.path, cell.line)
            problems += translated.problems
            cells.append(_markdown_cell(translated.source, attachments=translated.attachments))
    _give_ids(cells)
    notebook: Notebook = {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3 (ipykernel)",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
            "saeedu": {
                "built_from": chapter.built_from,
                "chapter": chapter.digits,
                "sha256": content_hash(cells),
            },
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return notebook, problems


def to_bytes(notebook: Notebook) -> bytes:
    """A notebook's file: sorted keys, Unix line ends, a newline at the end.

    **Arguments:** `notebook`, whose cells hold their source as one string.
    **Returns:** UTF-8 bytes.
    """
    cells = [
        {**cell, "source": cell["source"].splitlines(keepends=True)} for cell in notebook["cells"]
    ]
    text = json.dumps({**notebook, "cells": cells}, indent=1, sort_keys=True, ensure_ascii=False)
    return text.encode("utf-8") + b"\n"


def content_hash(cells: Sequence[dict[str, Any]]) -> str:
    """What a person can edit in a notebook, hashed: kinds and sources, not outputs.

    **Arguments:** cells, with sources as strings or as lists of lines.
    **Returns:** 64 hexadecimal digits.
    """
    content = [[cell.get("cell_type"), "".join(cell.get("source", ""))] for cell in cells]
    return hashlib.sha256(json.dumps(content).encode("utf-8")).hexdigest()


def _title_cell(chapter: Chapter, chapters: Sequence[Chapter], solutions: bool) -> dict[str, Any]:
    needs = chapter.lesson.needs.rstrip(".")
    parts = [
        f"<!-- Built from {chapter.built_from}. {DO_NOT_EDIT} -->",
        f"# {chapter.heading}",
        f"About {chapter.lesson.minutes} minutes. You need: {needs}.",
    ]
    if solutions:
        parts.insert(2, "**Solutions.** The same notebook, with the reference answers filled in.")
    position = [other.digits for other in chapters].index(chapter.digits)
    links = []
    if position > 0:
        before = chapters[position - 1]
        links.append(f"[← {before.heading}]({before.notebook_name})")
    if position + 1 < len(chapters):
        after = chapters[position + 1]
        links.append(f"[{after.heading} →]({after.notebook_name})")
    if links:
        parts.append(" | ".join(links))
    built = {"built_from": chapter.built_from, "note": DO_NOT_EDIT, "role": "title"}
    return _markdown_cell("\n\n".join(parts), {"saeedu": built}, f"title-{chapter.digits}")


def _exercise_cells(exercise: Exercise, solutions: bool) -> list[dict[str, Any]]:
    if solutions:
        source = solution_source(exercise)
    elif exercise.ships is not None:
        source = ships_source(exercise)
    else:
        source = stub_source(exercise)
    dots = "●" * exercise.difficulty + "○" * (5 - exercise.difficulty)
    header = (
        f"### Exercise {exercise.id} · {exercise.title}\n\n"
        f"{dots} difficulty {exercise.difficulty} of 5 · about {exercise.minutes} minutes · "
        f'stuck? `hint("{exercise.id}")`'
    )
    test = f'{exercise.name} = check("{exercise.id}", {exercise.name})'

    def about(role: str) -> tuple[dict[str, Any], str]:
        cell_id = f"{role}-{exercise.id.replace('.', '-')}"
        return {"saeedu": {"exercise": exercise.id, "role": role}}, cell_id[:64]

    return [
        _markdown_cell(header, *about("exercise")),
        _code_cell(source, *about("stub")),
        _code_cell(test, *about("check")),
    ]


def _figure_metadata(cell: Cell) -> dict[str, Any]:
    return {"saeedu": {"figure": cell.figure}} if cell.figure else {}


def _markdown_cell(
    source: str,
    metadata: dict[str, Any] | None = None,
    cell_id: str = "",
    attachments: dict[str, dict[str, str]] | None = None,
) -> dict[str, Any]:
    cell = {"cell_type": "markdown", "id": cell_id, "metadata": metadata or {}, "source": source}
    if attachments:
        cell["attachments"] = attachments
    return cell


def _code_cell(
    source: str, metadata: dict[str, Any] | None = None, cell_id: str = ""
) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": cell_id,
        "metadata": metadata or {},
        "outputs": [],
        "source": source,
    }


def _give_ids(cells: list[dict[str, Any]]) -> None:
    """Name cells by what they hold, so that an edit to one leaves the others' ids alone."""
    seen: dict[str, int] = {}
    for cell in cells:
        if not cell["id"]:
            content = f"{cell['cell_type']}\n{cell['source']}"
            cell["id"] = hashlib.sha256(content.encode("utf-8")).hexdigest()[:12]
        seen[cell["id"]] = seen.get(cell["id"], 0) + 1
        if seen[cell["id"]] > 1:
            cell["id"] += f"-{seen[cell['id']]}"
