"""Chapter 09 as a learner without SmolLM2 and without a network runs it, on a tiny GPT-2."""

from __future__ import annotations

from pathlib import Path

import pytest

from saeedu import language_model_plots
from saeedu.sick_runs import Curves
from saeedu.training import History
from tests.chapter_script import output_of_chapter


@pytest.mark.slow
def test_the_cells_run_on_whatever_model_the_hub_cache_has(tmp_path: Path) -> None:
    assert "recovered from zeros" in output_of_chapter("09", 40, tmp_path)
    assert (tmp_path / "runs" / "ch09" / "sae" / "sae_weights.safetensors").is_file()


def test_curves_show_every_step_and_name_their_units() -> None:
    values = [3.0, 2.0, 1.0]
    history = History(values, values, values, values, [0.1, 0.5, 0.8])
    loss, sparsity, variance = language_model_plots.training_curves(history, warmup_steps=2).axes
    assert [list(line.get_ydata()) for line in loss.lines] == [values, values]
    assert list(sparsity.lines[0].get_ydata()) == values
    assert list(variance.lines[0].get_ydata()) == [0.1, 0.5, 0.8]
    assert [axes.get_xlabel() for axes in (loss, sparsity, variance)] == ["step"] * 3
    assert "normalised units" in loss.get_ylabel()


def test_a_run_without_a_price_draws_no_price() -> None:
    values = [3.0, 2.0, 1.0]
    history = History(values, values, [0.0] * 3, values, [0.1, 0.5, 0.8])
    loss = language_model_plots.training_curves(history).axes[0]
    assert [line.get_label() for line in loss.lines] == ["reconstruction"]


def curves(kind: str, l0: list[float]) -> Curves:
    return Curves(kind, [4.0, 2.0, 1.0], l0, [-2.0, 0.4, 0.6], [0, 2], [0.1, 0.5], [0.0, 0.0, 0.5])


def test_the_gallery_draws_each_run_over_the_healthy_one_of_its_kind() -> None:
    healthy = {"TopK": curves("TopK", [16.0] * 3), "L1": curves("L1", [200.0, 90.0, 50.0])}
    runs = {"A": curves("L1", [200.0, 3.0, 0.0]), "B": curves("TopK", [2.0] * 3)}
    figure = language_model_plots.gallery(runs, healthy, {"A": "A (L1)", "B": "B (TopK)"})
    assert len(figure.axes) == 2 * len(language_model_plots.GALLERY_COLUMNS)
    loss, l0, variance, silent = figure.axes[:4]
    assert [line.get_label() for line in loss.lines] == ["healthy L1", "A"]
    assert list(l0.lines[0].get_ydata()) == [200.0, 90.0, 50.0]
    assert list(l0.lines[1].get_ydata())[:2] == [200.0, 3.0]
    assert l0.lines[1].get_ydata()[2] > 0  # the axis is logarithmic
    assert list(variance.lines[3].get_xdata()) == [0, 2]
    assert list(silent.lines[1].get_ydata()) == [0.0, 0.0, 50.0]
    assert all(axes.get_ylabel() for axes in figure.axes)
    assert all(axes.get_xlabel() == "step" for axes in figure.axes[-4:])
    (legend,) = figure.legends
    assert "sick, held out" in [text.get_text() for text in legend.get_texts()]
    assert "↓ to -2.0" in [text.get_text() for text in variance.texts]  # the panel ends above
    assert "50" in [text.get_text() for text in silent.texts]


def test_pca_is_drawn_from_one_direction_on_with_its_rival() -> None:
    (axes,) = language_model_plots.variance_by_directions([0.4, 0.7, 1.0], ("SAE", 2, 0.9)).axes
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3]
    assert (axes.lines[1].get_xdata()[0], axes.lines[1].get_ydata()[0]) == (2, 0.9)
    assert "fraction" in axes.get_ylabel()


def test_control_bars_carry_their_numbers_and_start_at_zero() -> None:
    scores = {"your SAE": (0.9, 0.97), "zeros": (-3.0, 0.0)}
    for axes, column in zip(language_model_plots.controls(scores).axes, (0, 1), strict=True):
        assert [text.get_text() for text in axes.texts] == [
            f"{values[column]:.3f}" for values in scores.values()
        ]
        assert min(bar.get_width() for bar in axes.patches) >= 0
        assert "fraction" in axes.get_xlabel()
        assert max(axes.get_xticks()) == 1.0


def test_a_bar_that_rounds_to_zero_has_no_sign_and_carries_its_error() -> None:
    figure = language_model_plots.controls({"mean": (-1e-5, 0.5)}, {"mean": (0.01, 0.1)})
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["0.000", "0.500"]
    assert len(figure.axes[1].containers) == 2  # the bars, and the errors


def test_a_constant_l0_needs_no_logarithm() -> None:
    values = [3.0, 2.0, 1.0]
    history = History(values, values, [0.0] * 3, [32.0] * 3, [0.1, 0.5, 0.8])
    assert language_model_plots.training_curves(history).axes[1].get_yscale() == "linear"
