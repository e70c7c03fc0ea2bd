"""Every defect that a maintainer can leave in a lesson fails the build, at its file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from saeedu.build import make
from tests.build_refusal import Spoil, assert_said, instead, refusal
from tests.made_up_course import EXERCISES, LESSON, line_of, write_course

FENCE = "```"
CELL = "```{code-cell} ipython3\n"
PLACE = "Look at the result.\n"


def after(text: str) -> Spoil:
    """A defect: these lines, in a place of their own."""
    return instead(PLACE, f"{PLACE}\n{text}\n")


# name: how the lesson is spoiled, text that begins on the line to be named, words to be said
DEFECTS: dict[str, tuple[Spoil, str, str]] = {
    "no title": (instead("title: Rows and columns\n", ""), "---", "without title"),
    "no minutes": (instead("minutes: 20\n", ""), "---", "without minutes"),
    "minutes in words": (instead("minutes: 20", "minutes: many"), "minutes: many", "minutes"),
    "no needs": (instead("needs: Python\n", ""), "---", "without needs"),
    "unknown field": (instead("needs:", "author: me\nneeds:"), "author:", "unknown field author"),
    "a colon in the title": (instead("Rows and", "Rows: and"), "title: Rows: and", "not YAML"),
    "unknown id": (
        instead(":exercise: 07.scale", ":exercise: 07.scales"),
        CELL + ":exercise: 07.scales",
        "no exercise 07.scales",
    ),
    "an id used twice": (
        after(f"{CELL}:exercise: 07.row_means\n{FENCE}\n\nTwice."),
        f"{CELL}:exercise: 07.row_means\n{FENCE}\n\nTwice.",
        "used twice",
    ),
    "a stub written by hand": (
        instead(":exercise: 07.scale\n", ":exercise: 07.scale\n\nx = 1\n"),
        "x = 1",
        "not empty",
    ),
    "a raises-exception tag": (
        instead(":figure: dot", ":tags: [raises-exception]"),
        CELL + ":tags:",
        "raises-exception",
    ),
    "a skip-execution tag": (
        instead(":figure: dot", ":tags: [skip-execution]"),
        CELL + ":tags:",
        "skip-execution",
    ),
    "an unknown option": (instead(":figure: dot", ":hide: true"), CELL + ":hide:", ":hide:"),
    "two cells that make one figure": (
        after(f"{CELL}:figure: dot\nx = 1\n{FENCE}"),
        "scaled = scale",
        "made twice",
    ),
    "code that does not compile": (
        instead("print(scaled.sum())", "print(scaled.sum("),
        "print(scaled.sum(",
        "does not compile",
    ),
    "a name that nothing defines": (instead("scaled.sum", "skaled.sum"), "print(skaled", "skaled"),
    "an import that the answer needs": (
        instead("from saeedu.shapes import Array\n", ""),
        CELL + ":exercise: 07.row_means",
        "uses Array",
    ),
    "a fence inside a cell": (
        instead("print(scaled.sum())", f'text = """\n{FENCE}\nhello\n{FENCE}\n"""'),
        'text = """',
        "does not compile",
    ),
    "a fence in a comment's block": (
        instead("print(scaled.sum())", f"x = 1\n{FENCE}\nhello"),
        f"{FENCE}\n\n:::{{dropdown}}",
        "language",
    ),
    "a fence that swallows the cells below": (
        after(f"{FENCE}python\nx = 1\n"),
        CELL + "import numpy",
        "were read",
    ),
    "a fence without a language": (after(f"{FENCE}\nx\n{FENCE}"), f"{FENCE}\nx\n", "language"),
    "a figure without alt text": (
        instead(":alt: One dark dot on a white ground.\n", ""),
        ":::{figure}",
        "without alt text",
    ),
    "a figure whose alt text is maths": (
        instead(":alt: One dark dot", ":alt: One $x_0$ dot"),
        ":::{figure}",
        "maths in its alt text",
    ),
    "a figure without a caption": (
        instead(":caption: Notice where the dot is.\n", ""),
        ":::{figure}",
        "without a caption",
    ),
    "a figure without a file": (
        instead("figures/dot.png", "figures/dots.png"),
        ":::{figure}",
        "figures/dots.png does not exist",
    ),
    "a figure outside figures/": (
        instead("figures/dot.png", "../ch08_later/dot.png"),
        ":::{figure}",
        "does not exist",
    ),
    "an image without alt text": (after("![](https://a.org/b.png)"), "![]", "alt text"),
    "an HTML image without alt text": (after('<img src="x.png">'), "<img", "alt text"),
    "an image of a file": (after("![a dot](figures/dot.png)"), "![a dot]", "not carry"),
    "an unknown directive": (after(":::{tip}\nx\n:::"), ":::{tip}", "{tip}"),
    "a fenced directive": (after(f"{FENCE}{{note}}\nx\n{FENCE}"), FENCE + "{note}", "{note}"),
    "a cell in a list": (after(f"- {CELL}  x = 1\n  {FENCE}"), "- " + CELL, "margin"),
    "a recall without a question": (after(":::{recall}\nx\n:::"), ":::{recall}\nx", "title"),
    "an open directive": (after(":::{note} Never closed\nx"), ":::{note} Never", "not closed"),
    "a close of nothing": (after("x\n:::\ny"), ":::\ny", "closes nothing"),
    "a close of another length": (after("::::{note}\nx\n:::\ny"), ":::\ny", "same number"),
    "a style element": (after("<style>p {}</style>"), "<style>", "<style>"),
    "an inline svg": (after("<svg></svg>"), "<svg>", "<svg>"),
    "a script": (after("<script></script>"), "<script>", "<script>"),
    "LaTeX parentheses": (after(r"so \(x\) is"), r"so \(x", "maths between"),
    "LaTeX brackets": (after(r"\[x\]"), r"\[x", "maths between"),
    "a GitHub alert": (after("> [!NOTE]\n> x"), "> [!NOTE]", "GitHub alert"),
    "a MyST role": (after("see {ref}`x` there"), "see {ref}", "role"),
    "a MyST label": (after("(label)=\n"), "(label)=", "label"),
    "a MyST comment": (after("% to do\n"), "% to do", "comment"),
    "a second title": (after("# Another title"), "# Another", "first level"),
    "a solution in a code cell": (
        after(f"{CELL}def mine(x, f=2):\n    factor = f\n    return factor*x  # so\n{FENCE}"),
        "def mine",
        "answer to 07.scale (scale)",
    ),
    "an alternative in the prose": (
        after(f"{FENCE}python\nreturn np.multiply( factor, x )\n{FENCE}"),
        PLACE,
        "answer to 07.scale (scale_multiply)",
    ),
    "a solution in a code span": (
        after("Write `return factor*x` then."),
        PLACE,
        "answer to 07.scale (scale)",
    ),
    "a solution of two lines": (
        after(f"{CELL}def f(x):\n    total = x.sum( axis=1 )\n\n    return total/x.shape[1]\n```"),
        "def f(x)",
        "answer to 07.row_means (row_means)",
    ),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_in_a_lesson_is_refused(name: str, tmp_path: Path) -> None:
    spoil, marker, words = DEFECTS[name]
    lesson = spoil(LESSON)
    said = refusal(write_course(tmp_path, lesson))
    assert_said(said, "ch07_rows/lesson.md", line_of(lesson, marker), words)


def test_a_lesson_without_front_matter_is_refused(tmp_path: Path) -> None:
    course = write_course(tmp_path, LESSON.split("---\n", 2)[2])
    assert_said(refusal(course), "ch07_rows/lesson.md", 1, "no front matter")


def test_a_lesson_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    course = write_course(tmp_path)
    (course / "ch07_rows" / "lesson.md").write_bytes(LESSON.encode("utf-16"))
    assert_said(refusal(course), "ch07_rows/lesson.md", 1, "UTF-8")


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    lesson = after("<svg></svg>\n\n:::{tip}\n:::")(LESSON).replace("needs: Python\n", "")
    exercises = EXERCISES.replace("minutes=5", "minutes=0")
    said = refusal(write_course(tmp_path, lesson, exercises))
    for words in ("<svg>", "{tip}", "without needs", "no minutes"):
        assert words in said


@pytest.mark.parametrize("missing", ["lesson.md", "exercises.py"])
def test_half_a_chapter_is_refused(missing: str, tmp_path: Path) -> None:
    course = write_course(tmp_path)
    (course / "ch08_later" / missing).unlink()
    assert_said(refusal(course), f"ch08_later/{missing}", 1, "without")


def test_two_chapters_of_one_number_are_refused(tmp_path: Path) -> None:
    course = write_course(tmp_path)
    shutil.copytree(course / "ch08_later", course / "ch08_other")
    assert_said(refusal(course), "ch08_other/lesson.md", 1, "exists twice")


@pytest.mark.parametrize(
    "innocent",
    [
        "",
        "A code span may hold `\\(x\\)`, `<svg>`, `![](x.png)` and `> [!NOTE]`.",
        "```html\n<style></style>\n![](x)\n```",
        r"$$\begin{aligned} a &= b \\[4pt] c &= \left[d\right] \end{aligned}$$",
        "> A quotation, and `{x}` with braces, and $x_{i}$ after it.",
        "Call `np.multiply` and return what it gives.",
        ":::{warning}\nText.\n:::",
        ":::{predict}\n```python\nx = 1\n```\n:::",
        "::::{dropdown} Outer\n:::{note}\nInner.\n:::\n::::",
        CELL + "%matplotlib inline\nx = [i for i in range(3)]\n```",
        CELL + "def later():\n    return below\n\n\nbelow = 1\n```",
    ],
)
def test_what_is_harmless_is_not_refused(innocent: str, tmp_path: Path) -> None:
    assert make(write_course(tmp_path, after(innocent)(LESSON))).problems == ()
