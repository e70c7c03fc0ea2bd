"""Translating a lesson's directives into Markdown and HTML that JupyterLab draws."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass, field
from pathlib import Path

from saeedu.builder.problems import Problem

OPEN = re.compile(r"^(:{3,})\{([\w-]+)\}[ \t]*(.*?)\s*$")
CLOSE = re.compile(r"^(:{3,})\s*$")
OPTION = re.compile(r"^:(\w+):\s*(.*)$")
FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*(.*?)\s*$")
BOXES = {
    "note": ("alert-info", "Note"),
    "warning": ("alert-warning", "Take care"),
    "predict": ("alert-success", "Predict first"),
}
# Without the margin the next paragraph sticks to the folded card.
DETAILS = '<details style="margin-bottom:0.8em">'
KNOWN = (*BOXES, "recall", "dropdown", "figure")

NOT_DRAWN = ", which JupyterLab does not draw"
REFUSED = (
    (re.compile(r"<style\b", re.I), f"a <style> element{NOT_DRAWN}", "use inline style"),
    (re.compile(r"<svg\b", re.I), f"an inline <svg>{NOT_DRAWN}", "save a PNG and use :::{figure}"),
    (re.compile(r"<script\b", re.I), f"a <script> element{NOT_DRAWN}", "take it out"),
    (
        re.compile(r"(?<!\\)\\[(\[]"),
        f"maths between \\( \\) or \\[ \\]{NOT_DRAWN}",
        "write $...$ or $$...$$",
    ),
    (
        re.compile(r"^\s*(?:>\s*)+\[!\w+\]"),
        f"a GitHub alert{NOT_DRAWN}",
        "use :::{note} or :::{warning}",
    ),
    (re.compile(r"^\([\w-]+\)=\s*$"), f"a MyST label{NOT_DRAWN}", "take it out"),
    (re.compile(r"^%"), "a MyST comment, which a notebook would show", "take it out"),
    (re.compile(r"\{[\w:-]+\}`"), f"a MyST role{NOT_DRAWN}", "write plain Markdown"),
    (
        re.compile(r"\{code-cell\}"),
        "a code cell that is read as text",
        "write it at the left margin, outside lists and quotations",
    ),
    (re.compile(r"^#\s"), "a heading of the first level", "use ##: the builder writes the title"),
    (
        re.compile(r"!\[\s*\]|<img\b(?![^>]*\balt\s*=\s*[\"'][^\"']*\w)", re.I),
        "an image without alt text",
        "use :::{figure} with an :alt: line",
    ),
    (
        re.compile(r"!\[[^\]]*\]\((?!https?://)"),
        "an image file that the notebook would not carry with it",
        "use :::{figure}, which puts the picture inside the notebook",
    ),
)


@dataclass
class Translated:
    """A Markdown cell, ready for a notebook."""

    source: str
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


@dataclass
class _Open:
    colons: int
    name: str
    line: int
    options: dict[str, str] = field(default_factory=dict)
    last_option: str = ""


def translate(source: str, path: Path, first_line: int) -> Translated:
    """Translate the directives of one Markdown cell, and refuse what would not be drawn.

    **Arguments:** `source`, the cell; `path`, its lesson, beside which figures lie;
    `first_line`, the cell's line in the lesson.
    **Returns:** the cell's new source, the figures that it shows, and what is wrong with it.
    """
    return _Translator(path, first_line).run(source)


class _Translator:
    def __init__(self, path: Path, first_line: int) -> None:
        self.path = path
        self.first_line = first_line
        self.line = first_line
        self.out: list[str] = []
        self.open: list[_Open] = []
        self.fence = ""
        self.result = Translated("")

    def run(self, source: str) -> Translated:
        for offset, text in enumerate(source.split("\n")):
            self.line = self.first_line + offset
            self.take(text)
        for directive in self.open:
            remedy = "close it with ::: before the next code cell or +++"
            self.refuse(f":::{{{directive.name}}} is not closed", remedy, directive.line)
        if self.fence:
            self.refuse("a fence of backticks is not closed", "close it in this cell")
        self.result.source = "\n".join(self.out).strip("\n")
        return self.result

    def refuse(self, what: str, remedy: str, line: int = 0) -> None:
        self.result.problems.append(Problem(self.path, line or self.line, what, remedy))

    def take(self, text: str) -> None:
        fence = FENCE.match(text)
        if self.fence:
            if fence and fence[1].startswith(self.fence) and not fence[2]:
                self.fence = ""
            self.out.append(text)
        elif fence and "`" not in fence[2]:
            self.open_fence(text, fence[1], fence[2])
        elif opening := OPEN.match(text):
            self.open_directive(len(opening[1]), opening[2], opening[3])
        elif closing := CLOSE.match(text):
            self.close_directive(len(closing[1]))
        elif text.lstrip().startswith(":::"):
            self.refuse(f"an unreadable directive {text.strip()!r}", "write :::{name} or :::")
        elif self.open and self.open[-1].name == "figure":
            self.take_option(self.open[-1], text)
        elif text.strip() or (self.out and self.out[-1].strip()):
            self.out.append(text)
            self.check_drawn(text)

    def open_fence(self, text: str, ticks: str, info: str) -> None:
        self.fence = ticks
        self.out.append(text)
        if info.startswith("{"):
            remedy = "write code cells at the left margin, outside lists and directives"
            if not info.startswith("{code-cell}"):
                remedy = f"use one of :::{{{'}, :::{'.join(KNOWN)}}}"
            self.refuse(f"a fence {info.split()[0]} that the builder does not know", remedy)
        elif not info:
            what = "a fence without a language"
            remedy = (
                "name one (```python, ```text), or find the line of backticks inside the cell "
                "above that ended it early"
            )
            self.refuse(what, remedy)

    def check_drawn(self, text: str) -> None:
        text = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", _keep_role, text)
        for pattern, what, remedy in REFUSED:
            if pattern.search(text):
                self.refuse(what, remedy)
                return

    def open_directive(self, colons: int, name: str, title: str) -> None:
        directive = _Open(colons, name, self.line)
        self.open.append(directive)
        if name in BOXES:
            css, label = BOXES[name]
            plain = title.replace("**", "")  # the whole heading is bold
            heading = f"{label}: {plain}" if plain else label
            self.block(f'<div class="alert alert-block {css}">', f"**{heading}**")
        elif name in ("recall", "dropdown"):
            if not title:
                self.refuse(f":::{{{name}}} without a title", "write it on the same line")
            self.block(f"{DETAILS}\n<summary>{_inline(title)}</summary>")
        elif name == "figure":
            directive.options["file"] = title
        else:
            remedy = f"use one of {', '.join(KNOWN)}"
            self.refuse(f"a directive {{{name}}} that the builder does not know", remedy)

    def block(self, *parts: str) -> None:
        # A blank line ends CommonMark's HTML block, so that what follows is read as Markdown.
        for part in parts:
            if self.out and self.out[-1].strip():
                self.out.append("")
            self.out += [*part.split("\n"), ""]

    def close_directive(self, colons: int) -> None:
        if not self.open:
            self.refuse("::: closes nothing", "a directive cannot span a code cell or +++")
            return
        directive = self.open.pop()
        if directive.colons != colons:
            what = f"{':' * colons} closes :::{{{directive.name}}} of line {directive.line}"
            self.refuse(what, "open and close with the same number of colons")
        if directive.name in BOXES:
            self.block("</div>")
        elif directive.name in ("recall", "dropdown"):
            self.block("</details>")
        elif directive.name == "figure":
            self.figure(directive)

    def take_option(self, directive: _Open, text: str) -> None:
        option = OPTION.match(text)
        if option and option[1] in ("alt", "caption"):
            directive.last_option = option[1]
            directive.options[option[1]] = option[2].strip()
        elif option or (text.strip() and not directive.last_option):
            self.refuse(f"{text.strip()!r} in a figure", "a figure has :alt: and :caption:")
        elif text.strip():  # the option runs on
            directive.options[directive.last_option] += " " + text.strip()

    def figure(self, directive: _Open) -> None:
        name = directive.options.get("file", "")
        alt = directive.options.get("alt", "").strip()
        caption = directive.options.get("caption", "").strip()
        if not alt:
            remedy = "say in an :alt: line what is to be seen, for someone who cannot see it"
            self.refuse(f"figure {name} without alt text", remedy, directive.line)
        if "$" in alt:
            what = f"figure {name} with maths in its alt text"
            self.refuse(what, "say it in words: it is read aloud", directive.line)
        if not caption:
            remedy = "say in a :caption: line what to notice"
            self.refuse(f"figure {name} without a caption", remedy, directive.line)
        file = self.path.parent / name
        data = file.read_bytes() if name and file.is_file() else b""
        if not re.fullmatch(r"figures/[\w.-]+\.png", name) or not data:
            chapter = self.path.parent.name[2:4]
            remedy = f"make it with python -m scripts.make_figures {chapter}, or mend the name"
            missing = bool(re.fullmatch(r"figures/[\w.-]+\.png", name))
            what = f"figure {name or '(no name)'} does not exist"
            self.result.problems.append(
                Problem(self.path, directive.line, what, remedy, missing_figure=missing)
            )
            return
        base = Path(name).name
        self.result.attachments[base] = {"image/png": base64.b64encode(data).decode("ascii")}
        label = re.sub(r"([\[\]\\])", r"\\\1", alt)
        self.block(f"![{label}](attachment:{base})")
        self.check_drawn(caption)
        self.block(f"*{caption}*" if "*" not in caption else caption)


def _keep_role(span: re.Match[str]) -> str:
    """Blank a code span, whose text is drawn as it stands; keep its ticks to find roles."""
    return "``" if span.string[: span.start()].endswith("}") else ""


def _inline(text: str) -> str:
    """Markdown is not read inside <summary>: mark code and emphasis as HTML, leave maths alone."""
    parts = re.split(r"(\$[^$]+\$)", html.escape(text, quote=False))
    for number in range(0, len(parts), 2):
        part = re.sub(r"`([^`]+)`", r"<code>\1</code>", parts[number])
        part = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", part)
        parts[number] = re.sub(r"\*([^*]+)\*", r"<em>\1</em>", part)
    return "".join(parts)
