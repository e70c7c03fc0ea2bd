"""The builder on a finished course: what it writes, and that it always writes the same."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from saeedu.build import BuildError, build, check_build, make
from tests.made_up_course import LESSON, PNG, write_course

NAME = "07_rows.ipynb"


def cells_of(course: Path, kind: str = "notebooks") -> list[dict[str, Any]]:
    built = make(course)
    assert not built.problems, built.problems
    notebook: dict[str, Any] = json.loads(built.files(kind)[NAME])
    return list(notebook["cells"])


def sources(cells: list[dict[str, Any]]) -> list[str]:
    return ["".join(cell["source"]) for cell in cells]


def test_a_finished_course_builds_valid_notebooks_without_outputs(tmp_path: Path) -> None:
    build(tmp_path, write_course(tmp_path))
    for kind in ("notebooks", "solutions"):
        assert sorted(os.listdir(tmp_path / kind)) == [NAME, "08_later.ipynb"]
        for path in (tmp_path / kind).iterdir():
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
            assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
            assert notebook.metadata.kernelspec.name == "python3"
            assert "jupytext" not in notebook.metadata
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    assert cell.outputs == []
                    assert cell.execution_count is None
                    assert "tags" not in cell.metadata


def test_builds_in_two_processes_are_byte_identical(tmp_path: Path) -> None:
    course = write_course(tmp_path)
    build(tmp_path / "here", course)
    program = (
        "import sys, pathlib; from saeedu.build import build; "
        "build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "there"), str(course)]
    # Another seed for Python's own hashes: nothing may depend on a set's order.
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "1"})
    for kind in ("notebooks", "solutions"):
        for path in (tmp_path / "here" / kind).iterdir():
            data = path.read_bytes()
            assert data == (tmp_path / "there" / kind / path.name).read_bytes()
            assert data.endswith(b"}\n")
            assert b"\r" not in data


def test_a_second_build_writes_nothing(tmp_path: Path) -> None:
    course = write_course(tmp_path)
    assert len(build(tmp_path, course)) == 4
    assert build(tmp_path, course) == []
    assert check_build(tmp_path, course) == 4


def test_a_lesson_with_windows_line_ends_builds_the_same(tmp_path: Path) -> None:
    course = write_course(tmp_path)
    before = make(course).files("notebooks")
    lesson = course / "ch07_rows" / "lesson.md"
    lesson.write_bytes(lesson.read_bytes().replace(b"\n", b"\r\n"))
    assert make(course).files("notebooks") == before


def test_the_first_cell_has_the_title_minutes_needs_and_neighbours(tmp_path: Path) -> None:
    first = cells_of(write_course(tmp_path))[0]
    text = "".join(first["source"])
    assert "# 07 · Rows and columns" in text
    assert "About 20 minutes. You need: Python." in text
    assert "[08 · A second chapter →](08_later.ipynb)" in text
    assert "←" not in text
    assert text.startswith("<!-- Built from saeedu/course/ch07_rows/lesson.md")
    assert first["metadata"]["saeedu"]["built_from"] == "saeedu/course/ch07_rows/lesson.md"


def test_an_exercise_becomes_a_header_a_stub_and_a_test(tmp_path: Path) -> None:
    cells = cells_of(write_course(tmp_path))
    at = next(i for i, cell in enumerate(cells) if cell["id"] == "exercise-07-row_means")
    header, stub, test = sources(cells[at : at + 3])
    assert "07.row_means · The mean of every row" in header
    assert "●●○○○ difficulty 2 of 5 · about 5 minutes" in header
    assert 'hint("07.row_means")' in header
    assert stub.endswith('raise NotImplementedError("07.row_means")')
    assert test == 'row_means = check("07.row_means", row_means)'
    assert [cell["id"] for cell in cells[at + 1 : at + 3]] == [
        "stub-07-row_means",
        "check-07-row_means",
    ]


def test_directives_become_what_jupyterlab_draws(tmp_path: Path) -> None:
    text = "\n\n".join(sources(cells_of(write_course(tmp_path))))
    assert ":::" not in text
    assert '<div class="alert alert-block alert-info">\n\n**Note: Shapes**\n\nRows are' in text
    summary = "<summary>What is a <code>row</code>, and is $a*b*c$ one?</summary>"
    assert f"{summary}\n\nOne sample.\n\n</details>" in text


def test_a_figure_travels_inside_its_cell_with_alt_text_and_caption(tmp_path: Path) -> None:
    cell = cells_of(write_course(tmp_path))[-1]
    text = "".join(cell["source"])
    assert "![One dark dot on a white ground.](attachment:dot.png)" in text
    assert "*Notice where the dot is.*" in text
    assert text.index("<details") < text.index("attachment:") < text.index("</details>")
    assert base64.b64decode(cell["attachments"]["dot.png"]["image/png"]) == PNG


def test_ids_survive_an_edit_elsewhere(tmp_path: Path) -> None:
    before = {cell["id"]: "".join(cell["source"]) for cell in cells_of(write_course(tmp_path))}
    edited = LESSON.replace("A first sentence", "Another sentence").replace(
        "Look at the result.", "Look.\n\n+++\n\nAnd a new cell."
    )
    after = {
        cell["id"]: "".join(cell["source"]) for cell in cells_of(write_course(tmp_path, edited))
    }
    kept = {source: name for name, source in before.items() if source in after.values()}
    assert len(kept) == len(before) - 2
    for source, name in kept.items():
        assert after[name] == source


def test_equal_cells_have_different_ids(tmp_path: Path) -> None:
    twice = LESSON + "\n+++\n\nSame.\n\n+++\n\nSame.\n"
    ids = [cell["id"] for cell in cells_of(write_course(tmp_path, twice))]
    assert len(set(ids)) == len(ids)


def test_the_two_notebooks_differ_in_the_answers_and_the_title_alone(tmp_path: Path) -> None:
    course = write_course(tmp_path)
    learner, solved = cells_of(course), cells_of(course, "solutions")
    different = [a["id"] for a, b in zip(learner, solved, strict=True) if a != b]
    assert different == ["title-07", "stub-07-row_means", "stub-07-scale"]


def test_a_chapter_without_a_lesson_is_not_linked_to(tmp_path: Path) -> None:
    course = write_course(tmp_path)
    (course / "ch08_later" / "lesson.md").unlink()
    assert list(make(course).notebooks) == [NAME]
    assert "08" not in "".join(make(course).notebooks[NAME]["cells"][0]["source"])


def test_one_chapter_can_be_built_while_another_is_broken(tmp_path: Path) -> None:
    course = write_course(tmp_path, LESSON.replace("minutes: 20\n", ""))
    with pytest.raises(BuildError):
        build(tmp_path, course)
    said = build(tmp_path, course, only=["08"])
    assert len(said) == 2
    assert not (tmp_path / "notebooks" / NAME).exists()


def test_the_reader_keeps_a_directive_inside_a_fence_as_it_is(tmp_path: Path) -> None:
    shown = "```text\n:::{note} as written\n\n\nafter two blank lines\n```\n"
    text = "\n".join(sources(cells_of(write_course(tmp_path, LESSON + "\n" + shown))))
    assert shown.strip() in text
