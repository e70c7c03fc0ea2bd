"""Run the solutions and save the pictures that the lessons show: python -m scripts.make_figures.

A figure "you should see something like this" is made by the lesson's own cell, the one with the
option `:figure: name`, so that picture and code cannot drift apart.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from saeedu.build import COURSE_FOLDER, BuildError, chapter_folders
from saeedu.builder.course import Chapter, read_chapter
from saeedu.builder.notebook import build_notebook, to_bytes
from saeedu.builder.problems import shown
from saeedu.builder.writing import write_atomically

MOST_BYTES = 150_000
COLOURS = 256
CELL_SECONDS = 900


class FigureError(RuntimeError):
    """A figure cannot be made; the message says which and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the figures of the chapters named, or of all."""
    parser = argparse.ArgumentParser(prog="python -m scripts.make_figures", description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="NN", help="two digits; all when left out")
    chosen = parser.parse_args(arguments).chapters
    chapters = [read_chapter(folder) for folder in chapter_folders(COURSE_FOLDER)]
    unknown = set(chosen) - {chapter.digits for chapter in chapters}
    if unknown:
        sys.stderr.write(f"no chapter {', '.join(sorted(unknown))}\n")
        return 2
    code = 0
    for chapter in chapters:
        if chosen and chapter.digits not in chosen:
            continue
        try:
            for path in make_figures(chapter, chapters):
                sys.stdout.write(f"wrote {shown(path)}, {path.stat().st_size / 1000:.0f} kB\n")
        except (BuildError, FigureError) as error:
            sys.stderr.write(f"chapter {chapter.digits}: {error}\n")
            code = 1
    return code


def make_figures(chapter: Chapter, chapters: Sequence[Chapter]) -> list[Path]:
    """Run a chapter's solution notebook and save its figures.

    **Arguments:** `chapter`; `chapters`, all of the course.
    **Returns:** the files written; none, and nothing is run, when no cell makes a figure.
    **Raises:** `BuildError` when the lesson cannot be built, missing figures aside; `FigureError`
    when a cell fails, or draws no picture or several, or one that is too large.
    """
    notebook, problems = build_notebook(chapter, chapters, solutions=True)
    problems = [p for p in (*chapter.problems, *problems) if not p.missing_figure]
    if problems:
        raise BuildError(problems)
    if not any(cell.figure for cell in chapter.lesson.cells):
        return []
    pictures = {
        cell.metadata["saeedu"]["figure"]: _picture(cell)
        for cell in _run(to_bytes(notebook)).cells
        if "figure" in cell.metadata.get("saeedu", {})
    }
    folder = chapter.folder / "figures"
    folder.mkdir(exist_ok=True)
    for name, data in pictures.items():
        write_atomically(folder / f"{name}.png", data)
    return [folder / f"{name}.png" for name in pictures]


def _run(notebook_file: bytes) -> Any:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = nbformat.reads(notebook_file.decode("utf-8"), as_version=4)
    with tempfile.TemporaryDirectory(prefix="saeedu-figures-") as scratch:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": scratch}},
        )
        environment = {**os.environ, "SAEEDU_HOME": scratch, "SAEEDU_STRICT": "1"}
        environment.pop("MPLBACKEND", None)  # the kernel's own backend is the one that shows
        try:
            client.execute(env=environment)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise FigureError(f"the solution notebook does not run: {error}") from error
    return notebook


def _picture(cell: Any) -> bytes:
    name = cell.metadata["saeedu"]["figure"]
    found = [
        output.data["image/png"]
        for output in cell.outputs
        if output.output_type in ("display_data", "execute_result") and "image/png" in output.data
    ]
    if len(found) != 1:
        raise FigureError(f"the cell of figure {name} draws {len(found)} pictures; draw one")
    data = smaller(base64.b64decode(found[0]))
    if len(data) > MOST_BYTES:
        raise FigureError(
            f"figure {name} takes {len(data) / 1000:.0f} kB, and {MOST_BYTES / 1000:.0f} is the "
            f"most; draw it smaller, or with fewer points"
        )
    return data


def smaller(png: bytes) -> bytes:
    """A PNG with a palette of 256 colours and no metadata, when that is smaller.

    **Arguments:** `png`.
    **Returns:** PNG bytes; unchanged where Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        return png
    with Image.open(io.BytesIO(png)) as image:
        flat = Image.new("RGB", image.size, "white")  # a dark theme must not shine through
        rgba = image.convert("RGBA")
        flat.paste(rgba, mask=rgba.getchannel("A"))
        reduced = flat.quantize(COLOURS, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        reduced.save(buffer, format="PNG", optimize=True)
    return min(png, buffer.getvalue(), key=len)


if __name__ == "__main__":
    raise SystemExit(main())
