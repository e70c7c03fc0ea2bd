"""The figures' script: a lesson's own cell draws the picture that the lesson shows."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from saeedu.build import BuildError
from saeedu.builder.course import chapter_folders, read_chapter
from scripts import make_figures
from tests.made_up_course import LESSON, write_course

DRAW = """import matplotlib.pyplot as plt
scaled = scale(np.ones((2, 3)), 2.0)
plt.figure(figsize=(2, 1))
plt.plot(scaled)
plt.show()
"""


def draw(lesson: str) -> str:
    cell = "scaled = scale(np.ones((2, 3)), 2.0)\nprint(scaled.sum())\n"
    assert cell in lesson
    return lesson.replace(cell, DRAW)


def noise(size: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def cell_with(*pictures: bytes) -> nbformat.NotebookNode:
    outputs = [
        nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(png).decode()})
        for png in pictures
    ]
    outputs.append(nbformat.v4.new_output("stream", text="words"))
    metadata = {"saeedu": {"figure": "dot"}}
    return nbformat.v4.new_code_cell("", outputs=outputs, metadata=metadata)


def test_a_figure_that_does_not_exist_yet_is_drawn_by_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No exercises: a made-up course is not among those that check() knows.
    lesson = draw(LESSON).replace(":exercise: 07.row_means", "\nx = 1")
    lesson = lesson.replace(":exercise: 07.scale", "\ndef scale(x, factor):\n    return x")
    course = write_course(tmp_path, lesson)
    figure = course / "ch07_rows" / "figures" / "dot.png"
    figure.unlink()
    monkeypatch.setenv("MPLBACKEND", "agg")  # a terminal's setting must not hide the picture
    chapters = [read_chapter(folder) for folder in chapter_folders(course)]
    assert make_figures.make_figures(chapters[0], chapters) == [figure]
    with Image.open(figure) as image:
        assert image.mode == "P"
        assert len(image.getcolors() or []) > 1
        assert not image.info
    assert make_figures.make_figures(chapters[1], chapters) == []


def test_a_lesson_with_another_fault_is_not_run(tmp_path: Path) -> None:
    course = write_course(tmp_path, draw(LESSON) + "\n:::{tip}\n:::\n")
    chapters = [read_chapter(folder) for folder in chapter_folders(course)]
    with pytest.raises(BuildError, match="tip"):
        make_figures.make_figures(chapters[0], chapters)


@pytest.mark.parametrize("count", [0, 2])
def test_a_cell_draws_one_picture(count: int) -> None:
    with pytest.raises(make_figures.FigureError, match=f"dot draws {count} pictures"):
        make_figures._picture(cell_with(*[noise(4)] * count))


def test_a_picture_that_stays_large_is_refused() -> None:
    with pytest.raises(make_figures.FigureError, match="kB"):
        make_figures._picture(cell_with(noise(500)))


def test_the_smaller_picture_looks_the_same_on_white() -> None:
    pixels = np.zeros((40, 60, 4), dtype=np.uint8)
    pixels[10:30, 20:40] = (0, 114, 178, 255)
    pixels[:5] = (213, 94, 0, 128)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    with Image.open(io.BytesIO(make_figures.smaller(buffer.getvalue()))) as image:
        after = np.asarray(image.convert("RGB")).astype(int)
    opacity = pixels[..., 3:].astype(int) / 255
    expected = pixels[..., :3] * opacity + 255 * (1 - opacity)
    assert np.abs(after - expected).max() <= 2


def test_an_unknown_chapter_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert make_figures.main(["77"]) == 2
    assert "no chapter 77" in capsys.readouterr().err
