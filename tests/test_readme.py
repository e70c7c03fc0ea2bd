"""The README is true: its table, its code, its commands, its links."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.readme_table import README, renewed

ROOT = README.parent
TEXT = README.read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line.split("#")[0].strip() for block in blocks("bash") for line in block.splitlines()]
    return [line for line in lines if line]


def test_the_table_of_chapters_is_what_the_lessons_say() -> None:
    assert renewed(TEXT) == TEXT, "run: python -m scripts.readme_table"


def test_the_exercise_shown_runs_and_gets_the_verdict_that_the_table_promises(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (shown,) = blocks("python")
    assert len(shown.strip().splitlines()) == 6
    exec(compile(shown, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert "✗" in out
    assert "sum" in out


def test_every_make_target_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z]+)", "\n".join(commands()))) | {"lab", "test", "build"}
    assert named <= targets


def test_every_link_and_picture_exists() -> None:
    for target in re.findall(r"\]\((?!http|#)([^)]+)\)", TEXT):
        assert (ROOT / target).exists(), target
    for alt in re.findall(r"!\[([^\]]*)\]", TEXT):
        assert len(alt) > 40


def test_every_saeedu_command_named_runs(tmp_path: Path) -> None:
    named = [line.split() for line in commands() if line.startswith("saeedu ")]
    shown = {"doctor", "start", "check", "exercises", "progress", "train"}
    assert {words[1] for words in named} == shown
    for words in named:
        ran = subprocess.run(
            [sys.executable, "-m", "saeedu", *words[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{' '.join(words)}\n{ran.stdout}\n{ran.stderr}"
