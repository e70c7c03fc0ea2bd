"""Chapter 02's pictures: norms, arrangements, plateaus, the phase diagram, neurons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from saeedu.plots import BLUE, GREEN, GREY, ORANGE, PALETTE, PINK, SKY
from saeedu.shapes import Array
from saeedu.toy_geometry import dimensionality, feature_norms, interference
from saeedu.toy_phase import ARRANGEMENTS

# Straight lines for features, so that a picture reads without colour too.
_LINES = ("-", "--", ":", "-.")
_MARKERS = ("o", "s", "^", "D", "v", "P")


def norms_and_interference(W: Array, titles: Sequence[str]) -> Figure:
    """For each model, every feature's squared norm as a bar and its interference as a dot.

    **Arguments:** `W` [n_instances, m, n]; `titles`, one for each instance.
    **Returns:** the figure, a panel a model.
    """
    figure, panels = _panels(len(titles), (2.5 * len(titles) + 0.6, 3.2), sharey=True)
    squared, price = feature_norms(W) ** 2, interference(W)
    features = np.arange(W.shape[2])
    for k, (axes, title) in enumerate(zip(panels, titles, strict=True)):
        axes.bar(features, squared[k], color=SKY, label="signal: squared norm")
        axes.plot(features, price[k], "D", color=ORANGE, markersize=7, label="interference")
        axes.set(xlabel="feature (index)", xticks=features)
        axes.set_title(title, fontsize=10)
    panels[0].set_ylabel("squared units of W")
    panels[-1].legend(fontsize=8, loc="upper right")
    panels[0].set_ylim(0, 1.35 * max(float(squared.max()), float(price.max())))
    return figure


def arrangements(named: Mapping[str, Array]) -> Figure:
    """Arrangements in the plane, each with the dimensionality of its features.

    **Arguments:** `named`, a name and W [2, n] for each.
    **Returns:** the figure, a panel an arrangement.
    """
    figure, panels = _panels(len(named), (2.35 * len(named), 2.9))
    for axes, (name, W) in zip(panels, named.items(), strict=True):
        shares = dimensionality(W[np.newaxis])[0]
        for i, column in enumerate(W.T):
            _arrow(axes, column, BLUE, f"{shares[i]:.2f}", gap=0.42)
        _square(axes, 1.75)
        axes.set_title(f"{name}\nsum of D: {shares.sum():.2f}", fontsize=10)
    return figure


def plateaus(densities: ArrayLike, shares: Array, per_feature: ArrayLike, ceiling: float) -> Figure:
    """Dimensionality of every feature across a ladder of densities.

    **Arguments:** `densities` [k]; `shares` [k, n], the dimensionalities; `per_feature` [k],
    dimensions per feature; `ceiling`, m/n, the level when all features share everything.
    **Returns:** the figure, with the values of simple arrangements as lines.
    """
    figure, (axes,) = _panels(1, (8.4, 4.6))
    sparsity = 1 / np.asarray(densities)
    levels = {"3/4 tetrahedron": 3 / 4, "2/3 triangle": 2 / 3, "1/2 pair": 1 / 2}
    levels |= {"2/5 pentagon": 2 / 5, "3/8 antiprism": 3 / 8, "m/n, all share": ceiling}
    for name, level in levels.items():
        axes.axhline(level, color=GREY, linewidth=0.8, linestyle="--")
        below = name.startswith("3/8")  # its line is close under that of the pentagon
        place = (sparsity[-1] * 1.08, level - 0.008 if below else level + 0.006)
        axes.annotate(name, place, fontsize=8, va="top" if below else "bottom")
    jitter = np.random.default_rng(0).uniform(-0.012, 0.012, shares.shape)
    across = sparsity[:, np.newaxis] * (1 + jitter)
    axes.scatter(across, shares, s=11, color=BLUE, alpha=0.5, linewidths=0, label="a feature: D")
    axes.plot(sparsity, per_feature, "s-", color=ORANGE, markersize=4, label="dimensions a feature")
    axes.set_xscale("log")
    ticks = [1, 2, 3, 5, 10]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlim=(0.93, sparsity[-1] * 1.5), ylim=(-0.03, 1.08))
    axes.set(xlabel="1 / density (no unit): features get rarer to the right")
    axes.set_ylabel("share of a dimension (fraction)")
    axes.legend(fontsize=8, loc="upper right")
    return figure


def phase_maps(
    densities: Array,
    importances: Array,
    maps: Mapping[str, NDArray[np.integer]],
    border: tuple[Array, Array],
) -> Figure:
    """Maps of which arrangement is in force, for each importance and density.

    **Arguments:** `densities` [k] and `importances` [j], both in geometric progression; `maps`,
    a name and arrangements [j, k] for each, as of `arrangement_of`; `border`, densities and for
    each the least importance of feature 2 at which sharing pays, drawn with its mirror image.
    **Returns:** the figure, a panel a map.
    """
    figure, panels = _panels(len(maps), (4.3 * len(maps) + 0.4, 4.5))
    colours = ("white", SKY, "#E8B04A", "#1F4E79")
    edges = [np.log10(_edges(grid)) for grid in (1 / densities, importances)]
    marks = {0: "1", 1: "2"}
    for axes, (name, arrangement) in zip(panels, maps.items(), strict=True):
        axes.pcolormesh(*edges, arrangement, cmap=ListedColormap(colours), vmin=-1.5, vmax=2.5)
        for (row, column), value in np.ndenumerate(arrangement):
            if value in marks:
                across = -float(np.log10(densities[column]))
                up = float(np.log10(importances[row]))
                axes.text(across, up, marks[int(value)], fontsize=7, ha="center", va="center")
        for line in (border[1], 1 / border[1]):
            axes.plot(-np.log10(border[0]), np.log10(line), color=ORANGE, linewidth=2.5)
        axes.set_ylim(edges[1][0], edges[1][-1])
        axes.set_xticks([0, 1, 2], ["1", "0.1", "0.01"])
        axes.set_yticks([-1, 0, 1], ["0.1", "1", "10"])
        axes.set(xlabel="density (probability)", ylabel="importance of feature 2 (relative to 1)")
        axes.set_title(name, fontsize=10)
    patches = [
        Patch(color=colour, label=text)
        for colour, text in zip(colours[1:], ARRANGEMENTS, strict=True)
    ]
    figure.legend(handles=patches, loc="outside lower center", ncol=3, fontsize=8)
    return figure


def pairs_in_the_plane(W: Array, titles: Sequence[str]) -> Figure:
    """Features that come in pairs: partners share colour, line and marker.

    **Arguments:** `W` [n_instances, 2, n], features 2k and 2k + 1 being partners; `titles`.
    **Returns:** the figure, a panel a model.
    """
    figure, panels = _panels(len(titles), (2.7 * len(titles), 3.0))
    for axes, instance, title in zip(panels, W, titles, strict=True):
        for i, column in enumerate(instance.T):
            pair = i // 2
            _arrow(axes, column, (BLUE, ORANGE, GREEN, PINK)[pair % 4], str(i), pair)
        _square(axes, 1.6)
        axes.set_title(title, fontsize=10)
    return figure


def weight_maps(
    W: Array, titles: Sequence[str], row_name: str = "neuron", column_name: str = "feature"
) -> Figure:
    """Weights as coloured squares: red positive, blue negative, one scale for all panels.

    **Arguments:** `W` [n_instances, rows, columns]; `titles`, one for each instance.
    **Returns:** the figure.
    """
    figure, panels = _panels(len(titles), (2.9 * len(titles) + 0.8, 0.26 * W.shape[1] + 1.5))
    top = float(np.quantile(np.abs(W), 0.99))
    for axes, weights, title in zip(panels, W, titles, strict=True):
        image = axes.imshow(weights, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto")
        axes.set(xlabel=f"{column_name} (index)", ylabel=f"{row_name} (index)")
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(0, W.shape[2], 2))
        axes.set_yticks(range(0, W.shape[1], 1 if W.shape[1] < 8 else 2))
    figure.colorbar(image, ax=panels, label="weight (no unit)")
    return figure


def error_by_feature(shares: Mapping[str, Array], whole: int, title: str = "") -> Figure:
    """How much of each feature's answer is missing, most important feature first.

    **Arguments:** `shares`, a name and [n] for each model: 0 perfect, 1 no better than the mean;
    `whole`, how many features exact computation has room for.
    **Returns:** the figure.
    """
    figure, (axes,) = _panels(1, (7.4, 3.8))
    for k, (name, share) in enumerate(shares.items()):
        axes.plot(
            share, linestyle=_LINES[k % 4], marker=_MARKERS[k % 6], color=PALETTE[k], label=name
        )
    axes.axvline(whole - 0.5, color=GREY, linestyle="--")
    axes.annotate("room for two neurons each ends here", (whole - 0.4, 1.17), fontsize=8)
    axes.set(xlabel="feature (index): less important to the right", ylim=(-0.05, 1.3))
    axes.set(ylabel="error (fraction of the variance)", title=title)
    axes.legend(fontsize=8, loc="center left")
    return figure


def _edges(grid: Array) -> Array:
    """Borders halfway, in ratio, between the points of a geometric progression."""
    middle = np.sqrt(grid[1:] * grid[:-1])
    return np.concatenate([[grid[0] ** 2 / middle[0]], middle, [grid[-1] ** 2 / middle[-1]]])


def _arrow(
    axes: Axes, end: Array, colour: str, text: str, style: int = 0, gap: float = 0.24
) -> None:
    axes.plot(
        [0, end[0]],
        [0, end[1]],
        color=colour,
        linestyle=_LINES[style % 4],
        linewidth=2.4,
        marker=_MARKERS[style % 6],
        markevery=[1],
    )
    length = float(np.linalg.norm(end))
    if length > 0.1:
        place = end * (length + gap) / length
        axes.text(place[0], place[1], text, ha="center", va="center", fontsize=9)


def _square(axes: Axes, reach: float) -> None:
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
    axes.set(xlabel="dimension 0", ylabel="dimension 1", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    axes.set_aspect("equal")


def _panels(
    count: int, size: tuple[float, float], sharey: bool = False
) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(
        1, count, figsize=size, squeeze=False, layout="constrained", sharey=sharey
    )
    plt.close(figure)  # left open it would be shown twice: by pyplot, and as the cell's result
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
