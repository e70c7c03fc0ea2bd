"""Chapter 04's pictures: the graph, slopes, the ReLU's gate, and steps on the unit circle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from saeedu.plots import BLUE, GREEN, GREY, INK, ORANGE, PINK
from saeedu.shapes import Array

# The autoencoder as a graph: name, what is written in the box, and where the box stands.
_BOXES = {
    "x": ("x\n[batch, d_in]", 0.0, 1.0),
    "centred": ("x − b_dec\n[batch, d_in]", 2.2, 1.0),
    "pre_acts": ("pre_acts\n[batch, d_sae]", 4.6, 1.0),
    "latents": ("latents\n[batch, d_sae]", 7.0, 1.0),
    "x_hat": ("x_hat\n[batch, d_in]", 9.4, 1.0),
    "loss": ("loss\na number", 12.2, 1.0),
    "b_dec": ("b_dec\n[d_in]", 2.2, -0.95),
    "W_enc": ("W_enc\n[d_in, d_sae]", 3.9, 2.55),
    "b_enc": ("b_enc\n[d_sae]", 5.5, 2.55),
    "W_dec": ("W_dec\n[d_sae, d_in]", 8.4, 2.55),
}
_STYLES = (("-", BLUE), ("--", ORANGE), (":", PINK), ("-.", GREEN))
_PARAMETERS = ("b_dec", "W_enc", "b_enc", "W_dec")


def computation_graph() -> Figure:
    """What depends on what in the autoencoder, with the two paths out of `b_dec` picked out.

    **Returns:** the figure.
    """
    figure, axes = _axes((11.0, 4.4))
    axes.axis("off")
    patches = {name: _box(axes, name) for name in _BOXES}

    def connect(start: str, end: str, colour: str, bend: float = 0.0, style: str = "-") -> None:
        axes.add_patch(
            FancyArrowPatch(
                _BOXES[start][1:],
                _BOXES[end][1:],
                patchA=patches[start],
                patchB=patches[end],
                connectionstyle=f"arc3,rad={bend}",
                arrowstyle="-|>",
                mutation_scale=16,
                shrinkA=3,
                shrinkB=3,
                color=colour,
                lw=3 if start == "b_dec" else 1.6,
                linestyle=style,
                zorder=1,
            )
        )

    for start, end in pairwise(("x", "centred", "pre_acts", "latents", "x_hat", "loss")):
        connect(start, end, GREY)
    connect("x", "loss", GREY, bend=-0.42)
    connect("latents", "loss", GREY, bend=0.42)
    for name, end in (("W_enc", "pre_acts"), ("b_enc", "pre_acts"), ("W_dec", "x_hat")):
        connect(name, end, ORANGE)
    connect("b_dec", "centred", PINK)
    connect("b_dec", "x_hat", PINK, bend=0.22, style="--")
    for text, across, up in (
        ("@ W_enc + b_enc", 3.4, 1.55),
        ("ReLU", 5.8, 1.3),
        ("@ W_dec + b_dec", 7.9, 1.6),
        ("squared error", 10.8, 1.34),
        ("L1 penalty", 9.3, -0.45),
    ):
        axes.text(across, up, text, ha="center", va="center", fontsize=9, color="#444444")
    axes.text(2.35, 0.05, "path 1: subtracted", ha="left", va="center", fontsize=10, color=PINK)
    axes.text(4.6, -1.4, "path 2: added", ha="center", va="center", fontsize=10, color=PINK)
    axes.set(xlim=(-0.9, 13.0), ylim=(-1.9, 4.2))
    return figure


def _box(axes: Axes, name: str) -> Patch:
    text, across, up = _BOXES[name]
    colour = PINK if name == "b_dec" else ORANGE if name in _PARAMETERS else BLUE
    written = axes.text(
        across,
        up,
        text,
        ha="center",
        va="center",
        fontsize=10,
        bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour, "lw": 2},
        zorder=3,
    )
    patch = written.get_bbox_patch()
    assert patch is not None  # it was just asked for
    return patch


def slope_by_differences(f: Callable[[float], float], at: float, eps: float) -> Figure:
    """A curve, its tangent at one point, and its slope by a one-sided and a central difference.

    **Arguments:** `f`, of one number; `at`, the point; `eps`, large enough to be seen.
    **Returns:** the figure.
    """
    figure, axes = _axes((6.4, 4.2))
    grid = np.linspace(at - 2.2 * eps, at + 2.2 * eps, 200)
    axes.plot(grid, [f(float(v)) for v in grid], color=GREY, lw=2.5, label="f")
    pairs = (
        ("one-sided", at, at + eps, ORANGE, "--", "s"),
        ("central", at - eps, at + eps, BLUE, "-", "o"),
    )
    for name, left, right, colour, style, marker in pairs:
        slope = (f(right) - f(left)) / (right - left)
        line = f(left) + slope * (grid - left)
        axes.plot(grid, line, style, color=colour, lw=1.8, label=f"{name}: slope {slope:.3f}")
        axes.plot([left, right], [f(left), f(right)], marker, color=colour, markersize=8)
    tiny = 1e-5  # short enough that the eye takes this difference for the tangent
    tangent = (f(at + tiny) - f(at - tiny)) / (2 * tiny)
    axes.plot(
        grid,
        f(at) + tangent * (grid - at),
        "-.",
        color=INK,
        lw=0.9,
        label=f"tangent: slope {tangent:.3f}",
    )
    axes.axvline(at, color=GREY, lw=1, ls=":")
    axes.set(xlabel="the nudged entry (its own units)", ylabel="f (units of the loss)")
    axes.legend(fontsize=9)
    return figure


def difference_errors(epsilons: Array, one_sided: Array, central: Array) -> Figure:
    """How wrong each kind of difference is, from a nudge far too small to one far too large.

    **Arguments:** `epsilons` [n]; the absolute errors [n] of the two kinds.
    **Returns:** the figure, with logarithmic axes.
    """
    figure, axes = _axes((6.4, 4.2))
    axes.loglog(epsilons, one_sided, "s--", color=ORANGE, label="one-sided", markersize=5)
    axes.loglog(epsilons, central, "o-", color=BLUE, label="central", markersize=5)
    axes.axvline(1e-5, color=GREY, lw=1, ls=":")
    axes.annotate("our eps", (1e-5, axes.get_ylim()[1]), (4, -12), textcoords="offset points")
    axes.set(xlabel="eps (units of the nudged entry)", ylabel="error of the slope (absolute)")
    axes.legend(fontsize=9)
    return figure


def relu_gate(pre_acts: Array, d_latents: Array) -> Figure:
    """The ReLU with its slopes, and the gate that it makes for a small batch of gradients.

    **Arguments:** `pre_acts` and `d_latents`, both [batch, d_sae] and small.
    **Returns:** the figure: the curve on the left, the numbers that pass on the right.
    """
    figure, (left, *panels) = plt.subplots(1, 4, figsize=(11.5, 3.4), layout="constrained")
    plt.close(figure)
    grid = np.linspace(-2, 2, 101)
    left.plot(grid, np.maximum(grid, 0), color=BLUE, lw=2.5)
    left.plot([0], [0], "o", color=ORANGE, markersize=9)
    left.annotate("slope 0\nshut", (-1.3, 0.25), ha="center")
    left.annotate("slope 1\nopen", (0.55, 1.45), ha="center")
    left.annotate("the kink: 0,\nby convention", (0, 0), (0.35, -0.62), color=ORANGE)
    left.set(xlabel="pre-activation (units of x)", ylabel="latent (units of x)", ylim=(-0.7, 2.1))
    left.spines[["top", "right"]].set_visible(False)
    titles = ("pre_acts decide", "d_latents arrive", "d_pre_acts leave")
    shut = pre_acts <= 0
    tables = (pre_acts, d_latents, np.where(shut, 0.0, d_latents))
    for axes, values, title in zip(panels, tables, titles, strict=True):
        axes.imshow(np.where(shut, 1.0, 0.0), cmap="Greys", vmin=0, vmax=3.5)
        for (row, column), value in np.ndenumerate(values):
            text = "0" if value == 0 else f"{value:+.1f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=11)
        axes.set_xticks(range(pre_acts.shape[1]))
        axes.set_yticks(range(pre_acts.shape[0]))
        axes.set(xlabel="latent (index)", ylabel="sample (index)")
        axes.set_title(title, fontsize=10)
    return figure


def step_on_the_circle(row: Array, gradient: Array, learning_rate: float) -> Figure:
    """One decoder row in two dimensions: its gradient taken apart, and the step along the tangent.

    **Arguments:** `row` [2], of length one; `gradient` [2], with respect to it; `learning_rate`.
    **Returns:** the figure.
    """
    figure, axes = _axes((6.6, 5.2))
    around = np.linspace(0, 2 * np.pi, 400)
    axes.plot(np.cos(around), np.sin(around), color=GREY, lw=1.5)
    radial = (gradient @ row) * row
    tangent = gradient - radial
    end = row - learning_rate * tangent
    back = end / np.linalg.norm(end)
    arrows = (
        (np.zeros(2), row, GREY, "-", "decoder row w"),
        (row, row - learning_rate * gradient, ORANGE, "--", "whole step: −lr · gradient"),
        (row, row - learning_rate * radial, PINK, ":", "its radial part, removed"),
        (row, end, BLUE, "-", "its tangent part, kept"),
        (end, back, GREEN, "-", "renormalising: back to the circle"),
    )
    for start, stop, colour, style, label in arrows:
        axes.annotate(
            "",
            tuple(stop),
            tuple(start),
            arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2, "ls": style},
        )
        axes.plot([], [], color=colour, ls=style, lw=2, label=label)
    axes.plot(*end, "o", color=BLUE, markersize=6)
    axes.annotate(
        f"length {np.linalg.norm(end):.2f}", tuple(end), (8, 4), textcoords="offset points"
    )
    axes.set(xlabel="entry 0 of the row (no unit)", ylabel="entry 1 of the row (no unit)")
    axes.set_aspect("equal")
    axes.set(xlim=(-0.1, 1.75), ylim=(-0.1, 1.35))
    axes.legend(fontsize=8, loc="upper right")
    return figure


def norm_drift(steps: Sequence[int], norms: dict[str, Sequence[float]]) -> Figure:
    """Mean length of the decoder's rows in the course of several descents.

    **Arguments:** `steps` [n]; for each descent its name and the mean row norms [n].
    **Returns:** the figure: everything on the left; on the right, magnified, the lines that stay
    near one.
    """
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    plt.close(figure)
    for axes, top, title in zip(
        panels, (None, 1.0015), ("All", "Those near 1, magnified"), strict=True
    ):
        for (name, line), (style, colour) in zip(norms.items(), _STYLES, strict=False):
            if top is None or max(line) < top:
                axes.plot(steps, line, style, color=colour, lw=2, label=name)
        if top is not None:
            axes.set_ylim(0.9998, top)
        axes.ticklabel_format(useOffset=False)
        axes.set(xlabel="step (count)", ylabel="mean row norm of W_dec (no unit)", title=title)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(fontsize=8)
    return figure


def descents(steps: Sequence[int], runs: dict[str, dict[str, Sequence[float]]]) -> Figure:
    """Loss and MMCS in the course of one or more descents.

    **Arguments:** `steps` [n]; for each run its name and its lines, `"loss"` and `"mmcs"` [n].
    **Returns:** the figure: loss on the left, MMCS on the right.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    plt.close(figure)
    for (name, run), (style, colour) in zip(runs.items(), _STYLES, strict=False):
        left.plot(steps, run["loss"], style, color=colour, lw=2, label=name)
        right.plot(steps, run["mmcs"], style, color=colour, lw=2, label=name)
    left.set_yscale("log")
    left.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 4.0, 8.0)))
    left.yaxis.set_major_formatter(ScalarFormatter())
    left.yaxis.set_minor_formatter(NullFormatter())
    left.set(xlabel="step (count)", ylabel="loss (squared units of x)")
    right.set(xlabel="step (count)", ylabel="MMCS (no unit)", ylim=(0.5, 1.0))
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8)
    return figure


def _axes(size: tuple[float, float]) -> tuple[Figure, Axes]:
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    plt.close(figure)  # left open it would be shown twice: by pyplot, and as the cell's result
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
