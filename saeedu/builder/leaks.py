"""Finding a solution where a learner would read it: compared as normalised code."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from saeedu.builder.stubs import SourceError, definition
from saeedu.grading.exercise import Exercise

FENCED = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n`]*\n(.*?)^ {0,3}\1", re.M | re.S)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
# A body made of nothing else, such as `return x`, is too small to be recognised as anybody's.
SAYS_SOMETHING = (ast.BinOp, ast.Call, ast.Compare, ast.UnaryOp, ast.Subscript, ast.For)


def answers_in(source: str, kind: str, exercises: Sequence[Exercise]) -> list[tuple[str, str]]:
    """Which answers to which exercises a cell contains.

    **Arguments:** `source`, a cell's; `kind`, `"code"` or `"markdown"`; `exercises`, all of them.
    **Returns:** exercise ids, each with the name of the answer: the reference, or an alternative.
    """
    texts = [_code_lines(source)] if kind == "code" else list(_markdown_code(source))
    found = []
    for exercise in exercises:
        for answer in (exercise.reference, *exercise.alternatives):
            if any(_contains(text, _body(answer)) for text in texts):
                found.append((exercise.id, getattr(answer, "__name__", "?")))
                break
    return found


def hint_gives_all_away(hint: str, exercise: Exercise) -> bool:
    """Whether a hint holds every line of the reference's body.

    **Arguments:** `hint`; `exercise`.
    **Returns:** True also when only the `return` of a one-line body is left out.
    """
    body = _body(exercise.reference)
    if not body:
        return False
    squeezed = _squeeze(hint)
    if len(body) == 1:
        return _squeeze(body[0].removeprefix("return ")) in squeezed
    return all(_squeeze(line) in squeezed for line in body)


@cache
def _body(answer: Callable[..., Any]) -> tuple[str, ...]:
    """The lines of a function's or class's body, without docstrings, comments or formatting."""
    try:
        _, node = definition(answer)
    except SourceError:
        return ()
    for inner in ast.walk(node):
        if isinstance(inner, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(inner):
            inner.body = inner.body[1:] or [ast.Pass()]
    if not any(isinstance(part, SAYS_SOMETHING) for stmt in node.body for part in ast.walk(stmt)):
        return ()
    return tuple(_lines("\n".join(ast.unparse(statement) for statement in node.body)))


def _code_lines(source: str) -> list[str]:
    """A cell's code in one formatting; as written where it does not parse."""
    try:
        tree = ast.parse(textwrap.dedent(source))
    except SyntaxError:
        try:  # the body of a function, on its own
            tree = ast.parse("def _():\n" + textwrap.indent(textwrap.dedent(source), "    "))
        except SyntaxError:
            return _lines(re.sub(r"\s*#.*$", "", source, flags=re.M))
    return _lines(ast.unparse(tree))


def _markdown_code(source: str) -> Iterator[list[str]]:
    """Code that a Markdown cell shows: in fences, indented or quoted, and in spans."""
    for match in FENCED.finditer(source):
        yield _code_lines(match[2])
    for span in SPAN.findall(source):
        yield _code_lines(span)
    yield _lines(re.sub(r"^[>\s]+", "", source, flags=re.M))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _contains(text: Sequence[str], body: Sequence[str]) -> bool:
    size = len(body)
    if not size or body[0] not in text:  # nearly always: a course has thousands of pairs
        return False
    return any(tuple(text[i : i + size]) == tuple(body) for i in range(len(text) - size + 1))


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text).replace('"', "'")
