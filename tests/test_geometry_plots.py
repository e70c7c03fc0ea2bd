"""Chapter 02's pictures show the numbers that they are given, and name their axes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from saeedu import geometry_plots as pictures
from saeedu import toy_geometry as geometry

rng = np.random.default_rng(0)
W = rng.standard_normal((3, 2, 4))


def panels(figure: Figure) -> list[Axes]:
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


FIGURES = {
    "norms": lambda: pictures.norms_and_interference(W, ["a", "b", "c"]),
    "arrangements": lambda: pictures.arrangements({"pentagon": geometry.regular_polygon(5)}),
    "plateaus": lambda: pictures.plateaus([1.0, 0.5], rng.random((2, 9)), [0.9, 0.5], 0.2),
    "phases": lambda: pictures.phase_maps(
        np.geomspace(0.01, 1, 3), np.geomspace(0.1, 10, 5), {"a map": np.zeros((5, 3), int)},
        (np.array([0.01, 0.5]), np.array([0.01, 0.9])),
    ),
    "pairs": lambda: pictures.pairs_in_the_plane(W, ["a", "b", "c"]),
    "weights": lambda: pictures.weight_maps(W, ["a", "b", "c"]),
    "errors": lambda: pictures.error_by_feature({"a": rng.random(6)}, whole=3),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_axes(name: str) -> None:
    figure = FIGURES[name]()
    assert all(axes.get_xlabel() for axes in panels(figure))
    assert panels(figure)[0].get_ylabel()


def test_bars_are_squared_norms_and_diamonds_interference() -> None:
    for k, axes in enumerate(panels(FIGURES["norms"]())):
        heights = [bar.get_height() for bar in axes.patches]
        np.testing.assert_allclose(heights, np.sum(W[k] ** 2, axis=0))
        np.testing.assert_allclose(axes.lines[0].get_ydata(), geometry.interference(W)[k])


def test_an_arrangement_shows_each_share_and_their_sum() -> None:
    (axes,) = panels(FIGURES["arrangements"]())
    assert [text.get_text() for text in axes.texts] == ["0.40"] * 5
    assert "2.00" in axes.get_title()


def test_a_cell_of_the_phase_map_stands_at_its_density_and_importance() -> None:
    densities, importances = np.geomspace(0.01, 1, 3), np.geomspace(0.1, 10, 5)
    arrangement = np.full((5, 3), 2)
    arrangement[4, 2] = 1  # only feature 2: the highest importance, the highest density
    figure = pictures.phase_maps(
        densities, importances, {"": arrangement}, (densities[:2], densities[:2])
    )
    (text,) = panels(figure)[0].texts
    assert text.get_text() == "2"
    assert text.get_position() == pytest.approx((0, 1))


def test_partners_share_a_colour_and_strangers_do_not() -> None:
    axes = panels(FIGURES["pairs"]())[0]
    colours = [line.get_color() for line in axes.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
