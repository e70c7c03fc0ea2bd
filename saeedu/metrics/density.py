"""How often each latent is active: dead ones, dense ones, and all between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from saeedu.shapes import shaped

DENSE = 0.1
"""A latent that is active on more than this fraction of tokens is dense: such latents are hard to
read, and an SAE with many of them is suspect."""


@shaped(density="d_sae")
def dead_fraction(density: Tensor) -> float:
    """The fraction of latents that were active on no token.

    It depends on how many tokens were looked at: a rare latent looks dead in a small sample.

    **Arguments:** `density` [d_sae], for each latent the fraction of tokens on which it is active.
    **Returns:** a number between 0 and 1.
    **Raises:** `ShapeError` when `density` is not one-dimensional.
    """
    return (density == 0).double().mean().item()


@shaped(density="d_sae")
def dense_fraction(density: Tensor) -> float:
    """The fraction of latents that were active on more than a tenth of the tokens (`DENSE`).

    **Arguments:** `density` [d_sae], as for `dead_fraction`.
    **Returns:** a number between 0 and 1.
    **Raises:** `ShapeError` when `density` is not one-dimensional.
    **Source:** the threshold of Sun et al. (2025), "Dense SAE Latents Are Features, Not Bugs".
    """
    return (density > DENSE).double().mean().item()


@dataclass(frozen=True)
class DensityHistogram:
    """How many latents have which activation density, on a logarithmic scale."""

    edges: NDArray[np.float64]
    """The bins' edges in log10 of the fraction of tokens, ascending to 0: [n_bins + 1]."""
    counts: NDArray[np.int_]
    """Latents in each bin, the bin's lower edge included: [n_bins]."""
    dead: int
    """Latents that were active on no token, and so have no logarithm."""


@shaped(density="d_sae")
def density_histogram(
    density: Tensor, decades: int = 7, bins_per_decade: int = 4
) -> DensityHistogram:
    """Count latents by the logarithm of their density.

    The edges do not depend on the data, so that the histograms of two SAEs can be compared.

    **Arguments:** `density` [d_sae], as for `dead_fraction`; `decades`, how far below 1 the bins
    go: whatever is rarer is counted in the first bin; `bins_per_decade`.
    **Returns:** a `DensityHistogram`; its counts and its dead latents add up to d_sae.
    **Raises:** `ShapeError` when `density` is not one-dimensional.
    **Source:** the feature density histograms of Bricken et al. (2023).
    """
    values = density.detach().cpu().double().numpy()
    edges = np.linspace(-decades, 0, decades * bins_per_decade + 1)
    alive = np.maximum(np.log10(values[values > 0]), -decades)
    counts, _ = np.histogram(alive, edges)
    return DensityHistogram(edges, counts, int(np.sum(values == 0)))
