"""The toy models' pictures and their slider."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from saeedu import toy_model, toy_plots, widgets
from saeedu.toy_training import train_toy


def test_every_picture_is_drawn_and_labelled() -> None:
    run = train_toy(5, 2, [0.5, 0.1], n_steps=30, batch=16, n_frames=4)
    names = ["density 0.5", "density 0.1"]
    x = toy_model.draw_features(np.random.default_rng(0), 2, 30, 5, np.array([0.5, 0.1]))
    overlap = run.W.transpose(0, 2, 1) @ run.W
    answers = toy_model.one_at_a_time(run.W, run.b)
    figures = [
        toy_plots.samples(x, names),
        toy_plots.features(run.W, names),
        toy_plots.strip(run.history, run.steps, names),
        toy_plots.overlaps(run.W, run.b, names),
        toy_plots.answers(overlap[:, 0], answers[:, 0], 0, names),
        toy_plots.losses(run.steps, run.losses, names),
        toy_plots.rung(run.W[0], run.b[0], names[0]),
        toy_plots.prices(np.array([0.1, 1.0]), np.ones((2, 2)), names),
    ]
    for figure in figures:
        labels = [axes.get_xlabel() for axes in figure.axes] + [figure.get_supxlabel()]
        assert any("(" in label for label in labels)  # a unit, or "(index)"
    with pytest.raises(ValueError, match="two hidden dimensions"):
        toy_plots.features(np.zeros((2, 3, 5)), names)


def test_the_slider_draws_the_rung_that_is_chosen() -> None:
    drawn = []

    def figure_at(rung: int) -> Any:
        drawn.append(rung)
        return toy_plots.losses(np.arange(3), np.ones((3, 1)), ["x"])

    box = widgets.density_slider(figure_at, [1.0, 0.3, 0.1], start=2)
    slider, picture = box.children
    first = picture.value
    slider.value = 1
    assert drawn == [2, 1]
    assert bytes(first).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match="start must be one of the 3 rungs"):
        widgets.density_slider(figure_at, [1.0, 0.3, 0.1], start=3)
