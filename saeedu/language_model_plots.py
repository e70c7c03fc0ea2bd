"""Chapter 09's pictures: the course of a training run, a gallery of them, and controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from saeedu.plots import BLUE, GREEN, GREY, ORANGE
from saeedu.sick_runs import Curves
from saeedu.training import History

GALLERY_COLUMNS = (
    ("1 reconstruction loss", "loss (log scale)"),
    ("2 L0: active latents a token", "count (log scale)"),
    ("3 explained variance", "fraction"),
    ("4 silent for 40 steps", "% of latents"),
)
"""For each column of the gallery its title and its unit."""
LOWEST_VARIANCE = -0.6  # where the gallery's third column is cut


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
    if max(history.l0) > 3 * max(min(history.l0), 1e-9):
        sparsity.set(ylabel="L0: active latents a token (log scale)", yscale="log")
    else:
        sparsity.set(ylabel="L0: active latents a token", ylim=(0, 1.2 * max(history.l0)))
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
    Beside each sick curve stands the number that it ends with; where explained variance leaves
    the panel, an arrow at the lower edge says how low it went.
    """
    figure, grid = _panels(len(runs), len(GALLERY_COLUMNS), (11, 1.75 * len(runs) + 0.9))
    for row, (letter, curves) in enumerate(runs.items()):
        panels = grid[row * len(GALLERY_COLUMNS) : (row + 1) * len(GALLERY_COLUMNS)]
        _draw_run(panels, healthy[curves.kind], GREY, f"healthy {curves.kind}")
        _draw_run(panels, curves, BLUE, letter)
        _write_ends(panels, curves)
        for axes, (column, unit) in zip(panels, GALLERY_COLUMNS, strict=True):
            axes.tick_params(labelsize=9)
            axes.set_ylabel(unit, fontsize=9)
            axes.set_xlabel("step" if row == len(runs) - 1 else "", fontsize=9)
            if row == 0:
                axes.set_title(column, fontsize=10.5, loc="left", pad=22)
        panels[0].text(0, 1.04, titles[letter], transform=panels[0].transAxes, fontweight="bold")
    styles = ((GREY, "-", "healthy, batch"), (GREY, "--", "healthy, held out"),
              (BLUE, "-", "sick, batch"), (BLUE, "--", "sick, held out"))  # fmt: skip
    handles = [Line2D([], [], color=c, linestyle=s, label=name) for c, s, name in styles]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, fontsize=10)
    return figure


def _draw_run(panels: Sequence[Axes], curves: Curves, colour: str, name: str) -> None:
    loss, l0, variance, silent = panels
    loss.plot(curves.reconstruction, color=colour, linewidth=1.3, label=name)
    loss.set_yscale("log")
    loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    # A logarithm has no zero: a batch in which nothing is active is drawn at the lower edge.
    l0.plot(np.maximum(curves.l0, 0.1), color=colour, linewidth=1.3)
    l0.set(yscale="log", ylim=(0.08, 600))
    l0.set_yticks([0.1, 1, 10, 100])
    for axes in (loss, l0):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    variance.plot(curves.explained_variance, color=colour, linewidth=1.3)
    variance.plot(curves.held_out_steps, curves.held_out, "--", color=colour, linewidth=1.6)
    variance.set_ylim(LOWEST_VARIANCE, 1.03)
    silent.plot(100 * np.array(curves.silent), color=colour, linewidth=1.3)
    silent.set_ylim(-4, 104)


def _write_ends(panels: Sequence[Axes], curves: Curves) -> None:
    """The last number of each curve beside its end, and how far a cut curve goes."""
    percent = [100 * share for share in curves.silent]
    series = (curves.reconstruction, curves.l0, curves.explained_variance, percent)
    for axes, values, form in zip(panels, series, (".3g", ".3g", ".2f", ".0f"), strict=True):
        low, high = axes.get_ylim()
        end = (len(values) - 1, min(max(values[-1], low), high))
        axes.annotate(f"{values[-1]:{form}}", end, (4, 0), textcoords="offset points",
                      fontsize=9, color=BLUE, va="center", annotation_clip=False)  # fmt: skip
    lowest = min(*curves.explained_variance, *curves.held_out)
    if lowest < LOWEST_VARIANCE:
        axes = panels[2]
        axes.text(0.14, 0.03, f"↓ to {lowest:.1f}", transform=axes.transAxes, fontsize=9,
                  color=BLUE)  # fmt: skip


def variance_by_directions(variance: Sequence[float], rival: tuple[str, int, float]) -> Figure:
    """How much variance principal directions explain, from one to all, and an SAE to compare.

    **Arguments:** `variance`, explained by the first 1, 2, ... directions; `rival`, a name, its
    numbers a token, and the variance that it explains.
    **Returns:** the figure: one curve, and the rival as a dot with a line to the curve.
    """
    figure, (axes,) = _panels(1, 1, (6.4, 3.3))
    name, at, value = rival
    counts = np.arange(1, len(variance) + 1)
    axes.plot(counts, variance, color=ORANGE, label="PCA")
    axes.plot([at], [value], "o", color=BLUE, label=name)
    axes.axhline(value, color=BLUE, linestyle=":", linewidth=1)
    axes.set(xlabel="directions, or active latents, a token (count)")
    axes.set(ylabel="explained variance (fraction)", ylim=(min(0.0, *variance), 1.02))
    axes.legend(fontsize=9, loc="lower right")
    return figure


Pair = tuple[float, float]


def controls(scores: Mapping[str, Pair], errors: Mapping[str, Pair] | None = None) -> Figure:
    """Explained variance and cross-entropy recovered, side by side, for an SAE and its controls.

    **Arguments:** `scores`, for each name explained variance and cross-entropy recovered; below 0
    a bar is cut off and its number says how far it goes. `errors`, the same with one standard
    error each, drawn as a line over the bar's end.
    **Returns:** the figure: two panels of horizontal bars.
    """
    figure, panels = _panels(1, 2, (9.6, 0.46 * len(scores) + 1.2))
    names = list(scores)
    labels = ("explained variance (fraction)", "cross-entropy recovered (fraction)")
    for column, (axes, label) in enumerate(zip(panels, labels, strict=True)):
        values = [scores[name][column] for name in names]
        spread = [errors[name][column] if errors else 0.0 for name in names]
        ends = np.clip(values, 0, None)
        axes.barh(range(len(names)), ends, color=[BLUE, *[ORANGE] * (len(names) - 1)])
        if errors:
            axes.errorbar(ends, range(len(names)), xerr=spread, fmt="none", ecolor="black",
                          capsize=3)  # fmt: skip
        for row, (value, error) in enumerate(zip(values, spread, strict=True)):
            axes.text(max(value, 0) + error + 0.02, row, f"{value:z.3f}", va="center", fontsize=9)
        axes.set_yticks(range(len(names)), names if column == 0 else [""] * len(names))
        axes.invert_yaxis()
        furthest = max(end + error for end, error in zip(ends, spread, strict=True))
        axes.set(xlabel=label, xlim=(0, max(1.0, furthest) + 0.17))
        axes.set_xticks(np.linspace(0, 1, 6))  # room for the numbers, but a fraction ends at 1
        axes.spines["bottom"].set_bounds(0, 1)
    return figure


def _panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
