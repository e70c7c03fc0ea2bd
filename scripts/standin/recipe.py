"""What a training run is: everything that its weights depend on, the stories apart."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from scripts.standin.network import Shape

Decline = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Recipe:
    """The settings of a run. The stories, these and the number of threads fix the weights."""

    shape: Shape = field(default_factory=Shape)
    warmup: int = 100
    """Steps in which the learning rate rises, from nothing."""
    decline: Decline = ((300, 1.0), (7600, 0.28431372549019607), (14000, 0.0))
    """From which step on it falls, and through which fractions of its height: at those steps it
    has these fractions, in between it goes in a straight line. The last step ends the run. (The
    odd fraction lies on the line to 10,500, where the run was to end at first.)"""
    rows: int = 16
    """Contexts a step."""
    muon_lr: float = 0.02
    """For the weight matrices of the blocks."""
    adam_lr: float = 0.003
    """For embeddings, biases and norms."""
    weight_decay: float = 0.05
    """Of those matrices, a step, in units of the learning rate."""
    dropout: float = 0.0
    """The fraction dropped of what is written into the residual stream. A model of this size seems
    too small to gain by it: 2,456 further steps with 0.1 ended at .355 nats a character held out,
    1,600 without it at .338."""
    seed: int = 0
    begun_from: str = ""
    """The first digits of the SHA-256 of the weights file that the run began with; empty when it
    began with drawn ones."""
    earlier_tokens: int = 0
    """Tokens that those weights had been trained on, in all the runs before this one."""

    @property
    def tokens(self) -> int:
        """How many tokens the weights have been trained on when the run ends."""
        return self.earlier_tokens + self.steps * self.rows * self.shape.context

    @property
    def steps(self) -> int:
        """How many steps the run has."""
        return self.decline[-1][0]

    def learning_rate(self, step: int) -> float:
        """The fraction of the full learning rate for one step.

        **Arguments:** `step`, from 0.
        **Returns:** a number in (0, 1].
        """
        at, fractions = zip(*self.decline, strict=True)
        falling = float(np.interp(step, at, fractions))
        return min(1.0, (step + 1) / max(1, self.warmup)) * falling

    def may_continue(self, earlier: Recipe, step: int) -> bool:
        """Whether a run begun with another recipe is where one with this recipe would be.

        True when nothing differs but learning rates that neither has used yet: so a run may be
        made longer, or be brought to its end, while it goes.

        **Arguments:** `earlier`, the other recipe; `step`, how many steps it has taken.
        """
        if dataclasses.replace(earlier, decline=self.decline, warmup=self.warmup) != self:
            return False
        return step <= self.steps and all(
            self.learning_rate(taken) == earlier.learning_rate(taken) for taken in range(step)
        )

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON has them."""
        return json.loads(json.dumps(dataclasses.asdict(self)))  # tuples become lists

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> Recipe:
        """The recipe that `as_dict` turned into `settings`."""
        decline = tuple((step, fraction) for step, fraction in settings["decline"])
        return cls(**settings | {"shape": Shape(**settings["shape"]), "decline": decline})


def decline_from(text: str) -> Decline:
    """Read a decline as it is typed: "1300:1,3700:0".

    **Arguments:** `text`, steps and fractions, the steps rising.
    **Returns:** the same in numbers.
    **Raises:** `ValueError` for anything else.
    """
    pairs = [pair.split(":") for pair in text.split(",")]
    decline = tuple((int(step), float(fraction)) for step, fraction in pairs)
    if any(step >= following for (step, _), (following, _) in pairwise(decline)):
        raise ValueError(f"the steps of {text} do not rise")
    return decline
