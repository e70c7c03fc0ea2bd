"""Figures: each draws what it is given, says what its axes are, and is not left open."""

import matplotlib

matplotlib.use("Agg")

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from saeedu import plots, widgets

RNG = np.random.default_rng(0)
COEFFICIENTS = RNG.random((40, 6)) * (RNG.random((40, 6)) < 0.3)

FIGURES = {
    "plane": lambda: plots.plane(RNG.random((9, 2)), {"a": np.eye(2), "b": -np.eye(2)}),
    "cosine_heatmap": lambda: plots.cosine_heatmap(np.eye(3), "feature", "latent"),
    "best_matches": lambda: plots.best_matches({"one": np.eye(3), "two": 0.5 * np.eye(3)}),
    "curves": lambda: plots.curves([1, 2, 4], {"a": [1, 2, 3]}, "size (count)", "loss (nats)"),
    "forward_pass": lambda: plots.forward_pass(np.arange(3.0), np.eye(5)[1], np.ones(3)),
    "two_codes": lambda: plots.two_codes({"a": np.eye(4)[0], "b": np.ones(4)}),
    "readings": lambda: plots.readings(COEFFICIENTS, COEFFICIENTS + 0.1),
    "bias_sweep": lambda: plots.bias_sweep([-1.0, 0.0], [0.5, 2.0], [1.0, 9.0], true_active=1.6),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_panel_has_axis_labels_with_units(name):
    figure = FIGURES[name]()
    figure.canvas.draw()
    labels = [
        label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel()) if label
    ]
    assert labels
    assert all("(" in label and label.rstrip().endswith(")") for label in labels), labels


@pytest.mark.parametrize("name", FIGURES)
def test_no_figure_is_left_open_to_be_shown_twice(name):
    FIGURES[name]()
    assert plt.get_fignums() == []


def test_lines_differ_without_colour():
    figure = plots.curves([1, 2], {name: [1, 2] for name in "abcd"}, "x (s)", "y (m)")
    styles = {(line.get_linestyle(), line.get_marker()) for line in figure.axes[0].lines}
    assert len(styles) == 4


# What people without red or green cones see, in linear RGB (Machado, Oliveira, Fernandes 2009).
COLOUR_BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


@pytest.mark.parametrize("kind", COLOUR_BLINDNESS)
def test_palette_can_be_told_apart_with_colour_blindness(kind):
    linear = np.array([to_rgb(colour) for colour in plots.PALETTE]) ** 2.2
    seen = np.clip(linear @ np.array(COLOUR_BLINDNESS[kind]).T, 0, 1) ** (1 / 2.2)
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert apart[~np.eye(len(seen), dtype=bool)].min() > 0.15, np.round(apart, 2)


def test_best_matches_draws_the_mean_that_mmcs_reports():
    similarities = np.array([[0.2, 0.8], [0.5, -0.1], [-0.3, 0.3]])
    figure = plots.best_matches({"only": similarities})
    (bar,) = figure.axes[0].lines
    assert list(bar.get_xdata()) == pytest.approx([(0.8 + 0.5 + 0.3) / 3] * 2)


def test_readings_counts_the_absent_features_that_are_read():
    coefficients = np.array([[0.5, 0.0, 0.0, 0.0, 0.0]])
    latents = np.array([[0.4, 0.3, 0.0, 0.0, 0.0]])
    title = plots.readings(coefficients, latents).axes[1].get_title()
    assert "25%" in title


def test_plane_refuses_other_than_two_dimensions():
    with pytest.raises(ValueError, match=r"\[n, 2\], but it has \[4, 3\]"):
        plots.plane(np.ones((4, 3)))


def test_the_slider_draws_the_value_it_is_moved_to():
    drawn = []

    def figure_at(value):
        drawn.append(value)
        return plots.curves([0, 1], {"a": [0, value]}, "x (s)", "y (m)")

    box = widgets.slide(figure_at, "bias (units of x)", low=-1.0, high=0.0, start=-0.5)
    slider, picture = box.children
    assert isinstance(slider, ipywidgets.FloatSlider)
    before = bytes(picture.value)
    assert before.startswith(b"\x89PNG")
    slider.value = -0.25
    assert drawn == [-0.5, -0.25]
    assert bytes(picture.value) != before
    assert plt.get_fignums() == []


def test_a_slider_without_room_is_refused():
    with pytest.raises(ValueError, match="low < high"):
        widgets.slide(lambda value: plots.curves([0], {}, "", ""), "b (m)", 1.0, 0.0, 0.5)
