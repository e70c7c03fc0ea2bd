"""Shows verdicts, hints and progress: HTML in a notebook, plain text anywhere else.

The HTML takes its colours from the page, so that it reads in a light theme, in a dark one and
without colour: every state has a symbol and a word of its own.
"""

from __future__ import annotations

import html
import re
import sys
from typing import Any

from saeedu.grading.exercise import Exercise
from saeedu.grading.verdict import Verdict

SYMBOLS = {"passed": "✓", "not_attempted": "○", "wrong": "✗", "raised": "✗"}
WORDS = {
    "passed": "correct",
    "not_attempted": "not attempted",
    "wrong": "not yet",
    "raised": "raised an error",
}
_EDGES = {"passed": "#0072b2", "not_attempted": "#888888", "wrong": "#d55e00", "raised": "#d55e00"}
_PRINTED_LINES = 12
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\w)([^*\n]+?)(?<=\w)\*(?![\w*])")


class Shown:
    """Something to show: it renders itself as HTML in a notebook and as text elsewhere."""

    def __init__(self, text: str, html_text: str) -> None:
        self.text = text
        self.html = html_text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def show(shown: Shown) -> None:
    """Display in a notebook, print elsewhere."""
    if _in_notebook():
        from IPython.display import display

        display(shown)
    else:
        _print(shown.text)


def _print(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, errors="replace").decode(encoding))


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:  # then nobody is running us in a kernel
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and shell.__class__.__name__ == "ZMQInteractiveShell"


def verdict_report(exercise: Exercise, verdict: Verdict) -> Shown:
    """The banner under a test cell."""
    headline = f"{exercise.id} · {exercise.title}: {WORDS[verdict.status]}"
    if verdict.passed:
        headline += f" ({_duration(verdict.seconds)})"
    lines = [f"{SYMBOLS[verdict.status]} {headline}", verdict.message]
    rows = {name: _brief(value) for name, value in _rows(verdict).items()}
    lines += [f"  {name}: {_indent(value)}" for name, value in rows.items()]
    lines.append(_next_step(exercise, verdict))
    return Shown(
        "\n".join(line for line in lines if line),
        _banner(verdict, headline, rows, _next_step(exercise, verdict)),
    )


def _rows(verdict: Verdict) -> dict[str, Any]:
    """The details, with those that belong together on one line."""
    details = dict(verdict.details)
    details.pop("reason", None)
    rows: dict[str, Any] = {}
    if "call" in details:
        which = details.pop("call number", "")
        note = details.pop("these inputs", "")
        extra = ", ".join(part for part in (which and f"call {which}", note) if part)
        rows["call"] = details.pop("call") + (f"   ({extra})" if extra else "")
    if "your shape" in details:
        yours, expected = details.pop("your shape"), details.pop("expected shape")
        same = yours == expected
        rows["shape"] = f"{yours}, as expected" if same else f"yours {yours}, expected {expected}"
    if "first at index" in details:
        rows["numbers"] = (
            f"{details.pop('numbers that differ')} differ, by up to "
            f"{details.pop('largest difference'):.3g}; at {details.pop('first at index')} "
            f"yours is {details.pop('got there'):.6g}, expected {details.pop('expected there'):.6g}"
        )
    if "got" in details:
        rows["number"] = f"yours {details.pop('got'):.6g}, expected {details.pop('expected'):.6g}"
    return rows | details


def _next_step(exercise: Exercise, verdict: Verdict) -> str:
    if verdict.passed:
        return f"The notebook goes on with your `{exercise.name}`."
    if verdict.details.get("reason") == "reference":
        return f"The notebook goes on with the reference `{exercise.name}`."
    if verdict.status == "not_attempted":
        return f"Continuing with the reference answer. Stuck? `hint({exercise.id!r})`"
    return (
        f"Mend it and run both cells again. Until then the notebook goes on with the reference "
        f"`{exercise.name}`. These inputs, for you to try: "
        f"`from saeedu import failing_inputs; failing_inputs({exercise.id!r})`. "
        f"Stuck? `hint({exercise.id!r})`"
    )


def _banner(verdict: Verdict, headline: str, rows: dict[str, str], next_step: str) -> str:
    message, _, traceback = _split_traceback(verdict)
    parts = [
        f'<div role="status" style="border-left:4px solid {_EDGES[verdict.status]};'
        f'padding:.4em .9em;margin:.2em 0;max-width:60em;line-height:1.45">',
        f"<div><b>{SYMBOLS[verdict.status]} {_code(headline)}</b></div>",
    ]
    if traceback:
        parts.append(f"{_preformatted(traceback)}")
    if message:
        parts.append(f'<div style="margin:.3em 0">{_code(message)}</div>')
    if rows:
        cells = "".join(
            f'<tr style="background:none"><td style="text-align:left;padding:.1em 1em .1em 0;'
            f'opacity:.75;vertical-align:top">{html.escape(name)}</td>'
            f'<td style="text-align:left;padding:.1em 0;white-space:pre-wrap;'
            f'font-family:var(--jp-code-font-family,monospace)">{html.escape(value)}</td></tr>'
            for name, value in rows.items()
        )
        parts.append(f'<table style="margin:.3em 0;border:0">{cells}</table>')
    parts.append(f'<div style="opacity:.8">{_code(next_step)}</div></div>')
    return "".join(parts)


def _split_traceback(verdict: Verdict) -> tuple[str, str, str]:
    """Message, separator, traceback: a raised error's frames stand apart from the advice."""
    if verdict.status != "raised" or "line " not in verdict.message:
        return verdict.message, "", ""
    lines = verdict.message.splitlines()
    last = max((i for i, line in enumerate(lines) if line.startswith("line ")), default=0)
    return "\n".join(lines[last + 2 :]), "\n", "\n".join(lines[: last + 2])


def _preformatted(text: str) -> str:
    return (
        f'<pre style="margin:.4em 0;padding:.3em .6em;white-space:pre-wrap;'
        f'border:1px solid var(--jp-border-color2,#9995)">{html.escape(text)}</pre>'
    )


def _code(text: str) -> str:
    """Escape, and turn `backticks` into code and *stars* into emphasis."""
    pieces = html.escape(text).split("`")
    if len(pieces) % 2 == 0:  # an odd backtick: leave them all alone
        return "`".join(pieces).replace("\n", "<br>")
    return "".join(
        f"<code>{piece}</code>"
        if i % 2
        else _EMPHASIS.sub(r"<em>\1</em>", piece).replace("\n", "<br>")
        for i, piece in enumerate(pieces)
    )


def _brief(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    lines = str(value).splitlines()
    if len(lines) > _PRINTED_LINES:
        lines = [*lines[:_PRINTED_LINES], f"... and {len(lines) - _PRINTED_LINES} more lines"]
    return "\n".join(line if len(line) <= 160 else f"{line[:160]} ..." for line in lines)


def _indent(text: str) -> str:
    return text.replace("\n", "\n    ")


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def hint_report(exercise: Exercise, shown: int) -> Shown:
    """The first `shown` hints, and what the next call will do."""
    total = len(exercise.hints)
    lines = [f"Hint {i} of {total}: {text}" for i, text in enumerate(exercise.hints[:shown], 1)]
    if shown < total:
        more = f"Call hint({exercise.id!r}) again for the next."
    else:
        more = f"That was the last. solution({exercise.id!r}) shows the reference answer."
    items = "".join(f"<div style='margin:.2em 0'>{_code(line)}</div>" for line in lines)
    return Shown(
        "\n".join([*lines, more]),
        f"<div style='border-left:4px solid #e69f00;padding:.3em .9em;max-width:60em'>{items}"
        f"<div style='opacity:.75'>{_code(more)}</div></div>",
    )


def solution_report(exercise: Exercise, source: str, hints_left: int) -> Shown:
    """The reference answer's source; folded away while there are hints left."""
    note = (
        f"{hints_left} hint{'s' if hints_left > 1 else ''} of hint({exercise.id!r}) "
        f"{'are' if hints_left > 1 else 'is'} still unread."
        if hints_left
        else "Close it, and write it again from memory."
    )
    fold = "" if hints_left else " open"
    return Shown(
        f"Reference answer to {exercise.id}. {note}\n\n{source}",
        f"<details{fold}><summary>Reference answer to {html.escape(exercise.id)}. "
        f"{html.escape(note)}</summary>{_preformatted(source)}</details>",
    )


def progress_report(chapters: list[dict[str, Any]]) -> Shown:
    """A table: one line a chapter, a symbol an exercise.

    **Arguments:** `chapters`, each with "chapter", "title" and "exercises", whose entries have
    "id" and "status" (a status, or None when never run).
    """
    lines, rows = [], []
    solved = total = 0
    for chapter in chapters:
        marks = [SYMBOLS.get(entry["status"] or "", "·") for entry in chapter["exercises"]]
        done = sum(entry["status"] == "passed" for entry in chapter["exercises"])
        solved, total = solved + done, total + len(marks)
        label = f"{chapter['chapter']} {chapter['title']}"
        lines.append(f"{label:<40} {done:>2} of {len(marks):<2} {' '.join(marks)}")
        symbols = " ".join(
            f'<span title="{html.escape(entry["id"])}: '
            f'{WORDS.get(entry["status"] or "", "never run")}">{mark}</span>'
            for entry, mark in zip(chapter["exercises"], marks, strict=True)
        )
        rows.append(
            f"<tr><td style='text-align:left'>{html.escape(label)}</td>"
            f"<td>{done} of {len(marks)}</td><td style='text-align:left'>{symbols}</td></tr>"
        )
    legend = "✓ correct   ✗ tried, not yet right   ○ not attempted   · never run"
    summary = f"{solved} of {total} exercises solved"
    return Shown(
        "\n".join([*lines, "", summary, legend]),
        f"<table>{''.join(rows)}</table><div>{summary}</div>"
        f"<div style='opacity:.75'>{legend}</div>",
    )
