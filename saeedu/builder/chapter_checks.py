"""What a maintainer must not leave undone: checked across a whole course before it is built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saeedu.builder.course import Chapter
from saeedu.builder.notebook import Notebook
from saeedu.builder.problems import Problem


def course_problems(
    chapters: Sequence[Chapter], notebooks: Mapping[str, Notebook]
) -> list[Problem]:
    return []
