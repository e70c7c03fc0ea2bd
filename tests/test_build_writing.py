"""Built notebooks on disk: stale, missing, edited by hand, astray; and nothing is ever lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saeedu.build import BuildError, build, check_build
from saeedu.builder.writing import edited_by_hand
from tests.made_up_course import LESSON, write_course

NAME = "07_rows.ipynb"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    course = write_course(tmp_path)
    build(tmp_path, course)
    return course


def said_by_check(root: Path, course: Path) -> str:
    before = snapshot(root)
    with pytest.raises(BuildError) as caught:
        check_build(root, course)
    assert snapshot(root) == before, "--check wrote something"
    return str(caught.value)


def snapshot(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*.ipynb*") if path.is_file()}


def edit(path: Path) -> bytes:
    """Change a cell, as a person in JupyterLab would."""
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][2]["source"] = ["my own words"]
    path.write_text(json.dumps(notebook), "utf-8")
    return path.read_bytes()


def run_in_place(path: Path) -> None:
    """Leave outputs and counts behind, and change no source."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["execution_count"] = 3
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["3\n"]}]
    path.write_text(json.dumps(notebook), "utf-8")


def test_a_changed_lesson_makes_its_notebooks_stale(tmp_path: Path, course: Path) -> None:
    write_course(tmp_path, LESSON.replace("A first sentence", "Another"))
    said = said_by_check(tmp_path, course)
    for kind in ("notebooks", "solutions"):
        assert f"{kind}/{NAME}:1: stale; it is built from saeedu/course/ch07_rows/lesson.md" in said
    assert "08_later" not in said


def test_a_missing_notebook_is_said(tmp_path: Path, course: Path) -> None:
    (tmp_path / "solutions" / NAME).unlink()
    assert f"solutions/{NAME}:1: missing; run saeedu build" in said_by_check(tmp_path, course)


def test_an_edit_by_hand_is_said_with_the_file_to_edit(tmp_path: Path, course: Path) -> None:
    edit(tmp_path / "notebooks" / NAME)
    said = said_by_check(tmp_path, course)
    assert (
        f"notebooks/{NAME}:1: edited by hand; edit saeedu/course/ch07_rows/lesson.md instead"
    ) in said


def test_outputs_make_a_notebook_stale_but_are_no_edit(tmp_path: Path, course: Path) -> None:
    path = tmp_path / "notebooks" / NAME
    run_in_place(path)
    assert not edited_by_hand(path)
    assert f"notebooks/{NAME}:1: stale" in said_by_check(tmp_path, course)
    build(tmp_path, course)
    assert not (tmp_path / "build").exists()
    assert check_build(tmp_path, course) == 4


def test_other_line_ends_are_not_stale(tmp_path: Path, course: Path) -> None:
    path = tmp_path / "notebooks" / NAME
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert check_build(tmp_path, course) == 4


def test_what_a_notebook_saved_when_it_ran_is_no_stray(tmp_path: Path, course: Path) -> None:
    (tmp_path / "notebooks" / "runs" / "ch09").mkdir(parents=True)
    assert check_build(tmp_path, course) == 4


@pytest.mark.parametrize("name", ["notes.txt", "09_gone.ipynb", "07_rows.html"])
@pytest.mark.parametrize("kind", ["notebooks", "solutions"])
def test_a_stray_file_fails_the_build_and_stays(
    tmp_path: Path, course: Path, kind: str, name: str
) -> None:
    stray = tmp_path / kind / name
    stray.write_text("mine", "utf-8")
    assert f"{kind}/{name}:1: a stray file" in said_by_check(tmp_path, course)
    with pytest.raises(BuildError, match="stray"):
        build(tmp_path, course)
    assert stray.read_text("utf-8") == "mine"


def test_what_a_person_edited_is_moved_aside_and_never_lost(tmp_path: Path, course: Path) -> None:
    path = tmp_path / "notebooks" / NAME
    fresh = path.read_bytes()
    kept = []
    for _ in range(3):
        kept.append(edit(path))
        said = build(tmp_path, course)
        assert any("edited by hand: kept as" in line for line in said)
        assert path.read_bytes() == fresh
    aside = tmp_path / "build" / "edited" / "notebooks"
    assert sorted(file.name for file in aside.iterdir()) == [
        "07_rows-2.ipynb",
        "07_rows-3.ipynb",
        "07_rows.ipynb",
    ]
    assert sorted(file.read_bytes() for file in aside.iterdir()) == sorted(kept)


@pytest.mark.parametrize("content", [b"", b"not json", b"[]", b'{"cells": 3}', b"\xff\xfe"])
def test_whatever_lies_in_a_notebooks_place_is_kept(
    tmp_path: Path, course: Path, content: bytes
) -> None:
    path = tmp_path / "notebooks" / NAME
    path.write_bytes(content)
    build(tmp_path, course)
    assert (tmp_path / "build" / "edited" / "notebooks" / NAME).read_bytes() == content
    assert check_build(tmp_path, course) == 4
