"""Chapter 09's gallery: training runs of which each has one thing wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from saeedu.activations import normalising_constant, shuffled_batches
from saeedu.one_step import take_step
from saeedu.sae import SAE, ReLUSAE, TopKSAE
from saeedu.sae.measures import explained_variance
from saeedu.shapes import shaped
from saeedu.train_config import TrainConfig

BATCH = 256
MEASURED_EVERY = 12  # steps between looks at held-out activations
KINDS = 24  # of activations, when they come sorted
REMEMBERED = 40  # steps for which a latent has to be silent to count as such here


@dataclass(frozen=True)
class Treatment:
    """What is done in a run; the defaults are those of a healthy one."""

    k: int | None = 16
    """Latents a token, for TopK; None for L1."""
    l1_coefficient: float = 1.0
    lr: float = 3e-3
    warmup_share: float = 0.3
    """The share of the steps over which L1's price grows from nothing."""
    normalised: bool = True
    """Whether activations are brought to a mean length of sqrt(d_in)."""
    start_at_mean: bool = True
    """Whether `b_dec` begins at the mean of the activations, or at zero."""
    shuffled: bool = True
    """Whether batches are drawn at random, or hold like with like."""
    n_activations: int | None = None
    """How many activations there are to learn from; None for all."""


HEALTHY = {"TopK": Treatment(), "L1": Treatment(k=None)}

CAUSES = {
    "step size too large": replace(HEALTHY["TopK"], lr=0.1),
    "step size too small": replace(HEALTHY["TopK"], lr=3e-5),
    "k too small": replace(HEALTHY["TopK"], k=2),
    "b_dec started at zero": replace(HEALTHY["TopK"], start_at_mean=False),
    "data not shuffled": replace(HEALTHY["TopK"], shuffled=False),
    "too few activations": replace(HEALTHY["TopK"], n_activations=1_024),
    "penalty too high at once": replace(
        HEALTHY["L1"], l1_coefficient=5.0, lr=1e-2, warmup_share=0.0
    ),
    "activations not normalised": replace(HEALTHY["L1"], normalised=False),
}
"""What can be wrong, in no order that helps."""


LETTERS = "ABCDEFGH"


def diagnose(run: str) -> str:
    """What is wrong with a run of the gallery.

    **Arguments:** `run`, a letter from "A" to "H".
    **Returns:** one of the names in `CAUSES`, word for word.
    """
    diagnoses = {
        "A": "step size too small",
        "B": "too few activations",
        "C": "activations not normalised",
        "D": "k too small",
        "E": "data not shuffled",
        "F": "step size too large",
        "G": "penalty too high at once",
        "H": "b_dec started at zero",
    }
    return diagnoses[run]


@dataclass
class Curves:
    """What a run of the gallery measured."""

    kind: str
    """ "TopK" or "L1"."""
    reconstruction: list[float]
    """Squared error of each step's batch, in the units that the SAE was trained in."""
    l0: list[float]
    explained_variance: list[float]
    """Of each step's batch."""
    held_out_steps: list[int]
    held_out: list[float]
    """Explained variance of held-out activations at `held_out_steps`, before the step is taken."""
    silent: list[float]
    """The fraction of latents that were silent for the last steps."""


def gallery(x: Tensor, held_out: Tensor) -> dict[str, Curves]:
    """The healthy run of each kind, under the kind's name, and the sick ones under their letters.

    **Arguments:** `x` [n, d_in], activations in reading order, in the units of their model;
    `held_out` [n_held_out, d_in].
    **Returns:** `Curves` by name.
    **Raises:** as `run`.
    """
    treatments = HEALTHY | {letter: CAUSES[diagnose(letter)] for letter in LETTERS}
    return {name: run(treatment, x, held_out) for name, treatment in treatments.items()}


@shaped(x="n d_in", held_out="n_held_out d_in")
def run(
    treatment: Treatment,
    x: Tensor,
    held_out: Tensor,
    d_sae: int = 512,
    n_steps: int = 240,
    seed: int = 0,
) -> Curves:
    """Train a small SAE under a treatment, and measure it as it learns.

    **Arguments:** `treatment`; `x` [n, d_in], activations in reading order; `held_out`
    [n_held_out, d_in]; `d_sae`; `n_steps`; `seed`, of weights and order.
    **Returns:** `Curves`; a run that diverged ends early.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` for fewer activations than a
    batch holds.
    """
    x = x[: treatment.n_activations]
    if not treatment.shuffled:
        x = _like_with_like(x)
    scale = normalising_constant(x) if treatment.normalised else 1.0
    sae = _fresh(treatment, x.shape[1], d_sae, seed)
    if treatment.start_at_mean:
        sae.start_from_mean(x * scale)
    config = TrainConfig(
        n_steps,
        min(BATCH, len(x)),
        treatment.lr,
        l1_warmup_steps=int(treatment.warmup_share * n_steps),
        lr_decay_steps=n_steps // 4,
    )
    generator = torch.Generator().manual_seed(seed)
    batches = shuffled_batches(x, config.batch_size, generator)
    starts = torch.linspace(0, len(x) - config.batch_size, n_steps).long()
    in_order = [x[start : start + config.batch_size] for start in starts]
    curves = Curves("L1" if treatment.k is None else "TopK", [], [], [], [], [], [])
    optimizer = torch.optim.Adam(sae.parameters(), lr=config.lr)
    silent_for = torch.zeros(d_sae, dtype=torch.long)
    for step in range(n_steps):
        batch = next(batches) if treatment.shuffled else in_order[step]
        # Before the step, as all that the step itself measures: at step 0 nothing was learnt yet.
        measured = step % MEASURED_EVERY == 0 or step == n_steps - 1
        held_out_now = _explained(sae, held_out * scale) if measured else None
        terms = take_step(sae, optimizer, batch, scale, config, step)
        if not torch.isfinite(terms.total):
            break
        silent_for = torch.where(terms.active > 0, 0, silent_for + 1)
        curves.reconstruction.append(terms.reconstruction.item())
        curves.l0.append(terms.l0)
        curves.explained_variance.append(
            explained_variance(terms.x_hat.detach(), batch * scale).item()
        )
        curves.silent.append((silent_for >= REMEMBERED).float().mean().item())
        if held_out_now is not None:
            curves.held_out_steps.append(step)
            curves.held_out.append(held_out_now)
    return curves


@torch.no_grad()
def _explained(sae: SAE, x: Tensor) -> float:
    return explained_variance(sae(x), x).item()


def _fresh(treatment: Treatment, d_in: int, d_sae: int, seed: int) -> SAE:
    if treatment.k is None:
        return ReLUSAE(d_in, d_sae, treatment.l1_coefficient, seed)
    return TopKSAE(d_in, d_sae, treatment.k, seed=seed)


def _like_with_like(x: Tensor) -> Tensor:
    """The activations sorted by which of a few of them they point along most."""
    centred = x - x.mean(dim=0)
    examples = centred[torch.linspace(0, len(x) - 1, KINDS).long()]
    examples = examples / examples.norm(dim=1, keepdim=True)
    return x[(centred @ examples.T).argmax(dim=1).argsort(stable=True)]
