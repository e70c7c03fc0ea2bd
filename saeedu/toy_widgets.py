"""A slider over the densities of a ladder of toy models."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


def density_slider(
    figure_at: Callable[[int], Figure], densities: Sequence[float], start: int = 0
) -> Any:
    """A slider that steps through a ladder of densities, and the picture of the chosen one.

    The pictures are drawn by an ordinary function, called once here for the first of them, so
    that its errors reach the caller.

    **Arguments:** `figure_at`, from a rung's index to a figure; `densities`, one for each rung;
    `start`, the rung shown first.
    **Returns:** the widget; put it last in a cell.
    **Raises:** `ValueError` when there is no rung, or no rung `start`.
    """
    import ipywidgets

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
    picture = ipywidgets.Image(value=_png(figure_at(start)), format="png")

    def redraw(change: dict[str, int]) -> None:
        picture.value = _png(figure_at(change["new"]))

    slider.observe(redraw, names="value")
    return ipywidgets.VBox([slider, picture])


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    plt.close(figure)
    return buffer.getvalue()
