"""The result of grading one attempt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["passed", "not_attempted", "wrong", "raised"]


@dataclass(frozen=True)
class Verdict:
    """What `grade` found out about an attempt."""

    exercise_id: str
    status: Status
    message: str
    """What happened, and what to do next, in plain sentences."""
    mistake: str | None = None
    """The name of the known mistake that the attempt makes, if it makes one."""
    details: dict[str, Any] = field(default_factory=dict)
    """What was measured, as strings and numbers, in the order in which it is best shown."""
    seconds: float = 0.0
    """How long the attempt's own code ran."""
    failing_inputs: dict[str, Any] = field(default_factory=dict)
    """The arguments, by name, of the call that failed: copies, for the learner to try."""

    @property
    def passed(self) -> bool:
        """Whether the attempt is a correct answer."""
        return self.status == "passed"
