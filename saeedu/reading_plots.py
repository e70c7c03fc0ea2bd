"""Chapter 10's pictures: latents on a text, a latent's whole range, each beside its control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from torch import Tensor

from saeedu.plots import BLUE, GREEN, GREY, ORANGE, PALETTE
from saeedu.reading import Reading

_LINES = ("-", "--", "-.", ":")
_MARKERS = ("o", "s", "^", "D")


def latents_on_a_text(tokens: Sequence[str], activations: Tensor, labels: Sequence[str]) -> Figure:
    """A heat map: one row a latent, one column a token, darker for a stronger activation.

    Each row is shaded against its own strongest activation, which stands behind it.

    **Arguments:** `tokens`, n texts; `activations` [n, m]; `labels`, m names.
    **Returns:** the figure.
    """
    values = activations.T.numpy()
    largest = values.max(axis=1, keepdims=True)
    shares = values / np.where(largest > 0, largest, 1)
    figure, (axes,) = _panels(1, (0.32 * len(tokens) + 2.2, 0.3 * len(labels) + 1.5))
    image = axes.imshow(shares, cmap="YlOrBr", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(
        range(len(tokens)), [_shown(token) for token in tokens], rotation=60, ha="right"
    )
    axes.set_yticks(range(len(labels)), labels)
    for row, peak in enumerate(largest[:, 0]):
        axes.text(len(tokens) - 0.3, row, f"{peak:.1f}", va="center", fontsize=8)
    axes.grid(False)
    axes.set(xlabel="token", ylabel="latent (at its right: its strongest activation here)")
    axes.yaxis.label.set_fontsize(8)
    colours = figure.colorbar(image, ax=axes, pad=0.02 + 0.6 / len(tokens))
    colours.set_label("share of the row's strongest", fontsize=8)
    return figure


def activation_range(reading: Reading, latents: Sequence[int], names: Sequence[str]) -> Figure:
    """How often latents have an activation of each size, and where their strongest examples lie.

    **Arguments:** `reading`; `latents`, rows of it, one panel each; `names`, their titles.
    **Returns:** the figure; both axes are logarithmic.
    """
    figure, panels = _panels(len(latents), (3.6 * len(latents), 3.4))
    edges = reading.bin_edges.numpy()
    for axes, latent, name in zip(panels, latents, names, strict=True):
        counts = reading.histogram[latent].numpy()
        used = np.flatnonzero(counts)
        values = reading.top.values[latent]
        if len(used):
            axes.stairs(counts, edges, fill=True, color=BLUE, alpha=0.45)
            axes.stairs(counts, edges, color=BLUE)
            axes.set_xlim(edges[used[0]] / 1.2, edges[used[-1] + 1] * 1.2)
            weakest = float(values[values > 0].min())
            axes.axvspan(weakest, edges[used[-1] + 1], color=ORANGE, alpha=0.25, hatch="//", lw=0)
            shown = int((values > 0).sum())
            label = f"the {shown} that a reader is shown"
            axes.plot([], [], color=ORANGE, linewidth=8, alpha=0.4, label=label)
            # Below the panel: inside, it would lie on the bars.
            axes.legend(fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        if not len(used):
            axes.text(0.5, 0.5, "never active", transform=axes.transAxes, ha="center")
            axes.set(xlim=(1, 2), ylim=(1, 2))
        axes.set(
            xscale="log",
            yscale="log",
            title=name,
            xlabel="activation (model units, log scale)",
            ylabel="tokens (count, log scale)",
        )
        axes.set_ylim(bottom=0.7)
        axes.xaxis.set_major_locator(LogLocator(base=2))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.title.set_fontsize(9)
    return figure


def agreement_by_strength(strengths: Sequence[str], lines: Mapping[str, Tensor]) -> Figure:
    """Mean token agreement among examples of one strength, from the weakest to the strongest.

    **Arguments:** `strengths`, what each group of examples is called [s]; `lines`, for each kind of
    direction the mean agreement in each group [s].
    **Returns:** the figure.
    """
    figure, (axes,) = _panels(1, (7.0, 3.4))
    for k, (name, values) in enumerate(lines.items()):
        axes.plot(
            values.numpy(),
            color=PALETTE[k % len(PALETTE)],
            linestyle=_LINES[k % len(_LINES)],
            marker=_MARKERS[k % len(_MARKERS)],
            label=name,
        )
    axes.set_xticks(range(len(strengths)), strengths)
    axes.set(
        xlabel="which examples",
        ylabel="examples with the same token\n(fraction, mean over latents)",
        ylim=(0, 1.0),
    )
    axes.legend(fontsize=8, loc="upper left")
    return figure


def effect_sizes(strongest: Mapping[str, Tensor]) -> Figure:
    """The strongest logit effect of each direction, as one histogram for each kind.

    **Arguments:** `strongest`, a name and, for each direction, its largest effect in standard
    deviations over the vocabulary [m].
    **Returns:** the figure.
    """
    figure, (axes,) = _panels(1, (6.4, 3.4))
    most = max(float(values.max()) for values in strongest.values())
    bins = np.linspace(0, most * 1.02, 40).tolist()
    for k, (name, values) in enumerate(strongest.items()):
        axes.hist(
            values.numpy(),
            bins=bins,
            density=True,
            histtype="step",
            linewidth=1.8,
            color=PALETTE[k % len(PALETTE)],
            linestyle=_LINES[k % 4],
            label=f"{name}, median {float(values.median()):.1f}",
        )
    axes.set(
        xlabel="the most promoted token (standard deviations over the vocabulary)",
        ylabel="directions (density)",
    )
    axes.legend(fontsize=8)
    return figure


def best_by_luck(lucky: Tensor, found: float) -> Figure:
    """The best score among all latents when the texts were drawn at random, and the one found.

    **Arguments:** `lucky` [draws], the best score of each random draw; `found`, that of the texts
    that were chosen for a reason.
    **Returns:** the figure.
    """
    figure, (axes,) = _panels(1, (6.4, 3.0))
    values, counts = np.unique(np.round(lucky.numpy(), 6), return_counts=True)
    axes.bar(values, counts, width=0.025, color=GREY, label="texts drawn at random")
    axes.axvline(found, color=GREEN, linewidth=2.5, label="the texts that you chose")
    axes.set(
        xlabel="best score among all latents (hit rate - false-alarm rate)",
        ylabel="draws (count)",
        xlim=(0, 1.04),
    )
    axes.legend(fontsize=8, loc="upper left")
    return figure


def _shown(token: str) -> str:
    token = token.replace("\n", "⏎")
    return token.replace("$", r"\$")  # matplotlib reads dollars as mathematics


def _panels(panels: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure, grid = plt.subplots(1, panels, figsize=size, squeeze=False, layout="constrained")
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
