"""The command: one clear sentence for bad input, exit codes, and quick starts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from saeedu import build as builder
from saeedu.cli import main
from saeedu.commands import exercises as exercises_command
from saeedu.grading import all_exercises, find_exercise

ID = "04.grad_W_dec"
Output = pytest.CaptureFixture[str]


def one_sentence(captured: str) -> str:
    """Standard error, which must be one line and no traceback."""
    assert "Traceback" not in captured
    lines = captured.strip().splitlines()
    assert len(lines) == 1, captured
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hint", "04.grad_Wdec"], "did you mean 04.grad_W_dec"),
        (["solution", "grad_W_dec"], "did you mean 04.grad_W_dec"),
        (["hint", ""], "no exercise"),
        (["exercises", "--chapter", "77"], "no chapter '77'; there are 00"),
        (["exercises", "--chapter", "4"], "no chapter '4'; there are 00"),
        (["build", "77"], "no chapter '77'"),
        (["build", "--check", "04"], "leave out the numbers"),
        (["check", "no-such.ipynb"], "no-such.ipynb does not exist"),
        (["check", "{folder}"], "is a folder"),
        (["check", "{text}"], "is not a notebook (it is not JSON"),
        (["check", "{list}"], "is not a notebook (no cells)"),
        (["check", "{invalid}"], "is not a valid notebook"),
        (["start", "{text}"], "is a file"),
        (["start", "{text}/inside"], "folder"),
    ],
)
def test_bad_input_gives_one_sentence_and_exit_code_2(
    arguments: list[str], words: str, tmp_path: Path, capsys: Output
) -> None:
    files = {
        "{text}": "# no JSON",
        "{list}": "[1, 2]",
        "{invalid}": '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{}]}',
    }
    names = {key: tmp_path / f"{key[1:-1]}.ipynb" for key in files}
    for key, path in names.items():
        path.write_text(files[key], "utf-8")
    names["{folder}"] = tmp_path
    for key, path in names.items():
        arguments = [argument.replace(key, str(path)) for argument in arguments]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    said = one_sentence(captured.err)
    assert said.startswith(f"saeedu {arguments[0]}: ")
    assert words in said
    assert captured.out == ""
    assert {path.name for path in tmp_path.iterdir()} == {f"{key[1:-1]}.ipynb" for key in files}


def test_a_bad_file_does_not_keep_the_others_from_being_reported(capsys: Output) -> None:
    assert main(["check", "--json", "one.ipynb", "two.ipynb"]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["notebook"] for row in rows] == ["one.ipynb", "two.ipynb"]
    assert all("does not exist" in row["problem"] for row in rows)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["frobnicate"],
        ["check"],
        ["check", "a", "--timeout=0"],
        ["check", "a", "--timeout=soon"],
    ],
)
def test_a_malformed_command_line_is_exit_code_2(arguments: list[str], capsys: Output) -> None:
    assert main(arguments) == 2
    assert "usage: saeedu" in capsys.readouterr().err


def test_an_interrupt_is_exit_code_130(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    def interrupt(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(exercises_command, "run", interrupt)
    assert main(["exercises"]) == 130
    assert one_sentence(capsys.readouterr().err) == "interrupted"


def test_a_package_that_is_not_installed_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    def lacking(arguments: object) -> int:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(exercises_command, "run", lacking)
    assert main(["exercises"]) == 2
    assert "torch is not installed; run pip install" in one_sentence(capsys.readouterr().err)


def test_hints_come_one_a_call_and_the_solution_is_the_reference(capsys: Output) -> None:
    exercise = find_exercise(ID)
    assert main(["hint", ID]) == 0
    first = capsys.readouterr().out
    assert exercise.hints[0] in first
    assert exercise.hints[1] not in first
    assert main(["hint", ID]) == 0
    assert exercise.hints[1] in capsys.readouterr().out
    assert main(["solution", ID]) == 0
    assert "latents.T @ error" in capsys.readouterr().out


def test_exercises_as_json_agree_with_the_course(capsys: Output) -> None:
    assert main(["exercises", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == [exercise.id for exercise in all_exercises()]
    exercise = find_exercise(ID)
    assert rows[ID] == {
        "id": ID,
        "chapter": "04",
        "title": exercise.title,
        "minutes": exercise.minutes,
        "difficulty": exercise.difficulty,
        "hints": len(exercise.hints),
        "mistakes": len(exercise.mistakes),
        "alternatives": len(exercise.alternatives),
    }


def test_exercises_of_one_chapter_as_a_table(capsys: Output) -> None:
    assert main(["exercises", "--chapter", "04"]) == 0
    out = capsys.readouterr().out
    assert ID in out
    assert "03.encode" not in out


def test_progress_as_json_counts_the_hints_shown(capsys: Output) -> None:
    assert main(["hint", ID]) == 0
    capsys.readouterr()
    assert main(["progress", "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    entries = {entry["id"]: entry for chapter in table for entry in chapter["exercises"]}
    assert entries[ID]["hints"] == 1
    assert entries["03.encode"]["hints"] == 0


@pytest.mark.parametrize("arguments", [["progress"], ["hint", ID], ["solution", ID]])
def test_a_damaged_progress_file_is_said_kept_and_an_exit_code(
    arguments: list[str], learner_home: Path, capsys: Output
) -> None:
    learner_home.mkdir()
    (learner_home / "progress.json").write_text("{half", "utf-8")
    assert main(arguments) == 1
    assert "is damaged" in one_sentence(capsys.readouterr().err)
    kept = [path.read_text("utf-8") for path in learner_home.glob("progress.damaged-*.json")]
    assert kept == ["{half"]


def test_a_data_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    monkeypatch.setenv("SAEEDU_HOME", str(tmp_path / "file" / "inside"))
    assert main(["hint", ID]) == 1
    captured = capsys.readouterr()
    assert "SAEEDU_HOME" in captured.err
    assert "Traceback" not in captured.err
    assert find_exercise(ID).hints[0] in captured.out


def test_building_outside_the_repository_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setattr(builder, "COURSE_FOLDER", tmp_path / "site-packages" / "saeedu" / "course")
    assert main(["build"]) == 2
    assert "not the course's repository" in one_sentence(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        (["--help"], ("torch", "matplotlib", "jupytext", "nbclient", "rich.table", "IPython")),
        (["doctor"], ("torch", "matplotlib", "transformer_lens", "transformers", "nbclient")),
    ],
)
def test_a_command_imports_only_what_it_needs(
    arguments: list[str], spared: tuple[str, ...]
) -> None:
    program = (
        "import sys\n"
        "from saeedu.cli import main\n"
        f"assert main({arguments!r}) == 0\n"
        f"found = [name for name in {spared!r} if name in sys.modules]\n"
        "assert not found, found\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_module_runs_as_the_command_and_a_closed_pipe_is_no_error() -> None:
    command = [sys.executable, "-m", "saeedu", "exercises", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert "Traceback" not in errors, errors
    assert process.returncode == 0 or sys.platform == "win32"
