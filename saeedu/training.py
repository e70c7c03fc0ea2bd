"""Training an SAE on activations that are held in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from saeedu.activations import normalising_constant, shuffled_batches
from saeedu.metrics import explained_variance
from saeedu.progress_bars import progress_bar
from saeedu.sae.base import SAE, LossTerms


class TrainingDivergedError(RuntimeError):
    """The loss stopped being a number."""


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to train.

    **Raises:** `ValueError`, naming the setting, for one that cannot be meant.
    """

    n_steps: int = 1_000
    batch_size: int = 1_024
    """Activations a step."""
    lr: float = 1e-3
    """Adam's step size, before decay."""
    l1_warmup_steps: int = 100
    """Steps over which the sparsity penalty grows from nothing: applied at full strength from the
    start it kills latents that have found nothing to say yet."""
    lr_decay_steps: int = 200
    """Last steps, over which the step size shrinks to zero."""
    seed: int = 0
    """Fixes the order of the data."""

    def __post_init__(self) -> None:
        for name in ("n_steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"TrainConfig: {name} is {getattr(self, name)}, must be 1 or more")
        for name in ("l1_warmup_steps", "lr_decay_steps"):
            if not 0 <= getattr(self, name) <= self.n_steps:
                raise ValueError(
                    f"TrainConfig: {name} is {getattr(self, name)}, must be from 0 to n_steps, "
                    f"{self.n_steps}"
                )
        if not (self.lr > 0 and math.isfinite(self.lr)):
            raise ValueError(f"TrainConfig: lr is {self.lr}, must be positive and finite")

    def l1_scale(self, step: int) -> float:
        """The warm-up's factor on the sparsity penalty at a step, counted from 0."""
        return min(1.0, (step + 1) / self.l1_warmup_steps) if self.l1_warmup_steps else 1.0

    def lr_at(self, step: int) -> float:
        """The step size at a step, counted from 0."""
        left = self.n_steps - step
        return self.lr * min(1.0, left / self.lr_decay_steps if self.lr_decay_steps else 1.0)


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


def train(sae: SAE, x: Tensor, config: TrainConfig) -> History:
    """Train an SAE in place with Adam.

    The activations are multiplied by one constant, so that their mean length is sqrt(d_in), and
    `b_dec` starts at their mean. At the end the constant goes back into the biases and the
    decoder's norms into the encoder: the SAE takes and gives activations as they came from the
    model, and its decoder rows have unit norm. The same SAE, data and config give the same
    weights on the same machine.

    **Arguments:** `sae`, fresh, on the device to train on; `x` [n, d_in], finite; `config`.
    **Returns:** the `History`, one entry a step.
    **Raises:** `TrainingDivergedError` when the loss is not a number; `ValueError` when there are
    fewer activations than a batch holds.
    **Source:** Adam by Kingma and Ba (2015); the normalisation, the initial values and the decay
    of the step size are those of Anthropic's April 2024 update.
    """
    scale = normalising_constant(x)
    history = History(scale=scale, fired=torch.zeros(sae.d_sae, dtype=torch.bool))
    batches = shuffled_batches(x, config.batch_size, torch.Generator().manual_seed(config.seed))
    optimizer = torch.optim.Adam(sae.parameters(), lr=config.lr, fused=True)
    sae.start_from_mean(x)
    sae.rescale(scale)
    try:
        with progress_bar(config.n_steps, "step", "training") as bar:
            for step in range(config.n_steps):
                batch = next(batches).to(sae.b_dec.device) * scale
                terms = sae.loss(batch, config.l1_scale(step))
                _record(history, batch, terms, step)
                for group in optimizer.param_groups:
                    group["lr"] = config.lr_at(step)
                optimizer.zero_grad()
                terms.total.backward()
                sae.adjust_gradients()
                optimizer.step()
                sae.after_step(terms)
                if step >= config.n_steps * 9 // 10:
                    history.fired |= (terms.active > 0).cpu()
                if step % 10 == 0 or step == config.n_steps - 1:
                    bar.set_postfix_str(
                        f"loss {history.total[-1]:.1f}, L0 {history.l0[-1]:.1f}, "
                        f"EV {history.explained_variance[-1]:.3f}",
                        refresh=False,
                    )
                bar.update()
    finally:
        sae.rescale(1 / scale)
    sae.fold_decoder_norms()
    return history


def _record(history: History, batch: Tensor, terms: LossTerms, step: int) -> None:
    total = terms.total.item()
    if not math.isfinite(total):
        raise TrainingDivergedError(
            f"the loss became {total} at step {step}. The step size is probably too large: divide "
            "lr by 3 and train a fresh SAE. If it happens at step 0, the activations themselves "
            "are not finite."
        )
    history.total.append(total)
    history.reconstruction.append(terms.reconstruction.item())
    history.sparsity.append(terms.sparsity.item())
    history.l0.append(terms.l0)
    with torch.no_grad():
        history.explained_variance.append(explained_variance(terms.x_hat, batch).item())
