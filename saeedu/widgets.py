"""Sliders over the figures of `saeedu.plots`. A slider only calls a plot function again."""

from __future__ import annotations

import io
from collections.abc import Callable

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
    picture = ipywidgets.Image(
        value=_png(figure_at(start)),
        format="png",
        layout=ipywidgets.Layout(align_self="flex-start", max_width="100%"),  # no stretching
    )

    def redraw(change: dict[str, float]) -> None:
        picture.value = _png(figure_at(change["new"]))

    slider.observe(redraw, names="value")
    return ipywidgets.VBox([slider, picture])


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    plt.close(figure)
    return buffer.getvalue()
