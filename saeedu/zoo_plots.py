"""Chapter 07's pictures: switches, thresholds, families of features, dictionaries, frontiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from saeedu.plots import AMBER, BLUE, GREY, INK, ORANGE, PALETTE
from saeedu.shapes import Array

_LINES = ("-", (0, (5, 2)), (0, (1, 1)), (0, (8, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (9, 3)))
_MARKERS = ("o", "s", "^", "D", "v", "P")


def switches(
    absent: Array, present: Array, curves: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> Figure:
    """What a pre-activation is when a feature is absent or present, and what a latent makes of it.

    **Arguments:** `absent`, `present` [n], pre-activations; `curves`, a name and for each latent
    its pre-activations and values; three of them.
    **Returns:** the figure: how often on top, latents below, over a common horizontal axis.
    """
    figure, (top, bottom) = _axes(1, 2, (7.0, 5.0), sharex=True)
    bins = np.linspace(-0.6, 1.6, 56).tolist()
    top.hist(absent, bins, color=GREY, alpha=0.7, density=True, label="feature absent")
    top.hist(present, bins, color=BLUE, alpha=0.6, density=True, label="feature present")
    top.set(ylabel="how often (density)")
    top.legend(fontsize=8)
    styles = (("-", AMBER, 5.0), ("--", ORANGE, 2.0), (":", INK, 2.5))
    for (name, (z, latent)), (dash, colour, width) in zip(curves.items(), styles, strict=True):
        bottom.plot(z, latent, linestyle=dash, color=colour, lw=width, label=name)
    bottom.set(
        xlabel="pre-activation (units of x)", ylabel="latent (units of x)", ylim=(-0.1, 1.65)
    )
    bottom.legend(fontsize=8)
    return figure


def loss_by_threshold(
    thresholds: Array, one_batch: Array, expected: Array, at: float, title: str = ""
) -> Figure:
    """The loss as one threshold moves: stairs for a small batch, a smooth curve for very many.

    **Arguments:** `thresholds` [n]; the losses of a batch and of many samples [n]; `at`, the
    threshold to mark; `title`.
    **Returns:** the figure.
    """
    figure, (axes,) = _axes(1, 1, (6.6, 3.9))
    axes.plot(thresholds, one_batch, color=BLUE, lw=1.4, label="a batch of 16")
    axes.plot(thresholds, expected, "--", color=ORANGE, lw=2, label="200,000 samples")
    axes.axvline(at, color=GREY, linestyle=":", label=f"threshold {at:g}")
    axes.set(
        xlabel="threshold (units of x)", ylabel="loss of one latent\n(squared units)", title=title
    )
    axes.legend(fontsize=8)
    return figure


def estimates(bandwidths: Sequence[float], draws: Array, true_slope: float) -> Figure:
    """A gradient estimated from many batches, for several bandwidths, beside the true one.

    **Arguments:** `bandwidths` [n]; `draws` [n, batches], the estimates; `true_slope`.
    **Returns:** the figure: means as dots, with bars of one standard deviation over batches.
    """
    figure, (axes,) = _axes(1, 1, (6.6, 3.9))
    axes.errorbar(
        bandwidths,
        draws.mean(axis=1),
        draws.std(axis=1),
        fmt="o",
        color=BLUE,
        capsize=4,
        label="pseudo-derivative: mean and spread over batches",
    )
    axes.axhline(true_slope, color=ORANGE, linestyle="--", label="slope of the expected loss")
    axes.set_xscale("log")
    axes.set(xlabel="bandwidth (units of x)", ylabel="slope by the threshold\n(units of x)")
    axes.legend(fontsize=8)
    return figure


def dictionaries(cosines: Mapping[str, Array], title: str = "") -> Figure:
    """Features against latents for several SAEs, latents sorted by the feature they are nearest to.

    **Arguments:** `cosines`, a name and [n_features, d_sae] for each panel; `title`.
    **Returns:** the figure: blue for opposed, white for orthogonal, red for parallel.
    """
    figure, panels = _axes(len(cosines), 1, (4.4 * len(cosines), 4.2))
    for axes, (name, matrix) in zip(panels, cosines.items(), strict=True):
        # By the nearest feature, and among its latents the nearest first.
        order = np.lexsort((-matrix.max(axis=0), matrix.argmax(axis=0)))
        image = axes.imshow(
            matrix[:, order], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest", aspect="auto"
        )
        axes.set(xlabel="latent, sorted (index)", ylabel="feature (index)")
        axes.set_title(name, fontsize=10)
    figure.colorbar(image, ax=panels, label="cosine (no unit)", fraction=0.05)
    figure.suptitle(title)
    return figure


def co_occurrence(correlations: Array, groups: Mapping[str, int], title: str = "") -> Figure:
    """Correlations of features' presence, with lines between kinds of features.

    **Arguments:** `correlations` [n_features, n_features]; `groups`, a name and a number of
    features for each kind, in order; `title`.
    **Returns:** the figure.
    """
    figure, (axes,) = _axes(1, 1, (5.6, 4.8))
    image = axes.imshow(correlations, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    ends = np.cumsum(list(groups.values()))
    for end in ends[:-1]:
        axes.axhline(end - 0.5, color=INK, lw=0.8)
        axes.axvline(end - 0.5, color=INK, lw=0.8)
    middles = ends - np.array(list(groups.values())) / 2 - 0.5
    axes.set_xticks(middles, list(groups))
    axes.set_yticks(middles, list(groups))
    axes.set(xlabel="feature", ylabel="feature", title=title)
    figure.colorbar(image, ax=axes, label="correlation of presence (no unit)")
    return figure


def frontiers(
    methods: Mapping[str, Mapping[str, Array]], panels: Mapping[str, str], true_l0: float
) -> Figure:
    """Scores against L0 for several methods: means over seeds, with bars of a standard deviation.

    **Arguments:** `methods`, a name and for each method its arrays [settings, seeds] by score's
    name, "l0" among them; `panels`, a score's name and the label of its axis for each panel, of
    which the first gets a logarithmic axis: it should be an error, whose differences near zero
    are what matters; `true_l0`, how many features a sample holds.
    **Returns:** the figure.
    """
    figure, all_axes = _axes(len(panels), 1, (4.1 * len(panels), 4.3))
    all_axes[0].set_yscale("log")
    for axes, (score, label) in zip(all_axes, panels.items(), strict=True):
        for k, (name, arrays) in enumerate(methods.items()):
            order = np.argsort(arrays["l0"].mean(axis=1))
            l0, values = arrays["l0"][order], arrays[score][order]
            axes.errorbar(
                l0.mean(axis=1),
                values.mean(axis=1),
                values.std(axis=1, ddof=1),
                l0.std(axis=1, ddof=1),
                color=PALETTE[k],
                linestyle=_LINES[k],
                marker=_MARKERS[k],
                markersize=5,
                capsize=2,
                label=name,
            )
        axes.axvline(true_l0, color=GREY, lw=1, linestyle=":", label="features truly present")
        axes.set(xlabel="L0: active latents a sample (count)", ylabel=label)
    handles, names = all_axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    return figure


def _axes(
    columns: int, rows: int, size: tuple[float, float], sharex: bool = False
) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(
        rows, columns, figsize=size, squeeze=False, layout="constrained", sharex=sharex
    )
    plt.close(figure)  # a notebook would show an open figure twice
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
