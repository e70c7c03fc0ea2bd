"""What a training run is: everything that its weights depend on, the stories apart."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from scripts.standin.network import Shape


@dataclass(frozen=True)
class Recipe:
    """The settings of a run. The stories, these and the number of threads fix the weights."""

    shape: Shape = field(default_factory=Shape)
    steps: int = 6000
    warmup: int = 100
    """Steps in which the learning rate rises, from nothing."""
    decay: int = 2400
    """Steps in which it falls again, to nothing, at the end; in between it is constant."""
    rows: int = 16
    """Contexts a step."""
    muon_lr: float = 0.02
    """For the weight matrices of the blocks."""
    adam_lr: float = 0.003
    """For embeddings, biases and norms."""
    weight_decay: float = 0.05
    """Of those matrices, a step, in units of the learning rate."""
    seed: int = 0

    def learning_rate(self, step: int) -> float:
        """The fraction of the full learning rate for one step.

        **Arguments:** `step`, from 0.
        **Returns:** a number in (0, 1].
        """
        rising = (step + 1) / max(1, self.warmup)
        falling = (self.steps - step) / max(1, self.decay)
        return min(1.0, rising, falling)

    def may_continue(self, earlier: dict[str, Any], step: int) -> bool:
        """Whether a run begun with another recipe would be where one with this recipe would be.

        True for the same recipe; also when only the end was moved, and neither decay had begun.

        **Arguments:** `earlier`, that recipe `as_dict`; `step`, how many steps it has taken.
        """
        begins = min(self.steps - self.decay, earlier["steps"] - earlier["decay"])
        mine = self.as_dict()
        if step <= begins:
            mine |= {"steps": earlier["steps"], "decay": earlier["decay"]}
        return mine == earlier

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON has them."""
        return dataclasses.asdict(self)
