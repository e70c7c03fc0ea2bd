"""What a training run measured at each step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

CURVES = ("total", "reconstruction", "sparsity", "l0", "explained_variance")


@dataclass
class History:
    """What each step measured on its own batch, before the step was taken.

    In normalised units: the activations' mean length is sqrt(d_in).
    """

    total: list[float] = field(default_factory=list)
    reconstruction: list[float] = field(default_factory=list)
    sparsity: list[float] = field(default_factory=list)
    l0: list[float] = field(default_factory=list)
    explained_variance: list[float] = field(default_factory=list)
    scale: float = 1.0
    """What the activations were multiplied by."""
    fired: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.bool))
    """For each latent, whether it fired at least once in the last tenth of the steps, [d_sae]."""

    def __len__(self) -> int:
        return len(self.total)

    def tensors(self) -> dict[str, Tensor]:
        """The curves and `fired` under names, for a checkpoint."""
        curves = {name: torch.tensor(getattr(self, name), dtype=torch.float64) for name in CURVES}
        return {f"history.{name}": tensor for name, tensor in curves.items()} | {
            "history.fired": self.fired
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], scale: float) -> History:
        """The history that `tensors` came from."""
        curves = {name: tensors[f"history.{name}"].tolist() for name in CURVES}
        return cls(**curves, scale=scale, fired=tensors["history.fired"])
