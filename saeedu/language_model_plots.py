"""Chapter 09's pictures: outlier positions, the course of a training run, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saeedu.plots import BLUE, GREEN, GREY, ORANGE, PALETTE
from saeedu.shapes import Array
from saeedu.training import History

_LINES = ("-", "--", "-.", ":")


def norms_by_position(norms: Mapping[str, Array], shown: int = 24) -> Figure:
    """Median length of the residual stream at each of the first positions, a line a layer.

    **Arguments:** `norms`, for each name [n_contexts, context]; `shown`, positions to draw.
    **Returns:** the figure, with a logarithmic vertical axis: the first position can be a hundred
    times the others.
    """
    figure, (axes,) = _panels(1, (7.0, 3.8))
    for k, (name, values) in enumerate(norms.items()):
        medians = np.median(values, axis=0)[:shown]
        colour = PALETTE[k % len(PALETTE)]
        line = _LINES[k % len(_LINES)]
        axes.plot(medians, color=colour, linestyle=line, marker=".", label=name)
        axes.plot(0, medians[0], marker="o", markersize=9, color=colour, fillstyle="none")
    axes.set_yscale("log")
    axes.set(
        xlabel="position in the context (tokens; 0 is BOS)",
        ylabel="median length of the residual\n(model units, log scale)",
    )
    axes.legend(fontsize=8, ncol=2)
    return figure


def training_curves(history: History, warmup_steps: int = 0) -> Figure:
    """The two parts of the loss, L0, and explained variance, over the steps of a run.

    **Arguments:** `history`, from `train`; `warmup_steps`, shaded when above 0.
    **Returns:** the figure: three panels over a common horizontal axis.
    """
    figure, (loss, sparsity, variance) = _panels(3, (10.5, 3.3))
    loss.plot(history.reconstruction, color=BLUE, label="reconstruction")
    loss.plot(history.sparsity, color=ORANGE, linestyle="--", label="L1 penalty")
    loss.set(ylabel="loss (normalised units, log scale)", yscale="log")
    sparsity.plot(history.l0, color=GREEN)
    sparsity.set(ylabel="L0: active latents a token (log scale)", yscale="log")
    variance.plot(history.explained_variance, color=BLUE)
    variance.set(ylabel="explained variance (fraction)", ylim=(0, 1))
    for axes in (loss, sparsity, variance):
        axes.set_xlabel("step")
        if warmup_steps:
            axes.axvspan(0, warmup_steps, color=GREY, alpha=0.18, label="L1 warm-up")
    loss.legend(fontsize=8)
    return figure


def cross_entropy_bars(cross_entropies: Mapping[str, float]) -> Figure:
    """The language model's cross-entropy under each condition, as labelled bars.

    **Arguments:** `cross_entropies`, a name and nats a token for each.
    **Returns:** the figure.
    """
    figure, (axes,) = _panels(1, (6.4, 0.55 * len(cross_entropies) + 1.1))
    names: Sequence[str] = list(cross_entropies)
    values = list(cross_entropies.values())
    bars = axes.barh(names, values, color=[PALETTE[k % len(PALETTE)] for k in range(len(names))])
    axes.bar_label(bars, fmt="%.3f", padding=4)
    axes.invert_yaxis()
    axes.set(xlabel="cross-entropy (nats a token)", xlim=(0, 1.15 * max(values)))
    return figure


def _panels(panels: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(1, panels, figsize=size, squeeze=False, layout="constrained")
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
