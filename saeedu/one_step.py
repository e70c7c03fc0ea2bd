"""One step of an SAE's training, with nothing around it: the heart of `saeedu.training.train`."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.sae.base import SAE, LossTerms
from saeedu.train_config import TrainConfig


def take_step(
    sae: SAE,
    optimizer: torch.optim.Optimizer,
    batch: Tensor,
    scale: float,
    config: TrainConfig,
    step: int,
) -> LossTerms:
    """Train an SAE on one batch, in place.

    `train` does the same at every step, and besides it writes, resumes and watches for trouble.

    **Arguments:** `sae`, whose weights are in normalised units; `optimizer`, of its weights;
    `batch` [batch, d_in], as the language model made it; `scale`, which brings it into normalised
    units; `config`, for `lr_at`, `l1_scale` and `max_grad_norm`; `step`, counted from 0.
    **Returns:** the loss and its parts, as they were before the step.
    **Source:** chapter 05's loop; clipping by Pascanu, Mikolov and Bengio (2013).
    """
    terms = sae.loss(batch * scale, config.l1_scale(step))
    optimizer.zero_grad()
    terms.total.backward()
    sae.adjust_gradients()
    if config.max_grad_norm is not None:
        torch.nn.utils.clip_grad_norm_(sae.parameters(), config.max_grad_norm)
    for group in optimizer.param_groups:
        group["lr"] = config.lr_at(step)
    optimizer.step()
    sae.after_step(terms)
    return terms
