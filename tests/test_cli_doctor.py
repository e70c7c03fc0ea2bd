"""`saeedu doctor`: what it says of a computer, and when it fails."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from saeedu import examination, hub
from saeedu.cli import main

Output = pytest.CaptureFixture[str]


def examined(capsys: Output) -> tuple[int, dict[str, dict[str, str]]]:
    code = main(["doctor", "--json"])
    return code, {finding["what"]: finding for finding in json.loads(capsys.readouterr().out)}


def test_doctor_finds_this_environment_fit(capsys: Output) -> None:
    code, findings = examined(capsys)
    assert code == 0
    assert findings["Python"]["status"] == "ok"
    assert findings["packages, NumPy chapters"]["status"] == "ok"
    assert findings["progress file"]["found"] == "none yet"
    assert all(f["remedy"] for f in findings.values() if f["status"] != "ok")
    assert main(["doctor"]) == 0
    assert "Ready for" in capsys.readouterr().out


@pytest.mark.parametrize(("package", "code"), [("matplotlib", 1), ("torch", 0)])
@pytest.mark.parametrize("found", ["0.0.1", None])
def test_doctor_fails_for_what_the_numpy_chapters_need_alone(
    package: str, code: int, found: str | None, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    real: Callable[[str], str] = importlib.metadata.version

    def version(name: str) -> str:
        if name != package:
            return real(name)
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(importlib.metadata, "version", version)
    exit_code, findings = examined(capsys)
    assert exit_code == code
    group = "NumPy chapters" if code else "language-model chapters"
    finding = findings[f"packages, {group}"]
    assert finding["status"] == ("problem" if code else "optional")
    assert package in finding["found"]
    assert "pip install" in finding["remedy"]


def test_doctor_reports_a_damaged_progress_file_and_leaves_it(
    learner_home: Path, capsys: Output
) -> None:
    learner_home.mkdir()
    (learner_home / "progress.json").write_text("{half", "utf-8")
    code, findings = examined(capsys)
    assert code == 1
    assert "damaged" in findings["progress file"]["found"]
    assert (learner_home / "progress.json").read_text("utf-8") == "{half"


def test_doctor_tells_cached_reachable_and_unreachable_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setattr(hub, "cached_model", lambda repo: None)
    monkeypatch.setattr(hub, "hub_is_reachable", lambda seconds: False)
    assert examined(capsys)[1]["GPT-2"]["status"] == "optional"
    monkeypatch.setattr(hub, "hub_is_reachable", lambda seconds: True)
    assert "the hub answers" in examined(capsys)[1]["GPT-2"]["found"]
    monkeypatch.setattr(hub, "cached_model", lambda repo: tmp_path)
    assert "in the cache" in examined(capsys)[1]["GPT-2"]["found"]
    assert examination.HUB_SECONDS <= 3
