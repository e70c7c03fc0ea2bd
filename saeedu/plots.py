"""The course's figures. Each function draws one figure from plain arrays and returns it.

Colours are Okabe and Ito's, which people with the common kinds of colour blindness can tell
apart; where it matters a marker or a line style says the same as the colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import ArrayLike

from saeedu.shapes import Array

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
PINK, SKY, AMBER = "#CC79A7", "#56B4E9", "#E69F00"
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, AMBER)
GREY = "#8A8A8A"
INK = "#333333"
_LINES = ("-", "--", ":", "-.")
_MARKERS = ("o", "s", "^", "D", "v", "P")


def plane(x: Array, arrows: Mapping[str, Array] | None = None, title: str = "") -> Figure:
    """Samples in two dimensions as dots, with families of directions as arrows from the origin.

    **Arguments:** `x` [n, 2]; `arrows`, a name and its rows [m, 2] for each family; `title`.
    **Returns:** the figure.
    **Raises:** `ValueError` when the samples do not have two dimensions.
    """
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"plane: x must have shape [n, 2], but it has {list(x.shape)}")
    figure, (axes,) = _blank(1, (5.2, 5.2))
    axes.scatter(
        x[:, 0], x[:, 1], s=10, color=INK, alpha=0.5, linewidths=0, label="samples", zorder=3
    )
    for k, (name, rows) in enumerate((arrows or {}).items()):
        for i, (u, v) in enumerate(rows):
            axes.plot(
                [0, u],
                [0, v],
                color=PALETTE[k % len(PALETTE)],
                linestyle=_LINES[k % len(_LINES)],
                linewidth=3.5,
                alpha=0.75,
                markersize=8,
                marker=_MARKERS[k % len(_MARKERS)],
                markevery=[1],
                label=name if i == 0 else None,
            )
    axes.set(xlabel="dimension 0 (units of x)", ylabel="dimension 1 (units of x)", title=title)
    axes.set_aspect("equal")
    if arrows:
        figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def cosine_heatmap(similarities: Array, row_name: str, column_name: str, title: str = "") -> Figure:
    """A matrix of cosines: blue for opposed, white for orthogonal, red for parallel.

    **Arguments:** `similarities` [rows, columns], each between -1 and 1; the two axes' names.
    **Returns:** the figure.
    """
    figure, (axes,) = _blank(1, (5.6, 4.8))
    image = axes.imshow(similarities, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    figure.colorbar(image, ax=axes, label="cosine (no unit)")
    axes.set(xlabel=f"{column_name} (index)", ylabel=f"{row_name} (index)", title=title)
    return figure


def best_matches(similarities: Mapping[str, Array], title: str = "") -> Figure:
    """For each dictionary, every feature's best cosine as a dot and their mean (MMCS) as a bar.

    **Arguments:** `similarities`, a name and [n_features, d_sae] for each dictionary.
    **Returns:** the figure.
    """
    figure, (axes,) = _blank(1, (7.0, 0.75 * len(similarities) + 1.6))
    spread = np.random.default_rng(0)  # jitter, so that dots do not hide each other
    for row, (_name, cosines) in enumerate(similarities.items()):
        best = np.max(cosines, axis=1)
        height = row + spread.uniform(-0.16, 0.16, len(best))
        axes.scatter(
            best, height, s=16, color=BLUE, alpha=0.6, label="a feature" if row == 0 else None
        )
        axes.plot(
            [best.mean()] * 2,
            [row - 0.32, row + 0.32],
            color=ORANGE,
            linewidth=3,
            label="mean of the row (MMCS)" if row == 0 else None,
        )
    axes.set_yticks(range(len(similarities)), list(similarities))
    axes.set_ylim(len(similarities) - 0.5, -0.5)
    axes.set_xlim(0, 1.03)
    axes.set(xlabel="cosine with the best match in the dictionary (no unit)", title=title)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
    return figure


def curves(
    x: Sequence[float] | Array,
    series: Mapping[str, ArrayLike],
    x_label: str,
    y_label: str,
    x_scale: str = "linear",
    title: str = "",
) -> Figure:
    """Lines over a common horizontal axis, each with its own colour, dash and marker.

    **Arguments:** `x` [n]; `series`, a name and [n] for each line; labels with units; `x_scale`,
    a scale that matplotlib knows, such as "log".
    **Returns:** the figure.
    """
    figure, (axes,) = _blank(1, (6.4, 4.0))
    _draw_curves(axes, x, series)
    axes.set_xscale(x_scale)
    axes.set(xlabel=x_label, ylabel=y_label, title=title)
    axes.legend(fontsize=8)
    return figure


def forward_pass(x: Array, latents: Array, x_hat: Array, title: str = "") -> Figure:
    """One sample on its way through an autoencoder: three columns of cells, wide in the middle.

    **Arguments:** `x` [d_in], `latents` [d_sae] and `x_hat` [d_in] of one sample.
    **Returns:** the figure.
    """
    figure, (axes,) = _blank(1, (7.0, 4.8))
    scale = float(max(np.max(np.abs(values)) for values in (x, latents, x_hat)))
    columns = {"x": x, "latents": latents, "reconstruction": x_hat}
    for k, (name, values) in enumerate(columns.items()):
        left, half = 4.0 * k, len(values) / 2
        image = axes.imshow(
            values[:, None],
            extent=(left, left + 1, -half, half),
            cmap="RdBu_r",
            vmin=-scale,
            vmax=scale,
            aspect="auto",
        )
        axes.add_patch(Rectangle((left, -half), 1, 2 * half, fill=False, edgecolor=INK))
        axes.text(left + 0.5, half + 0.7, name, ha="center", fontsize=10)
        axes.text(left + 0.5, -half - 1.6, f"[{len(values)}]", ha="center", fontsize=9)
    for left, label, before, after in ((1, "encode", x, latents), (5, "decode", latents, x_hat)):
        # A funnel from column to column: the wide middle is the point of the picture.
        a, b = len(before) / 2, len(after) / 2
        corners = [(left, a), (left + 3, b), (left + 3, -b), (left, -a)]
        axes.add_patch(Polygon(corners, color=SKY, alpha=0.18, linewidth=0))
        axes.annotate("", (left + 2.3, 0), (left + 0.7, 0), arrowprops={"arrowstyle": "->"})
        axes.text(left + 1.5, 0.8, label, ha="center", fontsize=10)
    tallest = max(len(values) for values in columns.values()) / 2
    axes.set(xlim=(-0.7, 9.7), ylim=(-tallest - 2.4, tallest + 2.0))
    axes.set_axis_off()
    figure.colorbar(image, ax=axes, label="value (units of x)", shrink=0.6)
    figure.suptitle(title)
    return figure


def two_codes(codes: Mapping[str, Array], title: str = "") -> Figure:
    """Codes of one and the same sample under each other, as bars with a common vertical axis.

    **Arguments:** `codes`, a name and the latents [d_sae] of one sample for each code.
    **Returns:** the figure.
    """
    figure, panels = _blank(len(codes), (7.0, 1.7 * len(codes) + 0.6), stacked=True)
    top = 1.15 * max(float(np.max(code)) for code in codes.values())
    for k, (axes, (name, code)) in enumerate(zip(panels, codes.items(), strict=True)):
        axes.bar(np.arange(len(code)), code, color=PALETTE[k % len(PALETTE)])
        axes.set(ylim=(0, top), ylabel="latent\n(units of x)")
        axes.set_title(name, fontsize=10, loc="left")
    panels[-1].set_xlabel("latent (index)")
    figure.suptitle(title)
    return figure


def readings(coefficients: Array, latents: Array, title: str = "") -> Figure:
    """What each latent read, against how strongly its feature was truly present.

    **Arguments:** `coefficients`, the truth, and `latents`, both [n, n_features], in the same
    order of features; shown are at most 6,000 pairs of each kind.
    **Returns:** the figure: features that are present on the left, absent ones on the right.
    """
    figure, (present_axes, absent_axes) = _blank(2, (8.6, 3.9))
    present = coefficients > 0
    truth, read = coefficients[present][:6000], latents[present][:6000]
    present_axes.scatter(truth, read, s=7, color=BLUE, alpha=0.3, linewidths=0)
    present_axes.plot([0, 1], [0, 1], color=ORANGE, linestyle="--", label="perfect reading")
    present_axes.set(
        xlabel="true coefficient (units of x)",
        ylabel="latent (units of x)",
        xlim=(0, 1.02),
        ylim=(-0.05, 1.8),
    )
    present_axes.set_title("Features that are present", fontsize=10)
    present_axes.legend(fontsize=8, loc="upper left")
    false = latents[~present]
    absent_axes.hist(false[false > 0], bins=np.linspace(0, 1.2, 41).tolist(), color=PINK)
    absent_axes.set_yscale("log")
    absent_axes.set(xlabel="latent (units of x)", ylabel="how many (count)", ylim=(0.8, None))
    share = float(np.mean(false > 0))
    absent_axes.set_title(f"Features that are absent: {share:.0%} read as present", fontsize=10)
    figure.suptitle(title)
    return figure


def bias_sweep(
    biases: Sequence[float] | Array, fvu: ArrayLike, active: ArrayLike, true_active: float
) -> Figure:
    """Error and sparsity side by side as the encoder's bias varies.

    **Arguments:** `biases` [n]; `fvu` [n], the fraction of variance unexplained; `active` [n],
    the L0; `true_active`, how many features a sample really has.
    **Returns:** the figure.
    """
    figure, (left, right) = _blank(2, (8.6, 3.6))
    _draw_curves(left, biases, {"FVU": fvu})
    left.axhline(1, color=GREY, linestyle="--", label="predicting the mean")
    left.set(xlabel="b_enc (units of x)", ylabel="variance unexplained (fraction)")
    left.set_ylim(bottom=0)
    left.legend(fontsize=8)
    _draw_curves(right, biases, {"L0": active})
    right.axhline(true_active, color=GREY, linestyle="--", label="features truly present")
    right.set(xlabel="b_enc (units of x)", ylabel="active latents a sample (count)")
    right.set_ylim(bottom=0)
    right.legend(fontsize=8)
    return figure


def _draw_curves(axes: Axes, x: Sequence[float] | Array, series: Mapping[str, ArrayLike]) -> None:
    for k, (name, y) in enumerate(series.items()):
        axes.plot(
            x,
            np.asarray(y),
            color=PALETTE[k % len(PALETTE)],
            linestyle=_LINES[k % len(_LINES)],
            marker=_MARKERS[k % len(_MARKERS)] if len(x) <= 40 else "",
            markersize=4,
            label=name,
        )


def _blank(
    panels: int, size: tuple[float, float], stacked: bool = False
) -> tuple[Figure, list[Axes]]:
    shape = (panels, 1) if stacked else (1, panels)
    figure, grid = plt.subplots(
        *shape, figsize=size, squeeze=False, layout="constrained", sharex=stacked
    )
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, list(grid.flat)
