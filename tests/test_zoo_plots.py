"""Chapter 07's pictures show the numbers that they are given, with units."""

from __future__ import annotations

import numpy as np

from saeedu import zoo_plots


def test_frontiers_are_sorted_means_with_spreads_over_seeds() -> None:
    arrays = {
        "l0": np.array([[4.0, 6.0], [1.0, 3.0]]),
        "error": np.array([[0.01, 0.03], [0.1, 0.1]]),
        "mmcs": np.array([[0.8, 0.6], [0.5, 0.5]]),
    }
    panels = {"error": "unexplained (fraction)", "mmcs": "MMCS (no unit)"}
    error, axes = zoo_plots.frontiers({"A": arrays}, panels, true_l0=2.3).axes
    assert (error.get_yscale(), axes.get_yscale()) == ("log", "linear")
    line = axes.lines[0]
    assert list(line.get_xdata()) == [2.0, 5.0]
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.7])
    bars = axes.collections[1].get_segments()  # vertical: of two seeds, apart by their distance
    np.testing.assert_allclose(np.ptp(bars[1][:, 1]), 2 * 0.2 / np.sqrt(2))
    assert axes.get_xlabel() == "L0: active latents a sample (count)"
    assert any(list(each.get_xdata()) == [2.3, 2.3] for each in axes.lines)


def test_dictionaries_sort_latents_by_their_feature() -> None:
    matrix = np.array([[0.1, 0.9, 0.2], [0.8, 0.0, 0.95]])
    axes = zoo_plots.dictionaries({"one": matrix, "two": matrix}).axes[0]
    shown = axes.images[0].get_array()
    np.testing.assert_array_equal(np.asarray(shown), matrix[:, [1, 2, 0]])


def test_estimates_show_means_and_the_true_slope() -> None:
    draws = np.array([[1.0, 3.0], [2.0, 2.0]])
    (axes,) = zoo_plots.estimates([0.1, 1.0], draws, true_slope=1.9).axes
    assert axes.get_xscale() == "log"
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [2.0, 2.0])
    assert any(set(line.get_ydata()) == {1.9} for line in axes.lines)


def test_the_other_pictures_have_labels_with_units() -> None:
    z = np.linspace(0, 1, 5)
    three = dict.fromkeys("abc", (z, z))
    for figure in (
        zoo_plots.switches(z, z, three),
        zoo_plots.loss_by_threshold(z, z, z, at=0.5),
        zoo_plots.co_occurrence(np.eye(3), {"parents": 1, "children": 2}),
    ):
        last = figure.axes[-1] if figure.axes[-1].get_ylabel() else figure.axes[0]
        assert "(" in last.get_ylabel() or "\n(" in last.get_ylabel()
