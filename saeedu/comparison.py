"""Comparing SAEs honestly: at equal sparsity, over seeds, with the truth where it is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from saeedu.absorption import absorption_rate
from saeedu.data import Samples
from saeedu.hierarchical_data import HierarchicalFeatures
from saeedu.metrics import explained_variance
from saeedu.numpy_sae import mmcs
from saeedu.shapes import Array, shaped
from saeedu.side_by_side import Trained

RARELY = 1e-3
"""A latent that is on in a smaller share of the samples does as good as nothing."""


@shaped(l0="n", scores="n")
def score_at_l0(l0: Array, scores: Array, target: float) -> float:
    """What a method scores at a given sparsity, between the SAEs that were trained.

    **Arguments:** `l0` [n], of each SAE, in any order, no two equal; `scores` [n]; `target`, the
    L0 at which methods are compared.
    **Returns:** the score on the straight line between the two neighbours in L0; NaN where the
    target lies outside the measured L0: nothing is known there.
    **Raises:** `ShapeError` when the axes disagree.
    """
    order = np.argsort(l0)
    return float(np.interp(target, l0[order], scores[order], left=np.nan, right=np.nan))


class Score(NamedTuple):
    """One SAE, judged on fresh samples of a world whose features are known."""

    l0: float
    explained_variance: float
    mmcs: float
    """Mean over features of the best cosine with a decoder row."""
    absorption: float
    """Mean absorption rate of the features that have children."""
    absorption_of_others: float
    """The same for the features that have none: the control."""
    rarely_on: int
    """How many latents are on in fewer than one sample of a thousand."""


def judge(
    trained: Trained, worlds: Sequence[HierarchicalFeatures], samples: Sequence[Samples]
) -> list[Score]:
    """Judge each run of a training on samples of its own world that it has not seen.

    **Arguments:** `trained`; `worlds` and `samples` of them, one for each run; as many of each.
    SAEs that are to be compared get the same samples.
    **Returns:** a `Score` for each run.
    """
    x = torch.tensor(np.stack([sample.x for sample in samples]), dtype=torch.float32)
    latents, x_hat = trained.latents(x), trained.x_hat(x)
    scores = []
    for run, (world, sample) in enumerate(zip(worlds, samples, strict=True)):
        z, rows = latents[run].numpy(), trained.rows()[run].numpy()
        rates = absorption_rate(sample.coefficients, z, rows, world.directions)
        others = np.concatenate([world.children, world.alone])
        scores.append(
            Score(
                l0=float((z > 0).sum(axis=1).mean()),
                explained_variance=explained_variance(x_hat[run], x[run]).item(),
                mmcs=mmcs(world.directions, rows),
                absorption=float(rates[world.parents].mean()),
                absorption_of_others=float(rates[others].mean()),
                rarely_on=int(((z > 0).mean(axis=0) < RARELY).sum()),
            )
        )
    return scores
