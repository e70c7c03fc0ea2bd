"""Progress survives crashes, damage, and folders that cannot be written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from saeedu.grading import progress
from saeedu.grading.progress import ProgressWarning


def test_a_pass_is_never_taken_back() -> None:
    for status in ("wrong", "passed", "raised", "not_attempted"):
        progress.record_verdict("03.encode", status)  # type: ignore[arg-type]
    entry = progress.load()["03.encode"]
    assert entry["passed"] is not None
    assert entry["attempts"] == 3
    assert entry["status"] == "raised"


def test_not_attempted_changes_no_earlier_state() -> None:
    progress.record_verdict("03.encode", "wrong")
    progress.record_verdict("03.encode", "not_attempted")
    assert progress.load()["03.encode"]["status"] == "wrong"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"format": 99, "exercises": {}}', b'{"exercises": {}}', b"\xff\xfe\x00",
     b'{"format": 1, "exercises": {"03.encode": "yes"}}',
     b'{"format": 1, "exercises": {"03.encode": {"attempts": "many"}}}'],
)  # fmt: skip
def test_a_damaged_file_is_kept_aside_with_a_message(content: bytes) -> None:
    file = progress.progress_file()
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.warns(ProgressWarning, match="damaged"):
        progress.record_verdict("03.encode", "passed")
    aside = list(file.parent.glob("progress.damaged-*.json"))
    assert [path.read_bytes() for path in aside] == [content]
    assert progress.load()["03.encode"]["status"] == "passed"


def test_a_folder_that_cannot_be_made_warns_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SAEEDU_HOME", str(tmp_path / "file" / "below"))
    with pytest.warns(ProgressWarning, match="SAEEDU_HOME"):
        progress.record_verdict("03.encode", "passed")
    with pytest.warns(ProgressWarning):
        assert progress.record_hint("03.encode", 3) == 3
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_failed_write_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    progress.record_verdict("03.encode", "passed")
    before = progress.progress_file().read_bytes()

    def full_disk(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.warns(ProgressWarning, match="No space left"):
        progress.record_verdict("03.decode", "passed")
    assert progress.progress_file().read_bytes() == before
    assert not list(progress.home().glob(".progress-*"))


def test_two_notebooks_at_once_lose_nothing() -> None:
    code = """
import sys
from saeedu.grading import progress
for i in range(15):
    progress.record_verdict(f"{sys.argv[1]}.exercise_{i}", "passed")
"""
    workers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in ("01", "02", "03")]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    entries = progress.load()
    assert len(entries) == 45
    assert all(entry["passed"] for entry in entries.values())


def test_hints_are_counted_up_to_the_last() -> None:
    assert [progress.record_hint("03.encode", 3) for _ in range(5)] == [1, 2, 3, 3, 3]
    assert progress.record_solution("03.encode") == 3
    assert progress.load()["03.encode"]["solution"] is True


def test_the_file_is_plain_json(learner_home: Path) -> None:
    progress.record_verdict("03.encode", "passed")
    data = json.loads((learner_home / "progress.json").read_text("utf-8"))
    assert data["format"] == 1
    assert list(data["exercises"]) == ["03.encode"]
