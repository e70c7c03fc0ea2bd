"""How long, how fast and how carefully to train: the settings of a training run."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to train.

    **Raises:** `ValueError`, naming the setting, for one that cannot be meant.
    """

    n_steps: int = 1_000
    batch_size: int = 1_024
    """Activations a step, over all processes together."""
    lr: float = 1e-3
    """Adam's step size, before warm-up and decay."""
    lr_warmup_steps: int = 0
    """First steps, over which the step size grows from nothing."""
    l1_warmup_steps: int = 100
    """Steps over which the sparsity penalty grows from nothing: applied at full strength from the
    start it kills latents that have found nothing to say yet."""
    lr_decay_steps: int = 200
    """Last steps, over which the step size shrinks to zero."""
    max_grad_norm: float | None = None
    """Gradients longer than this, all weights taken together, are shortened to it."""
    revive_every: int = 0
    """Steps between looking for dead latents and giving them a new start; 0: never."""
    dead_after: int = 100_000
    """A latent is dead once it has been silent for so many activations."""
    seed: int = 0
    """Fixes the order of the data, and what dead latents are given."""

    def __post_init__(self) -> None:
        for name in ("n_steps", "batch_size", "dead_after"):
            if getattr(self, name) < 1:
                raise ValueError(f"TrainConfig: {name} is {getattr(self, name)}, must be 1 or more")
        for name in ("l1_warmup_steps", "lr_warmup_steps", "lr_decay_steps"):
            if not 0 <= getattr(self, name) <= self.n_steps:
                raise ValueError(
                    f"TrainConfig: {name} is {getattr(self, name)}, must be from 0 to n_steps, "
                    f"{self.n_steps}"
                )
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise ValueError(f"TrainConfig: lr is {self.lr}, must be positive and finite")
        if self.max_grad_norm is not None and not self.max_grad_norm > 0:
            raise ValueError(
                f"TrainConfig: max_grad_norm is {self.max_grad_norm}, must be positive or None"
            )
        if self.revive_every < 0:
            raise ValueError(f"TrainConfig: revive_every is {self.revive_every}, must be 0 or more")

    def l1_scale(self, step: int) -> float:
        """The warm-up's factor on the sparsity penalty at a step, counted from 0."""
        return min(1.0, (step + 1) / self.l1_warmup_steps) if self.l1_warmup_steps else 1.0

    def lr_at(self, step: int) -> float:
        """The step size at a step, counted from 0."""
        left = self.n_steps - step
        growth = min(1.0, (step + 1) / self.lr_warmup_steps) if self.lr_warmup_steps else 1.0
        return self.lr * min(growth, left / self.lr_decay_steps if self.lr_decay_steps else 1.0)
