"""Sliders over the course's figures. A slider only calls a plot function again."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def slide(
    figure_at: Callable[[float], Figure], label: str, low: float, high: float, start: float
) -> ipywidgets.VBox:
    """A slider above a picture that is drawn anew for each value.

    The picture is an image widget, not captured output, so that an error in `figure_at` reaches
    the caller for the first picture; nothing runs before this function is called.

    **Arguments:** `figure_at`, from the slider's value to a figure; `label`, with the unit;
    `low`, `high` and `start`, values of the slider.
    **Returns:** the widget; put it last in a cell.
    **Raises:** `ValueError` unless low <= start <= high and low < high.
    """
    if not low < high or not low <= start <= high:
        raise ValueError(
            f"slide: needs low < high and start between them, but got {low=}, {high=}, {start=}"
        )
    slider = ipywidgets.FloatSlider(
        value=start,
        min=low,
        max=high,
        step=(high - low) / 40,
        description=label,
        continuous_update=False,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="28em"),
    )
    return _with_picture(slider, figure_at)


def density_slider(
    figure_at: Callable[[int], Figure], densities: Sequence[float], start: int = 0
) -> ipywidgets.VBox:
    """A slider that steps through a ladder of densities, and the picture of the chosen one.

    **Arguments:** `figure_at`, from a rung's index to a figure; `densities`, one for each rung;
    `start`, the rung shown first.
    **Returns:** the widget; put it last in a cell.
    **Raises:** `ValueError` when there is no rung, or no rung `start`.
    """
    if not 0 <= start < len(densities):
        raise ValueError(
            f"density_slider: start must be one of the {len(densities)} rungs, but it is {start}"
        )
    slider = ipywidgets.SelectionSlider(
        options=[(f"{density:g}", rung) for rung, density in enumerate(densities)],
        value=start,
        description="density",
        continuous_update=False,
        layout=ipywidgets.Layout(width="28em"),
    )
    return _with_picture(slider, figure_at)


def _with_picture(slider: Any, figure_at: Callable[[Any], Figure]) -> ipywidgets.VBox:
    picture = ipywidgets.Image(
        value=_png(figure_at(slider.value)),
        format="png",
        layout=ipywidgets.Layout(align_self="flex-start", max_width="100%"),  # no stretching
    )

    def redraw(change: dict[str, Any]) -> None:
        picture.value = _png(figure_at(change["new"]))

    slider.observe(redraw, names="value")
    return ipywidgets.VBox([slider, picture])


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    plt.close(figure)
    return buffer.getvalue()
