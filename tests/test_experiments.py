"""The experiments write what they promise, repeatably, and complain in sentences."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from saeedu.cli import main
from saeedu.commands.experiment import EXPERIMENTS, SIZES
from saeedu.experiments import recovery
from saeedu.experiments.result import Result, write

FIGURES = {
    "recovery": {"training", "diagonal", "both-ways", "rivals"},
    "monosemanticity": {"responses", "readings"},
    "pareto": {"frontier", "shrinkage"},
    "phase-diagram": {"map"},
}


def without_nan(name: str) -> None:
    raise AssertionError(f"{name} in a JSON file")


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_experiment_writes_figures_and_numbers(name: str, tmp_path: Path, capsys) -> None:
    steps = "20" if name == "phase-diagram" else "60"
    arguments = ["experiment", name, "--out", str(tmp_path / "new"), "--steps", steps]
    assert main([*arguments, "--seed", "3", "--seeds", "2"]) == 0
    files = {path.name for path in (tmp_path / "new").iterdir()}
    assert files == {f"{name}.json"} | {f"{name}-{figure}.png" for figure in FIGURES[name]}
    text = (tmp_path / "new" / f"{name}.json").read_text("utf-8")
    document = json.loads(text, parse_constant=without_nan)
    assert document["experiment"] == name
    assert document["configuration"]["seeds"] == [3, 4]
    assert document["numbers"]
    for path in (tmp_path / "new").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert f"wrote {tmp_path / 'new' / f'{name}.json'}" in capsys.readouterr().out


def test_the_same_seed_gives_the_same_numbers(tmp_path: Path) -> None:
    def numbers(folder: str, seed: str) -> dict:
        arguments = ["--out", str(tmp_path / folder), "--steps", "40", "--seed", seed]
        assert main(["experiment", "recovery", *arguments]) == 0
        return json.loads((tmp_path / folder / "recovery.json").read_text("utf-8"))["numbers"]

    assert numbers("a", "0") == numbers("b", "0")
    assert numbers("a", "0") != numbers("c", "1")


def test_sizes_on_the_command_line_are_those_of_the_experiments() -> None:
    assert set(SIZES) == set(recovery.SIZES)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["recovery", "--out", "{}/file"], "is a file; give a folder"),
        (["recovery", "--out", "{}/d", "--steps", "0"], "--steps must be at least 1"),
        (["recovery", "--out", "{}/d", "--seeds", "-2"], "--seeds must be at least 1"),
        (["recovery", "--out", "{}/d", "--seed", "-2"], "--seed must be 0 or more"),
        (["recovery", "--out", "{}/file/d"], "Not a directory"),
    ],
)
def test_bad_input_is_one_sentence(arguments: list[str], said: str, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    assert main(["experiment", *[a.format(tmp_path) for a in arguments]]) == 2
    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_a_number_that_is_not_finite_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write(Result("x", {}, {"loss": float("nan")}, {}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def with_settings(monkeypatch: pytest.MonkeyPatch, **changes: float) -> None:
    size = recovery.SIZES["small"]
    changed = replace(size, settings=replace(size.settings, **changes))  # type: ignore[arg-type]
    monkeypatch.setitem(recovery.SIZES, "small", changed)


def test_a_warning_of_several_trainings_is_said_once(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_settings(monkeypatch, l1_coefficient=0.0)
    arguments = ["--out", str(tmp_path), "--steps", "20", "--seeds", "2"]
    assert main(["experiment", "recovery", *arguments]) == 0
    said = capsys.readouterr().err
    assert said.count("nothing asks for sparsity") == said.count("\n") == 1


def test_a_diverging_training_is_one_sentence_and_nothing_is_written(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_settings(monkeypatch, learning_rate=1e30)
    assert main(["experiment", "recovery", "--out", str(tmp_path), "--steps", "40"]) == 1
    assert "the training diverged" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
