"""What is wrong with a chapter, and where: collected, so that all is shown at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that keeps the course from being built."""

    path: Path
    line: int
    what: str
    remedy: str
    missing_figure: bool = False
    """The figures' own script builds notebooks before the figures exist, and passes over this."""

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}: {self.what}; {self.remedy}"


class BuildError(Exception):
    """The course cannot be built; `problems` says why, one sentence each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems), key=lambda p: (str(p.path), p.line, p.what))
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(path: Path) -> str:
    """A path as a person would type it: relative to the working folder where it lies inside."""
    try:
        return Path(os.path.relpath(path)).as_posix() if _inside(path) else path.as_posix()
    except ValueError:  # another drive, on Windows
        return path.as_posix()


def _inside(path: Path) -> bool:
    return path.resolve().is_relative_to(Path.cwd().resolve())
