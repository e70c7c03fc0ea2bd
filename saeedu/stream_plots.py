"""Chapter 08's pictures: the residual stream, its parts and lengths, mixing, and sizes on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from saeedu.plots import BLUE, GREEN, GREY, ORANGE, PALETTE
from saeedu.shapes import Array

_LINES = ("-", "--", "-.", ":")


def stream_diagram(block: int = 8) -> Figure:
    """One block of a transformer as the stream sees it: two readers that add what they found.

    **Arguments:** `block`, the number in the hooks' names.
    **Returns:** the figure: the stream from left to right, with the five hooks of a block.
    """
    figure, axes = plt.subplots(figsize=(9.6, 3.5), layout="constrained")
    plt.close(figure)
    ink = "#333333"
    axes.annotate(
        "", (10.2, 0), (-0.4, 0), arrowprops={"arrowstyle": "-|>", "lw": 5, "color": BLUE}
    )
    axes.text(
        5.0, -0.3, "residual stream [batch, context, d_model]", color=BLUE, ha="center", fontsize=9
    )
    for left, name, colour, hook in (
        (2.0, "norm, then attention:\nfetches from earlier tokens", ORANGE, "hook_attn_out"),
        (6.0, "norm, then MLP:\nworks on this token alone", GREEN, "hook_mlp_out"),
    ):
        box = FancyBboxPatch(
            (left, 1.25), 2.3, 0.85, boxstyle="round,pad=0.08", facecolor="white", edgecolor=colour
        )
        box.set_linewidth(2)
        axes.add_patch(box)
        axes.text(left + 1.15, 1.68, name, ha="center", va="center", fontsize=9, color=ink)
        arrow = {"arrowstyle": "-|>", "lw": 2, "color": colour}
        axes.annotate("", (left + 0.3, 1.2), (left + 0.3, 0.06), arrowprops=arrow)
        axes.annotate("", (left + 2.0, 0.14), (left + 2.0, 1.2), arrowprops=arrow)
        axes.plot(
            left + 2.0, 0, "o", color="white", markeredgecolor=colour, markersize=13, zorder=4
        )
        axes.plot(left + 2.0, 0, "+", color=colour, markersize=9, markeredgewidth=2, zorder=5)
        axes.text(left + 0.2, 0.68, "reads", ha="right", fontsize=9, color=ink)
        axes.text(left + 2.12, 0.68, f"writes\n{hook}", fontsize=9, color=ink, va="center")
    for x, hook in ((0.9, "hook_resid_pre"), (9.3, "hook_resid_post")):
        axes.plot([x, x], [-0.5, 0.0], color=ink, linewidth=1)
        axes.plot(x, 0, marker="o", color="white", markeredgecolor=ink, markersize=7, zorder=4)
        axes.text(x, -0.62, f"blocks.{block}.{hook}", ha="center", va="top", fontsize=9, color=ink)
    axes.set(xlim=(-0.6, 10.6), ylim=(-1.1, 2.4), title=f"Block {block}")
    axes.set_axis_off()
    figure.set_facecolor("white")  # its ink is dark: a dark theme must not shine through
    return figure


def parts_of_stream(lengths: Mapping[str, float], total: float, title: str = "") -> Figure:
    """How long each part of the residual stream is, beside the length of their sum.

    **Arguments:** `lengths`, a name and a mean length for each part, in the order of writing;
    `total`, the mean length of the stream.
    **Returns:** the figure: a bar a part, embedding, attention and MLPs told apart by hatching.
    """
    figure, axes = _axes((7.2, 0.32 * len(lengths) + 1.7))
    for row, (name, length) in enumerate(lengths.items()):
        kind = 0 if "embed" in name else 1 if "attention" in name else 2
        axes.barh(
            row, length, color=(GREY, ORANGE, GREEN)[kind], hatch=("", "//", "..")[kind], alpha=0.9
        )
    axes.axvline(total, color=BLUE, linewidth=2, label="the stream: the sum of all")
    axes.set_yticks(range(len(lengths)), list(lengths))
    axes.invert_yaxis()
    axes.set(xlabel="mean length (model units)", title=title)
    axes.legend(fontsize=8, loc="lower right")
    return figure


def lengths_by_layer(others: Array, first: Array, title: str = "") -> Figure:
    """How long the residual stream is at each depth: most tokens as a band, the first as a line.

    **Arguments:** `others` [n_places, n], lengths at all positions but the first; `first`
    [n_places, n_contexts], at the first; places are before block 0, 1, ... and after the last.
    **Returns:** the figure, with a logarithmic vertical axis.
    """
    figure, axes = _axes((7.4, 3.8))
    depth = np.arange(len(others))
    low, middle, high = np.quantile(others, (0.05, 0.5, 0.95), axis=1)
    axes.fill_between(depth, low, high, color=BLUE, alpha=0.25, linewidth=0, label="90% of them")
    axes.plot(depth, middle, color=BLUE, marker="o", markersize=4, label="other positions, median")
    axes.plot(
        depth, np.median(first, axis=1), "--s", color=ORANGE, markersize=4, label="position 0 (BOS)"
    )
    axes.set_yscale("log")
    axes.set(
        xlabel="depth (blocks passed)",
        ylabel="length of the stream\n(model units, log scale)",
        title=title,
    )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(fontsize=8)
    return figure


def mixing(
    orders: Mapping[str, Array], title: str = "", rows_a_bin: int = 512, contexts_a_bin: int = 4
) -> Figure:
    """From which context each row of a stream comes, in the order in which the rows are dealt.

    **Arguments:** `orders`, for each way of dealing the contexts' numbers [n] of the rows;
    `rows_a_bin` and `contexts_a_bin`, over how many the rows are counted together.
    **Returns:** the figure: a panel a way, shaded by the number of rows, common axes and scale.
    """
    figure, grid = plt.subplots(
        1, len(orders), figsize=(9.6, 3.3), squeeze=False, layout="constrained", sharey=True
    )
    plt.close(figure)
    n_contexts = max(int(contexts.max()) for contexts in orders.values()) + 1
    # Each halving is one step of the same size: the shares ½, ¼, ⅛ of a buffer are to be seen.
    scale = LogNorm(1, rows_a_bin)
    for axes, (name, contexts) in zip(grid.flat, orders.items(), strict=True):
        when = np.arange(len(contexts) + rows_a_bin, step=rows_a_bin)
        where = np.arange(n_contexts + contexts_a_bin, step=contexts_a_bin)
        counts, *_ = np.histogram2d(np.arange(len(contexts)), contexts, bins=(when, where))
        image = axes.pcolormesh(
            when, where, np.ma.masked_less(counts.T, 1), norm=scale, cmap="cividis_r"
        )
        axes.set(xlabel="order of dealing (row)", xlim=(0, len(contexts)))
        axes.set_title(name, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    grid[0, 0].set_ylabel("where it comes from (context)")
    ticks = [2**k for k in range(0, rows_a_bin.bit_length(), 2)]
    bar = figure.colorbar(image, ax=grid, ticks=ticks, format="%d", pad=0.02)
    bar.minorticks_off()
    bar.set_label(f"rows (of {rows_a_bin} dealt,\nfrom {contexts_a_bin} contexts)", fontsize=8)
    figure.suptitle(title)
    return figure


def bytes_needed(widths: Mapping[str, int], marks: Mapping[str, float]) -> Figure:
    """How many bytes activations take in float16, against their number.

    **Arguments:** `widths`, a name and d_model for each model; `marks`, a name and bytes for each
    horizontal line, such as a laptop's memory.
    **Returns:** the figure, both axes logarithmic.
    """
    figure, axes = _axes((7.4, 4.0))
    tokens: Sequence[float] = [1e5, 1e10]
    for k, (name, width) in enumerate(widths.items()):
        sizes = [2 * width * n for n in tokens]
        label = f"{name}, d_model {width:,}"
        axes.plot(tokens, sizes, color=PALETTE[k], linestyle=_LINES[k % len(_LINES)], label=label)
    for name, size in marks.items():
        axes.axhline(size, color=GREY, linewidth=1)
        axes.text(9e9, size / 1.2, name, fontsize=8, color="#666666", ha="right", va="top")
    axes.axvline(1e8, color=GREY, linewidth=1, linestyle=":")
    axes.text(1.15e8, 1.3e15, "a hundred million", fontsize=8, color="#666666", ha="left", va="top")
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="activations (tokens, log scale)",
        ylabel="size in float16 (log scale)",
        xlim=(1e5, 1e10),
        ylim=(1e7, 2e15),
    )
    decades = range(7, 15)
    axes.set_yticks([10.0**k for k in decades], [_bytes_text(k) for k in decades])
    axes.legend(fontsize=8, loc="lower right")
    return figure


def _bytes_text(decade: int) -> str:
    unit = ("MB", "GB", "TB")[(decade - 6) // 3]
    return f"{10 ** (decade % 3)} {unit}"


def _axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
