"""The pictures of toy models: features in the plane, their overlaps, and how training moves them.

Every function draws one figure from plain arrays and returns it. Colours and names as in
`saeedu.plots`.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saeedu.plots import GREY, PALETTE
from saeedu.shapes import Array

_REACH = 1.45  # half the width of a panel: trained features are at most a little longer than 1


def samples(x: Array, names: Sequence[str], n_shown: int = 24) -> Figure:
    """The first samples of each instance as a grid: a row a sample, darker where a value is larger.

    **Arguments:** `x` [n_instances, batch, n], between 0 and 1; a name for each instance.
    **Returns:** the figure.
    """
    figure, panels = _grid(1, len(x), (2.0 * len(x) + 0.8, 4.4))
    for axes, instance, name in zip(panels[0], x, names, strict=True):
        image = axes.imshow(
            instance[:n_shown], cmap="Greys", vmin=0, vmax=1, aspect="auto", interpolation="nearest"
        )
        axes.set(xlabel="feature (index)", title=name)
        axes.set_xticks(range(x.shape[2]))
    panels[0][0].set_ylabel("sample (index)")
    figure.colorbar(image, ax=list(panels[0]), label="value (no unit)")
    return figure


def features(W: Array, names: Sequence[str], title: str = "") -> Figure:
    """The features of several models as arrows in their two hidden dimensions, side by side.

    **Arguments:** `W` [n_models, 2, n]; a name for each model.
    **Returns:** the figure. An arrow shorter than 0.1 is a dot at the origin.
    **Raises:** `ValueError` when there are not two hidden dimensions.
    """
    _require_plane("features", W)
    figure, panels = _grid(1, len(W), (2.5 * len(W) + 0.4, 3.0))
    for axes, weights, name in zip(panels[0], W, names, strict=True):
        _draw_features(axes, weights)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("hidden dimension 0 (no unit)", fontsize=8)
    panels[0][0].set_ylabel("hidden dimension 1 (no unit)", fontsize=8)
    figure.suptitle(title)
    return figure


def strip(history: Array, steps: Sequence[int] | Array, names: Sequence[str]) -> Figure:
    """Features moving apart in training: a row for each model, a column for each moment.

    **Arguments:** `history` [n_frames, n_models, 2, n]; `steps` [n_frames]; a name for each model.
    **Returns:** the figure.
    **Raises:** `ValueError` when there are not two hidden dimensions.
    """
    _require_plane("strip", history[0])
    n_frames, n_models = history.shape[:2]
    figure, panels = _grid(n_models, n_frames, (1.65 * n_frames + 0.6, 1.75 * n_models + 0.4))
    for row, name in enumerate(names):
        for column, step in enumerate(steps):
            axes = panels[row][column]
            _draw_features(axes, history[column, row], labels=column == n_frames - 1)
            axes.set(xticks=[], yticks=[])
            if row == 0:
                axes.set_title(f"step {step}", fontsize=9)
        panels[row][0].set_ylabel(name, fontsize=9)
    figure.supxlabel("hidden dimension 0 (no unit); the dotted circle has radius 1", fontsize=8)
    return figure


def overlaps(W: Array, b: Array, names: Sequence[str]) -> Figure:
    """How much of each feature is read in the place of each other one, with the bias beside it.

    **Arguments:** `W` [n_models, m, n]; `b` [n_models, n]; a name for each model.
    **Returns:** the figure: for each model W^T W as a heat map, and its bias as a column.
    """
    figure, panels = _grid(
        1, 2 * len(W), (3.1 * len(W) + 0.8, 3.1), widths=[W.shape[2], 1] * len(W)
    )
    for i, name in enumerate(names):
        matrix, column = panels[0][2 * i : 2 * i + 2]
        image = _draw_numbers(matrix, W[i].T @ W[i])
        _draw_numbers(column, b[i][:, None])
        matrix.set(xlabel="feature that is on (index)", ylabel="output (index)")
        matrix.set_title(f"{name}: $W^T W$", fontsize=10)
        column.set_xticks([0], ["b"])
        column.set_yticks([])
    figure.colorbar(image, ax=list(panels[0]), label="weight (no unit)", shrink=0.8)
    return figure


def answers(raw: Array, with_bias: Array, feature: int, names: Sequence[str]) -> Figure:
    """What each output says when one feature alone is on, before and after bias and ReLU.

    **Arguments:** `raw` [n_models, n], the overlaps with that feature; `with_bias` [n_models, n],
    the model's answers; `feature`, the index of the one that is on; a name for each model.
    **Returns:** the figure.
    """
    figure, panels = _grid(1, len(raw), (3.9 * len(raw), 3.3))
    at = np.arange(raw.shape[1])
    for axes, before, after, name in zip(panels[0], raw, with_bias, names, strict=True):
        axes.bar(at - 0.2, before, 0.36, color=PALETTE[4], label="overlap alone", hatch="//")
        axes.bar(at + 0.2, after, 0.36, color=PALETTE[1], label="after bias and ReLU")
        axes.axhline(0, color="black", linewidth=0.8)
        axes.axhline(1, color=GREY, linewidth=1, linestyle=":")
        axes.set(xlabel="output (index)", ylim=(-1.3, 1.75))
        axes.set_title(name, fontsize=10)
    panels[0][0].set_ylabel("answer (units of the feature)")
    panels[0][0].legend(fontsize=8, loc="upper right")
    figure.suptitle(f"Feature {feature} is fully on, all others are off", fontsize=11)
    return figure


def losses(steps: Array, curves: Array, names: Sequence[str], title: str = "") -> Figure:
    """Loss in the course of training, one line for each model.

    **Arguments:** `steps` [n_frames]; `curves` [n_frames, n_models]; a name for each model.
    **Returns:** the figure, with logarithmic axes; step 0 is drawn at one half.
    """
    figure, panels = _grid(1, 1, (6.4, 3.8))
    axes = panels[0][0]
    for k, name in enumerate(names):
        axes.plot(
            np.maximum(steps, 0.5),
            curves[:, k],
            color=PALETTE[k % len(PALETTE)],
            linestyle=("-", "--", ":", "-.")[k % 4],
            label=name,
        )
    axes.set(xscale="log", yscale="log", title=title)
    axes.set(xlabel="step (count)", ylabel="loss (squared units of x)")
    axes.legend(fontsize=8)
    return figure


def prices(densities: Array, relative: Array, names: Sequence[str]) -> Figure:
    """What each of several designs costs at each density, relative to the best linear model.

    **Arguments:** `densities` [k]; `relative` [n_designs, k], loss divided by the best linear
    model's; a name for each design.
    **Returns:** the figure, with a logarithmic density.
    """
    figure, panels = _grid(1, 1, (6.4, 3.8))
    axes = panels[0][0]
    styles = ("-o", "--s", ":^", "-.D")
    for k, (name, line) in enumerate(zip(names, relative, strict=True)):
        axes.plot(densities, line, styles[k % len(styles)], color=PALETTE[k], label=name)
    axes.axhline(1, color=GREY, linewidth=1)
    axes.annotate("the best linear model", (densities[0], 1), (2, 12), textcoords="offset points")
    axes.set(xscale="log", ylim=(0, 2))
    axes.set(xlabel="density (probability)", ylabel="loss / best linear loss (no unit)")
    axes.legend(fontsize=8)
    return figure


def rung(W: Array, b: Array, name: str) -> Figure:
    """One model: its features in the plane, and beside them W^T W with the bias.

    **Arguments:** `W` [2, n]; `b` [n]; `name`, for the title.
    **Returns:** the figure.
    **Raises:** `ValueError` when there are not two hidden dimensions.
    """
    _require_plane("rung", W[None])
    figure, panels = _grid(1, 3, (7.2, 3.3), widths=[W.shape[1], W.shape[1], 1])
    plane, matrix, column = panels[0]
    _draw_features(plane, W)
    plane.set(xlabel="hidden dimension 0 (no unit)", ylabel="hidden dimension 1 (no unit)")
    _draw_numbers(matrix, W.T @ W)
    _draw_numbers(column, b[:, None])
    matrix.set(xlabel="feature that is on (index)", ylabel="output (index)")
    matrix.set_title("$W^T W$", fontsize=10)
    column.set_xticks([0], ["b"])
    column.set_yticks([])
    figure.suptitle(name)
    return figure


def _draw_features(axes: Axes, W: Array, labels: bool = True) -> None:
    turn = np.linspace(0, 2 * np.pi, 100)
    axes.plot(np.cos(turn), np.sin(turn), color=GREY, linewidth=0.8, linestyle=":")
    for i, (u, v) in enumerate(W.T):
        colour = PALETTE[i % len(PALETTE)]
        length = float(np.hypot(u, v))
        axes.plot([0, u], [0, v], color=colour, linewidth=2.4, solid_capstyle="round")
        axes.plot(u, v, "o", color=colour, markersize=6)
        if labels and length > 0.1:
            scale = 1 + 0.24 / length
            axes.text(u * scale, v * scale, str(i), ha="center", va="center", fontsize=9)
    axes.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH))
    axes.set_aspect("equal")


def _draw_numbers(axes: Axes, values: Array):  # type: ignore[no-untyped-def]  # an AxesImage
    image = axes.imshow(values, cmap="RdBu_r", vmin=-1.3, vmax=1.3, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = f"{value:.1f}".replace("-0.0", "0.0")
        colour = "white" if abs(value) > 0.8 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(values.shape[1]))
    axes.set_yticks(range(values.shape[0]))
    axes.spines[["left", "bottom"]].set_visible(False)
    return image


def _require_plane(function: str, W: Array) -> None:
    if W.ndim != 3 or W.shape[1] != 2:
        raise ValueError(
            f"toy_plots.{function}: each model needs W of shape [2, n], but they are "
            f"{list(W.shape[1:])}; only two hidden dimensions can be drawn"
        )


def _grid(
    rows: int, columns: int, size: tuple[float, float], widths: Sequence[float] | None = None
) -> tuple[Figure, list[list[Axes]]]:
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=size,
        squeeze=False,
        layout="constrained",
        gridspec_kw=None if widths is None else {"width_ratios": list(widths)},
    )
    # A figure left open would be shown twice in a notebook: once by pyplot, once as the result.
    plt.close(figure)
    for axes in grid.flat:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, [list(row) for row in grid]
