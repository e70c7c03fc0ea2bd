"""The training loop: resumes by itself, and ends with the same weights however often it stopped."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, optim

from scripts.standin.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from scripts.standin.corpus import Place, RowStream, Tokens
from scripts.standin.network import Network
from scripts.standin.recipe import Recipe

CHECKPOINT = "checkpoint.safetensors"
BOS = 0


class Run:
    """A training run in a folder, at its beginning or where it was last saved.

    **Arguments:** `recipe`; `stories`, the token ids of each; `folder`, made when missing;
    `first`, the weights to begin with, by name, by default drawn.
    **Raises:** `CheckpointError` when the folder holds another run, or a damaged one.
    """

    def __init__(
        self,
        recipe: Recipe,
        stories: Sequence[Tokens],
        folder: Path,
        first: dict[str, Tensor] | None = None,
    ) -> None:
        self.recipe, self.folder = recipe, folder
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self.network = Network(recipe.shape, recipe.dropout)
        if first is not None:
            self.network.load_state_dict(first)
        self.optimizers = make_optimizers(self.network, recipe)
        self.losses: list[float] = []
        self.measured: dict[str, float] = {}
        place = self._resume()
        self.rows = RowStream(stories, recipe.shape.context, BOS, recipe.seed, place)

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return len(self.losses)

    def train(
        self,
        measure: Callable[[Network], float],
        measure_every: int = 500,
        save_seconds: float = 150.0,
        stop_at: int | None = None,
    ) -> None:
        """Take steps until the recipe's last one.

        **Arguments:** `measure`, from the network to its held-out loss, called every
        `measure_every` steps; `save_seconds` between checkpoints; `stop_at`, a step at which to
        leave off without saving, as if killed (for tests).
        """
        saved = time.monotonic()
        while self.step < self.recipe.steps and self.step != stop_at:
            began = time.monotonic()
            loss = self._take_step()
            took = time.monotonic() - began
            self.losses.append(loss)
            if self.step % 20 == 0:
                print(f"step {self.step} loss {loss:.4f} {took:.3f} s", flush=True)
            last = self.step == self.recipe.steps
            if self.step % measure_every == 0 or last:
                self.measured[str(self.step)] = measure(self.network.eval())
                self.network.train()
                print(f"step {self.step} held-out {self.measured[str(self.step)]:.4f}", flush=True)
            if last or time.monotonic() - saved > save_seconds:
                self.save()
                saved = time.monotonic()

    def _take_step(self) -> float:
        rate = self.recipe.learning_rate(self.step)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * rate
        # What dropout draws depends on the step alone: a resumed run draws the same.
        torch.manual_seed(1_000_003 * self.recipe.seed + self.step)
        inputs, targets = map(torch.from_numpy, self.rows.batch(self.recipe.rows))
        with torch.autocast("cpu", torch.bfloat16):
            loss = self.network.loss(inputs, targets)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return loss.item()

    def save(self) -> None:
        """Write the checkpoint."""
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        for parameter, name, state in self._optimizer_states():
            tensors |= {f"{name}.{key}": state[parameter][key] for key in state[parameter]}
        state = {
            "recipe": self.recipe.as_dict(),
            "losses": self.losses,
            "measured": self.measured,
            "place": dataclasses.asdict(self.rows.place),
        }
        save_checkpoint(self.folder / CHECKPOINT, tensors, state)

    def _resume(self) -> Place | None:
        path = self.folder / CHECKPOINT
        if (found := load_checkpoint(path)) is None:
            return None
        tensors, state = found
        earlier = Recipe.from_dict(state["recipe"])
        if not self.recipe.may_continue(earlier, len(state["losses"])):
            raise CheckpointError(
                f"{path} was made with other settings: {earlier}, not {self.recipe}. "
                "Use those, or another folder."
            )
        self.losses, self.measured = state["losses"], state["measured"]
        mine = {k.removeprefix("network."): v for k, v in tensors.items() if k[:8] == "network."}
        self.network.load_state_dict(mine)
        for parameter, name, optimizer_state in self._optimizer_states():
            keys = [key for key in tensors if key.rpartition(".")[0] == name]
            optimizer_state[parameter] = {key.rpartition(".")[2]: tensors[key] for key in keys}
        print(f"resumed {path} at step {self.step}", flush=True)
        return Place(**state["place"])

    def _optimizer_states(self) -> list[tuple[Tensor, str, dict[Any, Any]]]:
        names = {id(parameter): name for name, parameter in self.network.named_parameters()}
        return [
            (parameter, f"optimizer.{names[id(parameter)]}", optimizer.state)
            for optimizer in self.optimizers
            for group in optimizer.param_groups
            for parameter in group["params"]
        ]


def make_optimizers(network: Network, recipe: Recipe) -> tuple[optim.Optimizer, ...]:
    """Muon for the matrices of the blocks, Adam for all else.

    **Arguments:** `network`; `recipe`, for the learning rates.
    **Returns:** the two, whose groups remember their full learning rate as `full_lr`.
    **Source:** Jordan et al. (2024), "Muon"; Kingma and Ba (2015).
    """
    matrices = [p for p in network.blocks.parameters() if p.ndim == 2]
    hidden = {id(p) for p in matrices}
    others = [p for p in network.parameters() if id(p) not in hidden]
    optimizers = (
        optim.Muon(matrices, lr=recipe.muon_lr, weight_decay=recipe.weight_decay),
        optim.AdamW(others, lr=recipe.adam_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    )
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return optimizers
