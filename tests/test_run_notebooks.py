"""The count of the ledger notices whatever CI must not let through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.run_notebooks import block_torch, count, main
from tests.grading.made_up import doubled, exercise

PLAIN = exercise()
SHIPS_WRONG = exercise(id="99.other", ships=doubled)


def entry(name: str, status: str, mistake: str | None = None) -> dict[str, Any]:
    return {"exercise": name, "chapter": "99", "status": status, "mistake": mistake}


AS_SHIPPED = [entry("99.affine", "not_attempted"), entry("99.other", "wrong", "doubled")]
SOLVED = [entry("99.affine", "passed"), entry("99.other", "passed")]


def test_the_expected_ledgers_have_no_problems() -> None:
    assert count([PLAIN, SHIPS_WRONG], AS_SHIPPED, shipped=True) == []
    assert count([PLAIN, SHIPS_WRONG], SOLVED, shipped=False) == []


@pytest.mark.parametrize(
    ("entries", "shipped", "named"),
    [
        (AS_SHIPPED[:1], True, "99.other"),
        (AS_SHIPPED + AS_SHIPPED[:1], True, "99.affine"),
        ([*AS_SHIPPED, entry("99.stray", "passed")], True, "99.stray"),
        ([entry("99.affine", "passed"), AS_SHIPPED[1]], True, "99.affine"),
        ([AS_SHIPPED[0], entry("99.other", "wrong", "forgot_the_bias")], True, "99.other"),
        ([SOLVED[0], entry("99.other", "wrong", "doubled")], False, "99.other"),
        ([SOLVED[0], SOLVED[0], SOLVED[1]], False, "99.affine"),
    ],
    ids=["missing", "twice", "stray", "solved", "other mistake", "not passed", "passed twice"],
)
def test_each_wrong_ledger_is_named(
    entries: list[dict[str, Any]], shipped: bool, named: str
) -> None:
    problems = count([PLAIN, SHIPS_WRONG], entries, shipped)
    assert len(problems) == 1
    assert named in problems[0]


def test_no_exercise_at_all_is_a_problem() -> None:
    assert count([], [], shipped=True) == ["no exercise came up at all"]


def test_where_torch_is_blocked_importing_it_fails(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(block_torch(tmp_path))}
    for code, works in (("import numpy", True), ("import torch", False)):
        ran = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, check=False
        )
        assert (ran.returncode == 0) == works
        assert works or b"must not import torch" in ran.stderr


def test_a_wrong_folder_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["somewhere"]) == 2
    assert "usage" in capsys.readouterr().out
