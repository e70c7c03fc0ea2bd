"""What the refusal tests share: spoiling the made-up course, and reading what the builder says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from saeedu.build import BuildError, build

Spoil = Callable[[str], str]


def instead(old: str, new: str) -> Spoil:
    """A defect: `new` where `old` stood."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def refusal(course: Path) -> str:
    """What a build says that must fail, having written nothing."""
    with pytest.raises(BuildError) as caught:
        build(course.parent, course)
    assert not (course.parent / "notebooks").exists(), "a failed build wrote something"
    return str(caught.value)


def assert_said(said: str, file: str, line: int, words: str) -> None:
    """One line names the file and the line, says the words, and goes on with a remedy."""
    place = re.compile(rf"(^|/){re.escape(file)}:{line}: (?P<what>.+); \S.*$")
    there = [found["what"] for row in said.splitlines() if (found := place.search(row))]
    assert any(words in row for row in said.splitlines() if place.search(row)), (
        f"{file}:{line} is not said to have {words!r}, but {there}:\n{said}"
    )
