"""Training an SAE: Adam over batches of activations, with everything needed to stop and go on."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saeedu import distributed
from saeedu.activation_sources import ActivationSource, InMemorySource
from saeedu.activations import normalising_constant
from saeedu.checkpoints import (
    Checkpoint,
    CheckpointError,
    checkpoint_files,
    newest_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    write_checkpoint,
)
from saeedu.history import History
from saeedu.metrics import explained_variance
from saeedu.progress_bars import progress_bar
from saeedu.revival import revive
from saeedu.sae.base import SAE, LossTerms
from saeedu.train_config import TrainConfig
from saeedu.training_log import MetricsLog

__all__ = ["History", "TrainConfig", "TrainingDivergedError", "train"]

SAMPLE_FOR_UNITS = 65_536  # activations from which the mean and the mean length are estimated
COLLAPSED_AFTER = 50  # steps in a row in which no latent is active: they do not come back
CHECKPOINTS = "checkpoints"


class TrainingDivergedError(RuntimeError):
    """The loss stopped being a number, or every latent fell silent."""


def train(
    sae: SAE,
    data: Tensor | ActivationSource,
    config: TrainConfig,
    folder: str | Path | None = None,
    checkpoint_every: int = 0,
    resume: bool = False,
) -> History:
    """Train an SAE in place with Adam.

    The activations are multiplied by one constant, so that their mean length is sqrt(d_in), and
    `b_dec` starts at their mean. At the end the constant goes back into the biases and the
    decoder's norms into the encoder: the SAE takes and gives activations as they came from the
    model, and its decoder rows have unit norm. The same SAE, data and config give the same
    weights on the same machine, whether the run was interrupted and resumed or not.

    **Arguments:** `sae`, fresh, on the device to train on; `data`, activations [n, d_in] held in
    memory or a source of them, finite; `config`; `folder`, for metrics.jsonl, metrics.csv and
    checkpoints, by default none of these are written; `checkpoint_every`, in steps, 0 for only one
    at the end; `resume`, to go on from the newest checkpoint in the folder when there is one.
    **Returns:** the `History`, one entry a step, those before the interruption included.
    **Raises:** `TrainingDivergedError` when the loss is not a number or every latent fell silent;
    `CheckpointError` when the folder holds another run, or one that `resume` was not asked for;
    `ValueError` when there are fewer activations than a batch holds.
    **Source:** Adam by Kingma and Ba (2015); the normalisation, the initial values and the decay
    of the step size are those of Anthropic's April 2024 update.
    """
    source = InMemorySource(data, config.seed) if isinstance(data, Tensor) else data
    run = _Run(sae, source, config, None if folder is None else Path(folder))
    run.begin(resume)
    try:
        run.to_the_end(checkpoint_every)
    finally:
        sae.rescale(1 / run.history.scale)
        run.close()
    sae.fold_decoder_norms()
    return run.history


class _Run:
    """One training run: what it has, what it knows, and the files that it writes."""

    def __init__(
        self, sae: SAE, source: ActivationSource, config: TrainConfig, folder: Path | None
    ) -> None:
        self.sae, self.source, self.config, self.folder = sae, source, config, folder
        self.optimizer = torch.optim.Adam(sae.parameters(), lr=config.lr, fused=True)
        self.names = [name for name, _ in sae.named_parameters()]
        self.history = History(fired=torch.zeros(sae.d_sae, dtype=torch.bool))
        self.silent_for = torch.zeros(sae.d_sae, dtype=torch.int64)
        self.generator = torch.Generator().manual_seed(config.seed + 1)
        self.log: MetricsLog | None = None
        self.step = 0
        self.silent_steps = 0

    # Beginning: fresh or from a checkpoint.

    def begin(self, resume: bool) -> None:
        found = None
        if self.folder is not None:
            if checkpoint_files(self.folder / CHECKPOINTS) and not resume:
                raise CheckpointError(
                    f"{self.folder} holds a run already. Pass resume=True (--resume) to go on "
                    "with it, or choose another folder; nothing was overwritten."
                )
            found = newest_checkpoint(self.folder / CHECKPOINTS)
        if found is None:
            sample = self.source.sample(SAMPLE_FOR_UNITS)
            self.history.scale = normalising_constant(sample)
            self.sae.start_from_mean(sample)
            self.sae.rescale(self.history.scale)
        else:
            self._restore(found)
        if self.folder is not None and distributed.rank() == 0:
            self.log = MetricsLog(self.folder, self.step)

    def _facts(self) -> dict[str, Any]:
        """What has to agree between a checkpoint and the run that goes on from it."""
        sae = self.sae
        sizes = {"class": type(sae).__name__, "d_in": sae.d_in, "d_sae": sae.d_sae}
        return {
            "sae": sizes | sae.settings(),
            "config": asdict(self.config),
            "source": self.source.identity(),
        }

    def _restore(self, found: Checkpoint) -> None:
        for part, now in self._facts().items():
            then = found.facts[part]
            for name in {**now, **then}:
                if then.get(name) != now.get(name):
                    raise CheckpointError(
                        f"{self.folder} holds a run with {part} {name} = {then.get(name)!r}, but "
                        f"this one has {now.get(name)!r}. Use the same settings to go on with it, "
                        "or choose another folder."
                    )
        self.sae.load_state_dict(
            {name: found.tensors[f"sae.{name}"] for name in self.sae.state_dict()}
        )
        restore_optimizer(self.optimizer, self.names, found.tensors)
        self.history = History.from_tensors(found.tensors, found.facts["scale"])
        self.silent_for = found.tensors["silent_for"]
        self.generator.set_state(found.tensors["generator"])
        prefix = "source."
        tensors = {n: t for n, t in found.tensors.items() if n.startswith(prefix)}
        plain = found.facts["source_state"]
        self.source.restore(plain | {n.removeprefix(prefix): t for n, t in tensors.items()})
        self.step, self.silent_steps = found.step, found.facts["silent_steps"]

    def write_checkpoint(self) -> None:
        if self.folder is None or distributed.rank() != 0:
            return
        state = self.source.state()
        tensors = {f"sae.{name}": tensor for name, tensor in self.sae.state_dict().items()}
        tensors |= optimizer_tensors(self.optimizer, self.names)
        tensors |= self.history.tensors()
        tensors |= {"silent_for": self.silent_for, "generator": self.generator.get_state()}
        tensors |= {f"source.{n}": value for n, value in state.items() if isinstance(value, Tensor)}
        facts = self._facts() | {
            "scale": self.history.scale,
            "silent_steps": self.silent_steps,
            "source_state": {n: v for n, v in state.items() if not isinstance(v, Tensor)},
        }
        write_checkpoint(self.folder / CHECKPOINTS, Checkpoint(self.step, tensors, facts))

    def close(self) -> None:
        if self.log is not None:
            self.log.close()

    # The loop.

    def to_the_end(self, checkpoint_every: int) -> None:
        n_steps = self.config.n_steps
        if self.step == n_steps:
            return
        hidden = distributed.rank() != 0
        with progress_bar(n_steps, "step", "training", initial=self.step, disable=hidden) as bar:
            while self.step < n_steps:
                began = time.perf_counter()
                terms = self.take_step()
                if self.step % 10 == 1 or self.step == n_steps:
                    rate = self.config.batch_size / (time.perf_counter() - began)
                    bar.set_postfix_str(
                        f"loss {self.history.total[-1]:.1f}, L0 {self.history.l0[-1]:.1f}, "
                        f"EV {self.history.explained_variance[-1]:.3f}, {rate:,.0f} tok/s",
                        refresh=False,
                    )
                bar.update()
                self._log(terms)
                if checkpoint_every and self.step % checkpoint_every == 0 and self.step < n_steps:
                    self.write_checkpoint()
        self.write_checkpoint()

    def take_step(self) -> LossTerms:
        config, sae, step = self.config, self.sae, self.step
        everyones = self.source.next_batch(config.batch_size).to(sae.b_dec.device)
        everyones = everyones * self.history.scale
        batch = distributed.my_share(everyones)
        terms = sae.loss(batch, config.l1_scale(step))
        terms = terms._replace(active=distributed.summed(terms.active))
        self._record(batch, terms)
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr_at(step)
        self.optimizer.zero_grad()
        terms.total.backward()
        distributed.average_gradients(sae)
        sae.adjust_gradients()
        if config.max_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(sae.parameters(), config.max_grad_norm)
        self.optimizer.step()
        sae.after_step(terms, config.batch_size)
        fired = (terms.active > 0).cpu()
        self.silent_for.add_(config.batch_size).masked_fill_(fired, 0)
        if step >= config.n_steps * 9 // 10:
            self.history.fired |= fired
        self.step += 1
        if config.revive_every and self.step % config.revive_every == 0:
            self._revive(everyones)
        return terms

    def _revive(self, x: Tensor) -> None:
        dead = self.silent_for >= self.config.dead_after
        if dead.any() and not dead.all():
            revive(self.sae, self.optimizer, dead.to(x.device), x, self.generator)
            self.silent_for[dead] = 0

    def _record(self, batch: Tensor, terms: LossTerms) -> None:
        """Note what the step measured, and stop a run that has nothing left to learn from."""
        with torch.no_grad():
            ev = explained_variance(terms.x_hat, batch)
            measured = torch.stack([terms.total, terms.reconstruction, terms.sparsity, ev]).detach()
            total, reconstruction, sparsity, ev = distributed.averaged(measured).tolist()
        if not math.isfinite(total):
            raise TrainingDivergedError(
                f"the loss became {total} at step {self.step}. The step size is probably too "
                "large: divide lr by 3 and train a fresh SAE. If it happens at step 0, the "
                "activations themselves are not finite."
            )
        l0 = terms.active.sum().item() / self.config.batch_size
        self.silent_steps = 0 if l0 > 0 else self.silent_steps + 1
        if self.silent_steps >= COLLAPSED_AFTER:
            raise TrainingDivergedError(
                f"no latent has been active for {COLLAPSED_AFTER} steps, up to step {self.step}: "
                "the SAE has collapsed and will not recover. Lower the sparsity coefficient, warm "
                "it up over more steps, or lower lr, and train a fresh SAE."
            )
        for name, value in {
            "total": total,
            "reconstruction": reconstruction,
            "sparsity": sparsity,
            "l0": l0,
            "explained_variance": ev,
        }.items():
            getattr(self.history, name).append(value)

    def _log(self, terms: LossTerms) -> None:
        if self.log is None:
            return
        history = self.history
        self.log.add(
            {
                "step": self.step - 1,
                "activations": self.step * self.config.batch_size,
                "total": history.total[-1],
                "reconstruction": history.reconstruction[-1],
                "sparsity": history.sparsity[-1],
                "auxiliary": sum(term.item() for term in terms.auxiliary.values()),
                "l0": history.l0[-1],
                "explained_variance": history.explained_variance[-1],
                "dead": (self.silent_for >= self.config.dead_after).float().mean().item(),
                "lr": self.config.lr_at(self.step - 1),
            }
        )
