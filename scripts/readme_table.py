"""The README's table of chapters, from the lessons' own headers.

`python -m scripts.readme_table` rewrites the table in README.md; a test keeps it true.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from saeedu.grading.registry import COURSE_FOLDER, chapters

README = Path(__file__).resolve().parent.parent / "README.md"
_TABLE = re.compile(
    r"(\| \| chapter \| minutes \| needs \|\n\|---\|---\|---\|---\|\n)(.*?)(\n\n)",
    re.DOTALL,
)
# What is planned and not written: the course says so rather than leave a gap in the numbers.
PLANNED = {
    "01": "Superposition in toy models",
    "02": "The geometry of superposition",
    "05": "Training, dead latents and the trade-off",
    "06": "From NumPy to PyTorch",
    "07": "The zoo of architectures, compared",
    "08": "Inside a language model",
    "10": "Reading features",
    "11": "Steering and attribution",
    "12": "How far to trust them",
}


def rows() -> str:
    """One row for every chapter, written or planned, in order."""
    written = chapters()
    lines = {}
    for chapter, folder in written.items():
        text = (COURSE_FOLDER / folder / "lesson.md").read_text("utf-8")
        header = yaml.safe_load(text.split("---")[1])
        link = f"[{header['title']}](notebooks/{folder.removeprefix('ch')}.ipynb)"
        lines[chapter] = f"| {chapter} | {link} | {header['minutes']} | {header['needs']} |"
    for chapter, title in PLANNED.items():
        lines.setdefault(chapter, f"| {chapter} | {title} | | *not written yet* |")
    return "\n".join(lines[chapter] for chapter in sorted(lines))


def renewed(text: str) -> str:
    """The README's text with the table as it should be."""
    return _TABLE.sub(lambda found: found.group(1) + rows() + found.group(3), text, count=1)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text("utf-8")), "utf-8", newline="\n")
