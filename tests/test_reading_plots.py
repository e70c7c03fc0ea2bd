"""Chapter 10's figures draw the numbers that they are given, with units on their axes."""

from __future__ import annotations

import torch

from saeedu import reading_plots
from saeedu.reading import N_BINS, Reading
from saeedu.top_contexts import Contexts


def made_up_reading() -> Reading:
    histogram = torch.zeros(2, N_BINS, dtype=torch.long)
    histogram[0, 50:56] = torch.tensor([3, 9, 27, 9, 3, 1])
    top = Contexts(
        torch.tensor([[9.0, 8.0], [0.0, 0.0]]),
        torch.tensor([[3, 5], [-1, -1]]),
        torch.zeros(2, 2, 3, dtype=torch.long),
        torch.zeros(2, 2, 3),
        1,
    )
    return Reading(100, histogram.sum(dim=1), histogram, top, top)


def test_a_heat_map_shades_each_latent_against_its_own_peak() -> None:
    activations = torch.tensor([[2.0, 0.0], [1.0, 0.5], [0.0, 0.0]])
    figure = reading_plots.latents_on_a_text([" a", " $b", "\n"], activations, ["x", "y"])
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[1.0, 0.5, 0.0], [0.0, 1.0, 0.0]]
    assert [label.get_text() for label in axes.get_xticklabels()] == [" a", r" \$b", "⏎"]
    assert [text.get_text() for text in axes.texts] == ["2.0", "0.5"]


def test_a_range_shows_every_activation_and_where_the_top_begins() -> None:
    reading = made_up_reading()
    first, second = reading_plots.activation_range(reading, [0, 1], ["live", "dead"]).axes
    assert first.patches[0].get_data().values.sum() == 52
    assert first.get_xscale() == first.get_yscale() == "log"
    assert "the 2 that a reader is shown" in first.get_legend().get_texts()[0].get_text()
    assert "activation" in second.get_xlabel()


def test_lines_carry_their_values() -> None:
    lines = {"latents": torch.tensor([0.2, 0.5]), "random": torch.tensor([0.2, 0.3])}
    (axes,) = reading_plots.agreement_by_strength(["weak", "strong"], lines).axes
    assert torch.allclose(torch.tensor(axes.lines[0].get_ydata()), lines["latents"])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["latents", "random"]


def test_histograms_name_their_medians_and_the_find_has_its_line() -> None:
    (axes,) = reading_plots.effect_sizes({"latents": torch.tensor([3.0, 4.0, 5.0])}).axes
    assert axes.get_legend().get_texts()[0].get_text() == "latents, median 4.0"
    assert "standard deviations" in axes.get_xlabel()
    (luck,) = reading_plots.best_by_luck(torch.tensor([0.5, 0.5, 0.75]), found=0.9).axes
    assert [bar.get_height() for bar in luck.patches] == [2, 1]
    assert luck.lines[0].get_xdata()[0] == 0.9
