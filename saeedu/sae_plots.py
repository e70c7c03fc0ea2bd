"""Chapter 06's pictures: mostly empty latents, what a step multiplies, latents a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from saeedu.plots import BLUE, GREY, ORANGE, PALETTE
from saeedu.shapes import Array

_MARKERS = ("o", "s", "^", "D")


def active_entries(latents: Array, values: Array, columns: Array, title: str = "") -> Figure:
    """The same latents twice: as a mostly empty matrix, and as k values and k columns a sample.

    **Arguments:** `latents` [batch, d_sae]; `values` and `columns` [batch, k], its active entries.
    **Returns:** the figure, one colour scale for values in both pictures.
    """
    figure, (dense, listed, where) = plt.subplots(
        1,
        3,
        figsize=(9.0, 3.1),
        layout="constrained",
        sharey=True,
        width_ratios=[latents.shape[1], 4 * values.shape[1], 4 * values.shape[1]],
    )
    plt.close(figure)
    top = float(np.max(values))
    for axes, shown in ((dense, np.where(latents > 0, latents, np.nan)), (listed, values)):
        image = axes.imshow(
            shown, cmap="viridis", vmin=0, vmax=top, aspect="auto", interpolation="nearest"
        )
    where.imshow(
        np.zeros_like(values), cmap=ListedColormap(["white"]), aspect="auto", vmin=0, vmax=1
    )
    for sample, places in enumerate(columns):
        for i, column in enumerate(places):
            where.text(i, sample, str(column), ha="center", va="center", fontsize=6.5)
    dense.set(xlabel="latent (index)", ylabel="sample (index)")
    dense.yaxis.set_major_locator(MaxNLocator(integer=True))
    dense.set_title("latents\n[batch, d_sae]", fontsize=10)
    for axes, name in ((listed, "values\n[batch, k]"), (where, "columns\n[batch, k]")):
        axes.set(xlabel="place (index)")
        axes.set_title(name, fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.colorbar(image, ax=(dense, listed, where), label="value (units of x)")
    figure.suptitle(title)
    return figure


def work(
    names: Sequence[str], dense: Sequence[float], sparse: Sequence[float], title: str = ""
) -> Figure:
    """How many multiplications each product of a training step takes, in two ways of doing it.

    **Arguments:** `names` of the products; `dense` and `sparse`, multiply-adds of each.
    **Returns:** the figure, with a logarithmic axis.
    """
    figure, axes = _axes((7.6, 0.5 * len(names) + 1.5))
    at = np.arange(len(names))
    axes.barh(at - 0.19, dense, 0.36, color=ORANGE, label="whole matrices")
    axes.barh(at + 0.19, sparse, 0.36, color=BLUE, hatch="//", label="active latents alone")
    axes.set_yticks(at, list(names))
    axes.invert_yaxis()
    axes.set(xlabel="multiply-adds (count)", xscale="log", title=title)
    axes.set_xlim(left=min(sparse) / 3)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def latents_per_sample(counts: Mapping[str, Array], title: str = "") -> Figure:
    """How many samples have how many active latents.

    **Arguments:** `counts`, a name and the whole numbers [n] of active latents for each SAE; the
    first is drawn as bars, the others as lines.
    **Returns:** the figure.
    """
    figure, axes = _axes((6.8, 3.6))
    most = max(int(np.max(values)) for values in counts.values())
    for k, (name, values) in enumerate(counts.items()):
        share = 100 * np.bincount(values.astype(int), minlength=most + 1) / len(values)
        if k == 0:
            axes.bar(np.arange(most + 1), share, color=GREY, alpha=0.5, label=name)
        else:
            marker, colour = _MARKERS[k % len(_MARKERS)], PALETTE[k - 1]
            axes.plot(share, color=colour, marker=marker, markersize=4, label=name)
    axes.set(xlabel="active in a sample (count)", ylabel="samples (%)", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8)
    return figure


def _axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
