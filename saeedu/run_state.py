"""The state of a training run: what changes from step to step, and how it is saved and taken up."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saeedu.activation_sources import ActivationSource
from saeedu.checkpoints import (
    Checkpoint,
    CheckpointError,
    optimizer_tensors,
    restore_optimizer,
)
from saeedu.history import History
from saeedu.sae.base import SAE
from saeedu.train_config import TrainConfig


class RunState:
    """Everything that a run's next step depends on.

    **Arguments:** `sae`; `source`, of its activations; `config`.
    """

    def __init__(self, sae: SAE, source: ActivationSource, config: TrainConfig) -> None:
        self.sae, self.source, self.config = sae, source, config
        self.optimizer = torch.optim.Adam(sae.parameters(), lr=config.lr, fused=True)
        self.history = History(fired=torch.zeros(sae.d_sae, dtype=torch.bool))
        self.silent_for = torch.zeros(sae.d_sae, dtype=torch.int64)
        """For each latent, the activations since it was last active."""
        self.generator = torch.Generator().manual_seed(config.seed + 1)
        """Draws what dead latents are given."""
        self.step = 0
        """Steps taken."""
        self.silent_steps = 0
        """Steps in a row in which no latent was active."""

    @property
    def names(self) -> list[str]:
        """The parameters' names, in the optimiser's order."""
        return [name for name, _ in self.sae.named_parameters()]

    def facts(self) -> dict[str, Any]:
        """What has to agree between a checkpoint and the run that goes on from it."""
        sizes = {"class": type(self.sae).__name__, "d_in": self.sae.d_in, "d_sae": self.sae.d_sae}
        return {
            "sae": sizes | self.sae.settings(),
            "config": asdict(self.config),
            "source": self.source.identity(),
        }

    def checkpoint(self) -> Checkpoint:
        """The state as tensors and plain values."""
        source = self.source.state()
        tensors = {f"sae.{name}": tensor for name, tensor in self.sae.state_dict().items()}
        tensors |= optimizer_tensors(self.optimizer, self.names)
        tensors |= self.history.tensors()
        tensors |= {"silent_for": self.silent_for, "generator": self.generator.get_state()}
        tensors |= {f"source.{n}": v for n, v in source.items() if isinstance(v, Tensor)}
        facts = self.facts() | {
            "scale": self.history.scale,
            "silent_steps": self.silent_steps,
            "source_state": {n: v for n, v in source.items() if not isinstance(v, Tensor)},
        }
        return Checkpoint(self.step, tensors, facts)

    def restore(self, found: Checkpoint, where: Path) -> None:
        """Go on from a checkpoint of the same run.

        **Arguments:** `found`; `where` it was found, for the message.
        **Raises:** `CheckpointError`, naming the setting, when it is another run's.
        """
        for part, now in self.facts().items():
            then = found.facts[part]
            for name in {**now, **then}:
                if then.get(name) != now.get(name):
                    raise CheckpointError(
                        f"{where} holds a run with {part} {name} = {then.get(name)!r}, but this "
                        f"one has {now.get(name)!r}. Use the same settings to go on with it, or "
                        "choose another folder."
                    )
        tensors = found.tensors
        self.sae.load_state_dict({name: tensors[f"sae.{name}"] for name in self.sae.state_dict()})
        restore_optimizer(self.optimizer, self.names, tensors)
        self.history = History.from_tensors(tensors, found.facts["scale"])
        self.silent_for = tensors["silent_for"]
        self.generator.set_state(tensors["generator"])
        prefix = "source."
        source = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        self.source.restore(found.facts["source_state"] | source)
        self.step, self.silent_steps = found.step, found.facts["silent_steps"]
