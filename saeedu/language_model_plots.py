"""Chapter 09's pictures: the course of a training run, a gallery of them, and controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from saeedu.plots import BLUE, GREEN, GREY, ORANGE
from saeedu.sick_runs import Curves
from saeedu.training import History

GALLERY_COLUMNS = (
    "reconstruction loss\n(log scale)",
    "L0: active latents\na token (log scale)",
    "explained variance (fraction)\n- batch   - - held out",
    "silent for 40 steps\n(% of latents)",
)


def training_curves(history: History, warmup_steps: int = 0) -> Figure:
    """The two parts of the loss, L0, and explained variance, over the steps of a run.

    **Arguments:** `history`, from `train`; `warmup_steps`, shaded when above 0.
    **Returns:** the figure: three panels over a common horizontal axis.
    """
    figure, (loss, sparsity, variance) = _panels(1, 3, (10.5, 3.3))
    loss.plot(history.reconstruction, color=BLUE, label="reconstruction")
    if any(history.sparsity):
        loss.plot(history.sparsity, color=ORANGE, linestyle="--", label="L1 penalty")
    loss.set(ylabel="loss (normalised units, log scale)", yscale="log")
    sparsity.plot(history.l0, color=GREEN)
    sparsity.set(ylabel="L0: active latents a token (log scale)", yscale="log")
    variance.plot(history.explained_variance, color=BLUE)
    variance.set(ylabel="explained variance (fraction)", ylim=(0, 1))
    for axes in (loss, sparsity, variance):
        axes.set_xlabel("step")
        if warmup_steps:
            axes.axvspan(0, warmup_steps, color=GREY, alpha=0.18, label="warm-up")
    loss.legend(fontsize=8)
    return figure


def gallery(
    runs: Mapping[str, Curves], healthy: Mapping[str, Curves], titles: Mapping[str, str]
) -> Figure:
    """Sick runs, a row each, every one over the healthy run of its kind.

    **Arguments:** `runs`, by letter; `healthy`, by kind; `titles`, for each letter what to write
    above its row.
    **Returns:** the figure: loss, L0, explained variance, and silent latents, from left to right.
    """
    figure, grid = _panels(len(runs), len(GALLERY_COLUMNS), (10.5, 1.55 * len(runs) + 0.6))
    for row, (letter, curves) in enumerate(runs.items()):
        panels = grid[row * len(GALLERY_COLUMNS) : (row + 1) * len(GALLERY_COLUMNS)]
        for name, each, colour in (
            (f"healthy {curves.kind}", healthy[curves.kind], GREY),
            (letter, curves, BLUE),
        ):
            _draw_run(panels, each, colour, name)
        for axes, column in zip(panels, GALLERY_COLUMNS, strict=True):
            axes.tick_params(labelsize=7)
            axes.set_ylabel(column, fontsize=6.5)
            axes.set_xlabel("step", fontsize=7, labelpad=1)
            axes.yaxis.set_minor_formatter(NullFormatter())
        panels[0].set_title(titles[letter], loc="left", fontsize=9, fontweight="bold")
        panels[0].legend(fontsize=6, loc="upper right", framealpha=0.6)
    return figure


def _draw_run(panels: Sequence[Axes], curves: Curves, colour: str, name: str) -> None:
    loss, l0, variance, silent = panels
    loss.plot(curves.reconstruction, color=colour, linewidth=1.3, label=name)
    loss.set_yscale("log")
    # A logarithm has no zero: a batch in which nothing is active is drawn at the lower edge.
    l0.plot(np.maximum(curves.l0, 0.1), color=colour, linewidth=1.3)
    l0.set(yscale="log", ylim=(0.08, 600))
    variance.plot(curves.explained_variance, color=colour, linewidth=1.3)
    variance.plot(curves.held_out_steps, curves.held_out, "--", color=colour, linewidth=1.6)
    variance.set_ylim(-0.6, 1.03)
    silent.plot(100 * np.array(curves.silent), color=colour, linewidth=1.3)
    silent.set_ylim(-4, 104)


def controls(scores: Mapping[str, tuple[float, float]]) -> Figure:
    """Explained variance and cross-entropy recovered, side by side, for an SAE and its controls.

    **Arguments:** `scores`, for each name explained variance and cross-entropy recovered; below 0
    a bar is cut off and its number says how far it goes.
    **Returns:** the figure: two panels of horizontal bars.
    """
    figure, panels = _panels(1, 2, (9.6, 0.46 * len(scores) + 1.2))
    names = list(scores)
    labels = ("explained variance (fraction)", "cross-entropy recovered (fraction)")
    for column, (axes, label) in enumerate(zip(panels, labels, strict=True)):
        values = [scores[name][column] for name in names]
        colours = [BLUE if k == 0 else ORANGE for k in range(len(names))]
        axes.barh(range(len(names)), np.clip(values, 0, None), color=colours)
        for row, value in enumerate(values):
            axes.text(max(value, 0) + 0.02, row, f"{value:.3f}", va="center", fontsize=8)
        axes.set_yticks(range(len(names)), names if column == 0 else [""] * len(names))
        axes.invert_yaxis()
        axes.set(xlabel=label, xlim=(0, 1.2))
    return figure


def _panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
