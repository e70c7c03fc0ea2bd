"""The control of every picture: random directions that are active as often as the latents are."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


def matching_thresholds(projections: Tensor, densities: Tensor) -> Tensor:
    """Above which value each direction has to count as active, to be so as often as asked.

    **Arguments:** `projections` [n, m], how far n tokens lie along each of m directions, no two
    alike; `densities` [m], fractions from 0 to 1.
    **Returns:** [m]: column j has round(n x densities[j]) entries above threshold j, the nearest
    whole number. Any threshold between the right two entries will do.
    """
    counts = (densities * len(projections)).round().long()
    falling = projections.sort(dim=0, descending=True).values
    lowest = torch.full_like(falling[:1], -torch.inf)
    return torch.cat([falling, lowest]).gather(0, counts[None])[0]


@dataclass(frozen=True)
class RandomDirections:
    """Directions drawn at random, each with a threshold; they can be read as latents are.

    A direction's value is how far the activation lies along it, measured from the mean of all
    activations, less its threshold; below it, zero. That is a latent of a ReLU SAE with random
    weights.
    """

    W_dec: Tensor
    """[d_sae, d_in], of unit length."""
    mean: Tensor
    """[d_in]."""
    thresholds: Tensor
    """[d_sae]."""

    @property
    def d_sae(self) -> int:
        """How many there are."""
        return len(self.W_dec)

    def encode(self, x: Tensor) -> Tensor:
        """How strongly each is active, [batch, d_in] to [batch, d_sae]."""
        return torch.relu((x - self.mean) @ self.W_dec.T - self.thresholds)


def random_directions(x: Tensor, densities: Tensor, seed: int = 0) -> RandomDirections:
    """As many random directions as densities, each active on its fraction of the tokens.

    Directions are uniform on the sphere. They have the densities of the latents, since what is
    active rarely looks cleaner than what is active often. They differ in more than being drawn:
    they do not compete as the latents of a TopK do, and their thresholds come from `x`, so that on
    other text the densities are nearly, not exactly, the same.

    **Arguments:** `x` [n, d_in], activations of some thousand tokens; `densities` [m]; `seed`.
    **Returns:** `RandomDirections`, on the device of `x`.
    **Source:** Cunningham et al. (2023) compare SAE latents with random directions; the matched
    densities are ours.
    """
    rows = torch.randn(len(densities), x.shape[1], generator=torch.Generator().manual_seed(seed))
    rows = (rows / rows.norm(dim=1, keepdim=True)).to(x)
    mean = x.mean(dim=0)
    thresholds = matching_thresholds((x - mean) @ rows.T, densities.to(x))
    return RandomDirections(rows, mean, thresholds.clamp(min=-1e30))
