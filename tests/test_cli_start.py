"""A learner's copy: whatever they edited is still there, byte for byte, after anything we do."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saeedu import build as builder
from saeedu.build import make
from saeedu.cli import main
from saeedu.personal_copy import MANIFEST, hand_out
from tests.made_up_course import EXERCISES, LESSON, write_course

A, B = "00_a.ipynb", "01_b.ipynb"
VERSION_1 = {A: b"a, version 1", B: b"b, version 1"}
VERSION_2 = {A: b"a, version 2", B: b"b, version 2"}
VERSION_3 = {A: b"a, version 3", B: b"b, version 2"}

Output = pytest.CaptureFixture[str]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}


def test_start_copies_every_notebook_as_built(tmp_path: Path, capsys: Output) -> None:
    folder = tmp_path / "deep" / "mine"
    assert main(["start", str(folder)]) == 0
    assert contents(folder) == make().files("notebooks")
    out = capsys.readouterr().out
    assert "00_start_here.ipynb: copied" in out
    assert f"jupyter lab --notebook-dir={folder}" in out


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    hand_out(VERSION_1, tmp_path, update=False)
    (tmp_path / A).write_bytes(b"my work")
    said = hand_out(VERSION_2, tmp_path, update=False)
    assert contents(tmp_path) == {A: b"my work", B: b"b, version 1"}
    assert said == [f"{A}: exists, left alone", f"{B}: exists, left alone"]


def test_start_in_a_folder_with_files_of_other_origin_touches_none(tmp_path: Path) -> None:
    (tmp_path / A).write_bytes(b"older than the course")
    (tmp_path / "thesis.tex").write_bytes(b"years")
    hand_out(VERSION_1, tmp_path, update=False)
    hand_out(VERSION_2, tmp_path, update=True)
    after = contents(tmp_path)
    assert after[A] == b"older than the course"
    assert after["thesis.tex"] == b"years"
    assert after["00_a.new.ipynb"] == b"a, version 2"
    assert after[B] == b"b, version 2"


def test_update_refreshes_the_unedited_and_puts_the_new_beside_the_edited(tmp_path: Path) -> None:
    hand_out(VERSION_1, tmp_path, update=False)
    (tmp_path / A).write_bytes(b"my work")
    said = hand_out(VERSION_2, tmp_path, update=True)
    assert contents(tmp_path) == {
        A: b"my work",
        "00_a.new.ipynb": b"a, version 2",
        B: b"b, version 2",
    }
    assert f"{A}: edited or run by you, left alone; the new version is 00_a.new.ipynb" in said
    assert f"{B}: refreshed" in said


def touched(data: bytes, how: str) -> bytes:
    """A notebook after a visit to JupyterLab."""
    notebook = json.loads(data)
    code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    if how == "opened":
        notebook["metadata"]["language_info"]["version"] = "3.99"
        notebook["metadata"]["kernelspec"]["display_name"] = "my environment"
        code["source"] = "".join(code["source"])
    elif how == "run":
        code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["an hour\n"]}]
    elif how == "edited":
        code["source"] = ["my work"]
    else:
        code["metadata"]["tags"] = ["mine"]
    return json.dumps(notebook, indent=2).encode("utf-8")


@pytest.mark.parametrize(
    ("how", "refreshed"), [("opened", True), ("run", False), ("edited", False), ("tagged", False)]
)
def test_only_a_notebook_that_was_opened_and_no_more_is_refreshed(
    how: str, refreshed: bool, tmp_path: Path
) -> None:
    old = make(write_course(tmp_path)).files("notebooks")["07_rows.ipynb"]
    new = make(write_course(tmp_path, LESSON.replace("first", "1st"))).files("notebooks")
    folder = tmp_path / "mine"
    hand_out({A: old}, folder, update=False)
    visited = touched(old, how)
    (folder / A).write_bytes(visited)
    hand_out({A: new["07_rows.ipynb"]}, folder, update=True)
    after = contents(folder)
    assert after[A] == (new["07_rows.ipynb"] if refreshed else visited)
    assert after.get("00_a.new.ipynb") == (None if refreshed else new["07_rows.ipynb"])


def test_an_edited_new_version_is_work_too(tmp_path: Path) -> None:
    hand_out(VERSION_1, tmp_path, update=False)
    (tmp_path / A).write_bytes(b"my work")
    hand_out(VERSION_2, tmp_path, update=True)
    (tmp_path / "00_a.new.ipynb").write_bytes(b"more work")
    hand_out(VERSION_2, tmp_path, update=True)
    assert "00_a.new-2.ipynb" not in contents(tmp_path)  # it was handed out already
    hand_out(VERSION_3, tmp_path, update=True)
    after = contents(tmp_path)
    assert after["00_a.new.ipynb"] == b"more work"
    assert after["00_a.new-2.ipynb"] == b"a, version 3"


def test_updating_twice_leaves_one_new_version(tmp_path: Path) -> None:
    hand_out(VERSION_1, tmp_path, update=False)
    (tmp_path / A).write_bytes(b"my work")
    for _ in range(3):
        hand_out(VERSION_2, tmp_path, update=True)
    assert sorted(contents(tmp_path)) == ["00_a.ipynb", "00_a.new.ipynb", B]


def test_a_new_version_put_in_place_is_unedited_again(tmp_path: Path) -> None:
    hand_out(VERSION_1, tmp_path, update=False)
    (tmp_path / A).write_bytes(b"my work")
    hand_out(VERSION_2, tmp_path, update=True)
    (tmp_path / "00_a.new.ipynb").replace(tmp_path / A)
    hand_out(VERSION_2, tmp_path, update=True)
    hand_out(VERSION_3, tmp_path, update=True)
    assert contents(tmp_path) == VERSION_3


def test_a_deleted_notebook_comes_back(tmp_path: Path) -> None:
    hand_out(VERSION_1, tmp_path, update=False)
    (tmp_path / A).unlink()
    hand_out(VERSION_2, tmp_path, update=False)
    assert contents(tmp_path)[A] == b"a, version 2"


def test_a_chapter_whose_package_is_missing_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    needs = EXERCISES.replace("import numpy as np", "import torch_of_another_computer")
    course = write_course(tmp_path, exercises=needs)
    monkeypatch.setattr(builder, "make", functools.partial(make, course))
    folder = tmp_path / "mine"
    assert main(["start", str(folder)]) == 0
    assert list(contents(folder)) == ["08_later.ipynb"]
    error = capsys.readouterr().err
    assert "07_rows.ipynb is left out, since torch_of_another_computer is not installed" in error


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1}', b"\xff", b'{"format": 9}'])
def test_with_a_damaged_manifest_everything_counts_as_edited(tmp_path: Path, damage: bytes) -> None:
    hand_out(VERSION_1, tmp_path, update=False)
    (tmp_path / A).write_bytes(b"my work")
    (tmp_path / MANIFEST).write_bytes(damage)
    said = hand_out(VERSION_2, tmp_path, update=True)
    after = contents(tmp_path)
    assert after[A] == b"my work"
    assert after[B] == b"b, version 1"
    assert after["01_b.new.ipynb"] == b"b, version 2"
    assert after[f"{MANIFEST}.damaged"] == damage
    assert "damaged, kept as" in said[0]
    assert json.loads((tmp_path / MANIFEST).read_bytes())["format"] == 1


def test_a_folder_in_a_notebooks_place_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / A).mkdir()
    (tmp_path / A / "kept").write_bytes(b"work")
    hand_out(VERSION_1, tmp_path, update=True)
    assert (tmp_path / A / "kept").read_bytes() == b"work"
    assert (tmp_path / "00_a.new.ipynb").read_bytes() == b"a, version 1"


def test_a_folder_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    folder = tmp_path / "mine"
    assert main(["start", str(folder)]) == 0
    capsys.readouterr()
    (folder / "00_start_here.ipynb").unlink()

    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert main(["start", str(folder)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "Permission denied; choose a folder that you may write to" in error


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("hand out"), st.sampled_from([1, 2, 3]), st.booleans()),
        st.tuples(st.just("edit"), st.integers(0, 5), st.integers(0, 99)),
        st.tuples(st.just("delete"), st.integers(0, 5), st.just(0)),
    ),
    max_size=12,
)


@given(actions=ACTIONS)
@settings(max_examples=60, deadline=None)
def test_no_sequence_of_starts_edits_and_updates_loses_an_edit(
    actions: list[tuple[str, int, int]],
) -> None:
    versions = {1: VERSION_1, 2: VERSION_2, 3: VERSION_3}
    edits: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for action, which, value in actions:
            files = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
            if action == "hand out":
                hand_out(versions[which], folder, update=bool(value))
            elif files and action == "edit":
                path = files[which % len(files)]
                edits[path.name] = f"edit {value}".encode()
                path.write_bytes(edits[path.name])
            elif files:
                path = files[which % len(files)]
                edits.pop(path.name, None)
                path.unlink()
            for file, content in edits.items():
                assert (folder / file).read_bytes() == content
