"""What an exercise is: its reference answer, how it is checked, and how people get it wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Implementation = Callable[..., Any]


@dataclass(frozen=True)
class Call:
    """One call that a check makes to an attempt, by position."""

    args: tuple[Any, ...]
    axes: Mapping[str, int] = field(default_factory=dict)
    """Sizes of the named axes, e.g. `{"batch": 7, "d_in": 5}`: a measured factor is named by
    them. Make them all different."""
    note: str = ""
    """What is special about these inputs, e.g. "one latent never fires"; shown when it fails."""


def call_it(implementation: Implementation, call: Call) -> Any:
    """The ordinary way to observe an implementation: call it, and look at what it returns."""
    return implementation(*call.args)


@dataclass(frozen=True)
class Check:
    """How attempts at one exercise are tested: against the reference, on inputs drawn anew."""

    draw: Callable[[np.random.Generator], Iterable[Call]]
    """Yields the calls. It draws them all different: no zero biases, no two axes of one size."""
    tested: str
    """Shown when an attempt passes: what the calls cover, in one phrase."""
    observe: Callable[[Implementation, Call], Any] = call_it
    """Turns an implementation and a call into what is compared: numbers, arrays, tensors, or
    tuples, lists and dicts of them. Replace it to compare gradients of a module, or to make an
    answer canonical where several are right."""
    rtol: float = 1e-5
    """Tolerance relative to the largest expected number: wide enough for float32. Below 1e-8 an
    answer in float32 is told that it lost digits."""
    parts: tuple[str, ...] = ()
    """What the parts of an answer are called, where it is a tuple: messages name them so."""
    seconds: float = 10.0
    """Time limit for an attempt, all calls together."""


@dataclass(frozen=True)
class Mistake:
    """A known wrong answer, as code, with what to tell the learner who gives it."""

    wrong: Implementation
    message: str

    @property
    def name(self) -> str:
        """The wrong implementation's name, e.g. `forgot_the_2`."""
        return self.wrong.__name__


@dataclass(frozen=True)
class Exercise:
    """One exercise: all that the reference function cannot say about itself."""

    id: str
    """Chapter and function, e.g. "04.grad_W_dec"; the part after the dot names the function."""
    title: str
    reference: Implementation
    minutes: int
    difficulty: int
    """From 1 (a line you have just read) to 5 (an evening)."""
    hints: tuple[str, ...]
    """From a nudge to nearly the answer; one is shown a call."""
    check: Check
    mistakes: tuple[Mistake, ...]
    alternatives: tuple[Implementation, ...]
    """Other correct answers, which must pass."""
    why: str
    """One sentence, shown on success: why this matters, or where it comes back."""
    scaffold: str = ""
    """Lines of code that the stub gives away, before its NotImplementedError."""
    ships: Implementation | None = None
    """A wrong answer that stands in the notebook in place of the stub, for the learner to mend.
    It must be one of `mistakes`."""

    @property
    def chapter(self) -> str:
        """The chapter's two digits."""
        return self.id.split(".")[0]

    @property
    def name(self) -> str:
        """The function's name, as the learner writes it."""
        return self.id.split(".", 1)[1]
