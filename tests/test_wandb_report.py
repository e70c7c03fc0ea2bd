"""Weights & Biases is told of a run only when asked, and offline it leaves files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from saeedu.training import train
from saeedu.wandb_report import ReportError, wandb_report
from tests.test_resume import SHORT
from tests.training_script import data, fresh

ROOT = Path(__file__).parent.parent


def test_off_reports_to_nobody(tmp_path: Path) -> None:
    with wandb_report("off", "saeedu", tmp_path, {}) as report:
        assert report is None
    assert list(tmp_path.iterdir()) == []


OFFLINE = """
import subprocess
import sys
from pathlib import Path
from saeedu.training import train
from saeedu.wandb_report import wandb_report
from tests.test_resume import SHORT
from tests.training_script import data, fresh

with wandb_report("offline", "saeedu", Path(sys.argv[1]), {"lr": 0.1}) as report:
    train(fresh("l1"), data(), SHORT, report=report)
"""


def test_offline_leaves_a_run_with_every_step(tmp_path: Path) -> None:
    pytest.importorskip("wandb")
    # In a process of its own: wandb's helper process writes the last lines as it ends.
    subprocess.run([sys.executable, "-c", OFFLINE, str(tmp_path / "run 1")], check=True, cwd=ROOT)
    (recorded,) = (tmp_path / "run 1" / "wandb").glob("offline-run-*/run-run-1.wandb")
    assert recorded.read_bytes().count(b"explained_variance") >= SHORT.n_steps


def test_the_report_is_given_every_step() -> None:
    rows: list[dict] = []
    history = train(fresh("l1"), data(), SHORT, report=rows.append)
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    assert [row["total"] for row in rows] == history.total


def test_a_missing_package_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with (
        pytest.raises(ReportError, match=r"wandb is not installed\. Run: pip install wandb"),
        wandb_report("offline", "saeedu", tmp_path, {}),
    ):
        pass
