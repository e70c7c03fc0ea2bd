"""Training an SAE: Adam over batches of activations, with everything needed to stop and go on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from saeedu import distributed
from saeedu.activation_sources import ActivationSource, InMemorySource
from saeedu.activations import normalising_constant
from saeedu.checkpoints import (
    CheckpointError,
    checkpoint_files,
    newest_checkpoint,
    write_checkpoint,
)
from saeedu.history import History
from saeedu.progress_bars import progress_bar
from saeedu.revival import revive
from saeedu.run_state import RunState
from saeedu.sae.base import SAE, LossTerms
from saeedu.sae.measures import explained_variance
from saeedu.train_config import TrainConfig
from saeedu.training_log import MetricsLog

__all__ = ["History", "TrainConfig", "TrainingDivergedError", "train"]

SAMPLE_FOR_UNITS = 65_536  # activations from which the mean and the mean length are estimated
COLLAPSED_AFTER = 50  # steps in a row in which no latent is active: they do not come back
CHECKPOINTS = "checkpoints"

Report = Callable[[dict[str, Any]], None]


class TrainingDivergedError(RuntimeError):
    """The loss stopped being a number, or every latent fell silent."""


def train(
    sae: SAE,
    data: Tensor | ActivationSource,
    config: TrainConfig,
    folder: str | Path | None = None,
    checkpoint_every: int = 0,
    resume: bool = False,
    report: Report | None = None,
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
    at the end; `resume`, to go on from the newest checkpoint in the folder when there is one;
    `report`, called with each step's numbers, the same as in metrics.jsonl.
    **Returns:** the `History`, one entry a step, those before the interruption included.
    **Raises:** `TrainingDivergedError` when the loss is not a number or every latent fell silent;
    `CheckpointError` when the folder holds another run, or one that `resume` was not asked for;
    `ValueError` when there are fewer activations than a batch holds.
    **Source:** Adam by Kingma and Ba (2015); the normalisation, the initial values and the decay
    of the step size are those of Anthropic's April 2024 update.
    """
    source = InMemorySource(data, config.seed) if isinstance(data, Tensor) else data
    state = RunState(sae, source, config)
    place = None if folder is None else Path(folder)
    _begin(state, place, resume)
    try:
        _to_the_end(state, place, checkpoint_every, report)
    finally:
        sae.rescale(1 / state.history.scale)
    sae.fold_decoder_norms()
    return state.history


def _begin(state: RunState, folder: Path | None, resume: bool) -> None:
    """Fresh, in units of the data, or where the folder's newest checkpoint stands."""
    found = None
    if folder is not None:
        if checkpoint_files(folder / CHECKPOINTS) and not resume:
            raise CheckpointError(
                f"{folder} holds a run already. Pass resume=True (--resume) to go on with it, or "
                "choose another folder; nothing was overwritten."
            )
        found = newest_checkpoint(folder / CHECKPOINTS)
    if found is not None and folder is not None:
        state.restore(found, folder)
        return
    sample = state.source.sample(SAMPLE_FOR_UNITS)
    state.history.scale = normalising_constant(sample)
    state.sae.start_from_mean(sample)
    state.sae.rescale(state.history.scale)


def _to_the_end(
    state: RunState, folder: Path | None, checkpoint_every: int, report: Report | None
) -> None:
    n_steps = state.config.n_steps
    if state.step == n_steps:
        return
    first = distributed.rank() == 0
    log = MetricsLog(folder, state.step) if folder is not None and first else None
    with progress_bar(n_steps, "step", "training", state.step, disable=not first) as bar:
        try:
            while state.step < n_steps:
                began = time.perf_counter()
                row = _take_step(state)
                rate = state.config.batch_size / (time.perf_counter() - began)
                bar.update()
                if state.step % 10 == 1 or state.step == n_steps:
                    bar.set_postfix_str(
                        f"loss {row['total']:.1f}, L0 {row['l0']:.1f}, "
                        f"EV {row['explained_variance']:.3f}, {rate:,.0f} tok/s",
                        refresh=False,
                    )
                if log is not None:
                    log.add(row)
                if report is not None and first:
                    report(row)
                due = checkpoint_every and state.step % checkpoint_every == 0
                if folder is not None and first and (due or state.step == n_steps):
                    write_checkpoint(folder / CHECKPOINTS, state.checkpoint())
        finally:
            if log is not None:
                log.close()


def _take_step(state: RunState) -> dict[str, Any]:
    """One batch, one step of Adam. **Returns:** what it measured before the step was taken."""
    config, sae, optimizer = state.config, state.sae, state.optimizer
    everyones = state.source.next_batch(config.batch_size).to(sae.b_dec.device)
    everyones = everyones * state.history.scale
    batch = distributed.my_share(everyones)
    terms = sae.loss(batch, config.l1_scale(state.step))
    terms = terms._replace(active=distributed.summed(terms.active))
    row = _measured(state, batch, terms)
    for group in optimizer.param_groups:
        group["lr"] = row["lr"]
    optimizer.zero_grad()
    terms.total.backward()
    distributed.average_gradients(sae)
    sae.adjust_gradients()
    if config.max_grad_norm is not None:
        torch.nn.utils.clip_grad_norm_(sae.parameters(), config.max_grad_norm)
    optimizer.step()
    sae.after_step(terms, config.batch_size)
    fired = (terms.active > 0).cpu()
    state.silent_for.add_(config.batch_size).masked_fill_(fired, 0)
    if state.step >= config.n_steps * 9 // 10:
        state.history.fired |= fired
    state.step += 1
    dead = state.silent_for >= config.dead_after
    row["dead"] = dead.float().mean().item()
    if config.revive_every and state.step % config.revive_every == 0 and 0 < row["dead"] < 1:
        revive(sae, optimizer, dead.to(everyones.device), everyones, state.generator)
        state.silent_for[dead] = 0
    return row


def _measured(state: RunState, batch: Tensor, terms: LossTerms) -> dict[str, Any]:
    """Note what a step measures, and stop a run that has nothing left to learn from."""
    step, config = state.step, state.config
    with torch.no_grad():
        parts = [terms.total, terms.reconstruction, terms.sparsity]
        parts.append(explained_variance(terms.x_hat, batch))
        auxiliary = sum(terms.auxiliary.values(), torch.zeros_like(terms.total))
        means = distributed.averaged(torch.stack([*parts, auxiliary]).detach()).tolist()
    total, reconstruction, sparsity, ev, auxiliary_mean = means
    if not math.isfinite(total):
        raise TrainingDivergedError(
            f"the loss became {total} at step {step}. The step size is probably too large: divide "
            "lr by 3 and train a fresh SAE. If it happens at step 0, the activations themselves "
            "are not finite."
        )
    l0 = terms.active.sum().item() / config.batch_size
    state.silent_steps = 0 if l0 > 0 else state.silent_steps + 1
    if state.silent_steps >= COLLAPSED_AFTER:
        raise TrainingDivergedError(
            f"no latent has been active for {COLLAPSED_AFTER} steps, up to step {step}: the SAE "
            "has collapsed and will not recover. Lower the sparsity coefficient, warm it up over "
            "more steps, or lower lr, and train a fresh SAE."
        )
    curves = {
        "total": total,
        "reconstruction": reconstruction,
        "sparsity": sparsity,
        "l0": l0,
        "explained_variance": ev,
    }
    for name, value in curves.items():
        getattr(state.history, name).append(value)
    activations = (step + 1) * config.batch_size
    return {
        "step": step,
        "activations": activations,
        **curves,
        "auxiliary": auxiliary_mean,
        "lr": config.lr_at(step),
    }
