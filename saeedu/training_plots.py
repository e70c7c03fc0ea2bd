"""Chapter 05's pictures: descent in a valley, training runs, matches, responses, trade-offs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

from saeedu.plots import BLUE, GREY, ORANGE, PALETTE
from saeedu.shapes import Array

_LINES = ("-", "--", ":", "-.")
_MARKERS = ("o", "s", "^", "D")


def valley(height: Callable[[Array], Array], paths: Mapping[str, Array], title: str = "") -> Figure:
    """Paths of several optimisers over the contour lines of a function of two parameters.

    **Arguments:** `height`, from points [n, 2] to heights [n]; `paths`, a name and the points
    [steps + 1, 2] visited for each optimiser, from the same start.
    **Returns:** the figure.
    """
    figure, axes = _axes((7.2, 3.6))
    points = np.concatenate(list(paths.values()))
    (left, low), (right, high) = points.min(axis=0) - 0.15, points.max(axis=0) + 0.15
    u, v = np.meshgrid(np.linspace(left, right, 120), np.linspace(low, high, 120))
    levels = height(np.stack([u.ravel(), v.ravel()], axis=1)).reshape(u.shape)
    axes.contour(u, v, np.sqrt(levels), 14, colors=GREY, linewidths=0.6, alpha=0.7)
    for k, (name, path) in enumerate(paths.items()):
        axes.plot(
            path[:, 0],
            path[:, 1],
            _LINES[k],
            color=PALETTE[k],
            marker=_MARKERS[k],
            markersize=3.5,
            linewidth=1.3,
            label=name,
        )
    axes.plot(0, 0, marker="*", markersize=14, color=PALETTE[3], linestyle="none", label="minimum")
    axes.set(xlabel="first parameter", ylabel="second parameter", title=title)
    axes.legend(fontsize=8)
    return figure


def training_run(history: Mapping[str, Array], title: str = "") -> Figure:
    """Loss and sparsity during a training.

    **Arguments:** `history`, as of a `Fit`.
    **Returns:** the figure: both losses on the left, L0 on the right, steps on a log scale.
    """
    figure, (left, right) = _two_axes((8.6, 3.5))
    steps = history["step"]
    smooth = _smoothed
    left.plot(steps, smooth(history["loss"]), color=BLUE, label="loss")
    left.plot(
        steps,
        smooth(history["reconstruction"]),
        "--",
        color=ORANGE,
        label="its reconstruction part",
    )
    left.set(xlabel="step (count)", ylabel="loss (squared units of x)", xscale="log", yscale="log")
    left.legend(fontsize=8)
    right.plot(steps, smooth(history["l0"]), color=BLUE)
    right.set(xlabel="step (count)", ylabel="L0: active latents a sample (count)", xscale="log")
    right.set_ylim(bottom=0)
    figure.suptitle(title)
    return figure


def silent_latents(histories: Mapping[str, Mapping[str, Array]], d_sae: int) -> Figure:
    """The share of latents that have been silent for 500 steps, during several trainings.

    **Arguments:** `histories`, a name and the history for each training; `d_sae`, of all of them.
    **Returns:** the figure.
    """
    figure, axes = _axes((6.8, 3.7))
    for k, (name, history) in enumerate(histories.items()):
        axes.plot(
            history["step"],
            100 * history["silent"] / d_sae,
            _LINES[k % 4],
            color=PALETTE[k],
            linewidth=2,
            label=name,
        )
    axes.set(
        xlabel="step (count)",
        ylabel="silent for 500 steps\n(% of latents)",
        title="Dead latents",
        ylim=(-2, None),
    )
    axes.legend(fontsize=8)
    return figure


def matched_cosines(similarities: Array, title: str = "") -> Figure:
    """Cosines of features with latents in the order of a matching: the wide, near-diagonal picture.

    **Arguments:** `similarities` [n_features, d_sae], columns already in order.
    **Returns:** the figure: blue for opposed, white for orthogonal, red for parallel.
    """
    figure, axes = _axes((8.4, 0.9 + 7.2 * min(1.0, len(similarities) / similarities.shape[1])))
    image = axes.imshow(similarities, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="cosine (no unit)", fraction=0.03)
    axes.set(xlabel="latent, matched ones first (index)", ylabel="feature (index)", title=title)
    return figure


def response_heatmaps(responses: Mapping[str, Array], title: str = "") -> Figure:
    """How each unit responds to each feature, a panel for each kind of unit.

    **Arguments:** `responses`, a name and [n_features, units] for each panel.
    **Returns:** the figure; the colours run from zero to the largest response of all panels.
    """
    widths = [0.9 + response.shape[1] / 32 for response in responses.values()]
    figure, panels = plt.subplots(
        1,
        len(responses),
        figsize=(9.4, 3.9),
        width_ratios=widths,
        squeeze=False,
        layout="constrained",
    )
    plt.close(figure)
    top = max(float(np.max(response)) for response in responses.values())
    for axes, (name, response) in zip(panels.flat, responses.items(), strict=True):
        image = axes.imshow(
            response, cmap="viridis", vmin=0, vmax=top, aspect="auto", interpolation="nearest"
        )
        axes.set(xlabel="unit (index)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_title(name, fontsize=10)
    panels[0, 0].set_ylabel("feature present (index)")
    figure.colorbar(image, ax=panels, label="mean response (units of x)")
    figure.suptitle(title)
    return figure


def pareto(
    l0: Sequence[float], fvu: Sequence[float], mmcs: Sequence[float], names: Sequence[str]
) -> Figure:
    """Sparsity against error for a sweep of λ, with the recovery of the truth as colour.

    **Arguments:** for each training its `l0`, `fvu`, `mmcs` and a name to write beside it.
    **Returns:** the figure.
    """
    figure, axes = _axes((7.0, 4.2))
    axes.plot(l0, fvu, color=GREY, linewidth=1, zorder=1)
    dots = axes.scatter(l0, fvu, c=mmcs, cmap="cividis", s=90, edgecolors="black", zorder=2)
    for across, up, name in zip(l0, fvu, names, strict=True):
        axes.annotate(name, (across, up), xytext=(8, 6), textcoords="offset points", fontsize=8)
    figure.colorbar(dots, ax=axes, label="MMCS (no unit)")
    axes.set(
        xlabel="L0: active latents a sample (count)",
        ylabel="variance unexplained (fraction)",
        title="The price of sparsity",
        xscale="log",
    )
    axes.margins(x=0.12)
    axes.set_ylim(bottom=-0.01)
    _plain_numbers(axes)
    return figure


def both_ways(similarities: Array, title: str = "") -> Figure:
    """Best cosines seen from the features and seen from the latents, as two histograms.

    **Arguments:** `similarities` [n_features, d_sae].
    **Returns:** the figure.
    """
    figure, panels = _two_axes((8.6, 3.3))
    bins = np.linspace(0, 1, 41).tolist()
    sides = (
        ("Each feature's best latent (MMCS)", "features (count)", similarities.max(axis=1), BLUE),
        (
            "Each latent's best feature (reverse)",
            "latents (count)",
            similarities.max(axis=0),
            ORANGE,
        ),
    )
    for axes, (name, y_label, best, colour) in zip(panels, sides, strict=True):
        axes.hist(best, bins=bins, color=colour)
        axes.axvline(best.mean(), color="black", linestyle="--", label=f"mean {best.mean():.2f}")
        axes.set(xlabel="cosine (no unit)", ylabel=y_label, xlim=(0, 1.02))
        axes.set_title(name, fontsize=10)
        axes.legend(fontsize=8, loc="upper left")
    figure.suptitle(title)
    return figure


def _smoothed(values: Array, reach: int = 7) -> Array:
    """A running mean over as many entries before as after, over fewer near both ends."""
    at = np.arange(len(values))
    reaches = np.minimum(reach, np.minimum(at // 4, at[::-1]))  # the start changes fast
    totals = np.concatenate([[0.0], np.cumsum(values)])
    return (totals[at + reaches + 1] - totals[at - reaches]) / (2 * reaches + 1)


def _plain_numbers(axes: Axes) -> None:
    """On a log axis of less than two decades: 2, 5, 10 instead of powers of ten."""
    low, high = axes.get_xlim()
    axes.set_xticks([tick for tick in (1, 2, 3, 5, 10, 20, 50) if low <= tick <= high])
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _two_axes(size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(1, 2, figsize=size, layout="constrained")
    plt.close(figure)
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid)
