"""`saeedu check` on learners' notebooks: solved, wrong, unfinished, broken, endless and dead."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from saeedu.build import make
from saeedu.cli import main
from saeedu.grading.registry import exercises_of

Output = pytest.CaptureFixture[str]

IMPORTS = """
import numpy as np
from saeedu import check
"""
PASSED = "def row_lengths(x):\n    return np.sqrt((x * x).sum(axis=1))"
WRONG = "def centre(x):\n    return x - x.mean()"
RAISED = "def unit_rows(x):\n    return x / undefined_name"
SYNTAX = "def decode(latents, W_dec, b_dec)\n    return latents"
UNTOUCHED = 'def l0(latents):\n    raise NotImplementedError("03.l0")'


def test_cell(exercise_id: str) -> str:
    name = exercise_id.split(".")[1]
    return f'{name} = check("{exercise_id}", {name})'


test_cell.__test__ = False  # type: ignore[attr-defined]  # pytest: a helper, by its name


def write(path: Path, *cells: str, **metadata: Any) -> Path:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=metadata
    )
    nbformat.write(notebook, path)
    return path


def checked(path: Path, capsys: Output, *options: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON report, and standard error."""
    before = path.read_bytes()
    code = main(["check", str(path), "--json", *options])
    assert path.read_bytes() == before, "the notebook was written"
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["exercise"]: row for row in report["exercises"]}


def test_every_state_is_reported_and_the_notebook_runs_to_its_end(
    tmp_path: Path, learner_home: Path, capsys: Output
) -> None:
    (tmp_path / "beside.txt").write_text("found", "utf-8")
    path = write(
        tmp_path / "homework.ipynb",
        "open('beside.txt').read()",
        IMPORTS,
        PASSED,
        test_cell("00.row_lengths"),
        WRONG,
        test_cell("00.centre"),
        RAISED,
        test_cell("00.unit_rows"),
        SYNTAX,
        test_cell("03.decode"),
        UNTOUCHED,
        test_cell("03.l0"),
        "1 / 0",
        kernelspec={"name": "a-kernel-of-another-computer", "display_name": "x"},
    )
    code, report, _ = checked(path, capsys)
    assert code == 1
    found = rows(report)
    assert {name: row["status"] for name, row in found.items()} == {
        "00.row_lengths": "passed",
        "00.centre": "wrong",
        "00.unit_rows": "raised",
        "03.decode": "not_reached",
        "03.l0": "not_attempted",
    }
    assert found["00.centre"]["mistake"] == "one_mean_for_everything"
    assert "SyntaxError" in found["03.decode"]["message"]
    assert "undefined_name" in found["00.unit_rows"]["message"]
    assert [error["cell"] for error in report["errors"]] == [9, 10, 13]
    assert (report["passed"], report["total"], report["problem"]) == (1, 5, None)
    assert not learner_home.exists(), "a headless run counted as the learner's progress"


def test_a_solved_chapter_passes_and_a_lost_test_cell_is_missed(
    tmp_path: Path, capsys: Output
) -> None:
    data = make().files("solutions")["00_start_here.ipynb"]
    notebook = nbformat.reads(data.decode("utf-8"), as_version=4)
    lost = next(c for c in notebook.cells if c.id == "check-00-unit_rows")
    notebook.cells.remove(lost)
    path = tmp_path / "renamed.ipynb"
    nbformat.write(notebook, path)
    code, report, _ = checked(path, capsys)
    ids = [exercise.id for exercise in exercises_of("00")]
    assert [row["exercise"] for row in report["exercises"]] == ids
    states = {name: row["status"] for name, row in rows(report).items()}
    assert states.pop("00.unit_rows") == "not_reached"
    assert set(states.values()) == {"passed"}
    assert "test cell is missing" in rows(report)["00.unit_rows"]["message"]
    assert code == 1


def test_an_endless_cell_is_a_sentence_and_what_came_before_still_counts(
    tmp_path: Path, capsys: Output
) -> None:
    path = write(
        tmp_path / "endless.ipynb",
        IMPORTS,
        PASSED,
        test_cell("00.row_lengths"),
        "while True:\n    pass",
        WRONG,
        test_cell("00.centre"),
    )
    code, report, error = checked(path, capsys, "--timeout=4")
    assert code == 1
    assert report["problem"].startswith("cell 4 did not finish within 4 s")
    states = {name: row["status"] for name, row in rows(report).items()}
    assert states == {"00.row_lengths": "passed", "00.centre": "not_reached"}
    assert rows(report)["00.centre"]["message"] == report["problem"]
    assert "Traceback" not in error


def test_a_dead_kernel_is_a_sentence_in_the_table_and_on_standard_error(
    tmp_path: Path, capsys: Output
) -> None:
    path = write(
        tmp_path / "dead.ipynb", IMPORTS, "import os\nos._exit(3)", PASSED, test_cell("00.centre")
    )
    assert main(["check", str(path)]) == 1
    captured = capsys.readouterr()
    assert "the kernel died in cell 2" in captured.err
    assert "not reached" in captured.out
    assert "Traceback" not in captured.err
