"""From a reference answer's source to what stands in a learner's notebook."""

from __future__ import annotations

import ast
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable
from typing import Any

from saeedu.grading.exercise import Exercise

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class SourceError(ValueError):
    """A function's source cannot be turned into a cell."""


def stub_source(exercise: Exercise) -> str:
    """The signature, the docstring, the scaffold, and a NotImplementedError with the id.

    **Arguments:** an exercise, whose reference is a function or a class.
    **Returns:** Python source. Of a class, every method is a stub of its own.
    **Raises:** `SourceError` when the reference's source cannot be read.
    """
    source, node = definition(exercise.reference)
    last = f'raise NotImplementedError("{exercise.id}")'
    if isinstance(node, ast.ClassDef):
        if exercise.scaffold.strip():
            raise SourceError("a class takes no scaffold, since it would be in every method")
        return _class_stub(source, node, last)
    scaffold = textwrap.dedent(exercise.scaffold).strip("\n")
    return _function_stub(source, node, [*scaffold.split("\n"), last] if scaffold else [last])


def solution_source(exercise: Exercise) -> str:
    """The reference's source, without its decorators.

    **Arguments:** an exercise.
    **Returns:** Python source. What its docstring says a decorator raises goes with the decorator.
    **Raises:** `SourceError` when the reference's source cannot be read.
    """
    source, node = definition(exercise.reference)
    decorated = bool(node.decorator_list)
    source, node = _without_decorators(source, node)
    return _without_raises(source, node) if decorated else source


def ships_source(exercise: Exercise) -> str:
    """The wrong answer that the notebook ships, under the exercise's name and docstring.

    **Arguments:** an exercise with `ships`.
    **Returns:** Python source: the reference's signature and docstring over the wrong body. Where
    the two name their arguments differently, the wrong answer's own signature.
    **Raises:** `SourceError` when a source cannot be read.
    """
    assert exercise.ships is not None
    source, node = definition(exercise.reference)
    wrong_source, wrong = _without_decorators(*definition(exercise.ships))
    wrong_source = _renamed(wrong_source, wrong.name, exercise.name)
    if isinstance(wrong, ast.ClassDef) or isinstance(node, ast.ClassDef):
        return wrong_source
    body = _body_lines(wrong_source, _parse(wrong_source))
    if _argument_names(node) == _argument_names(wrong):
        return _function_stub(source, node, body)
    return _function_stub(wrong_source, _parse(wrong_source), body, ast.get_docstring(node))


def definition(implementation: Callable[..., Any]) -> tuple[str, Definition]:
    """The source of a function or class, at the left margin, and its syntax tree.

    **Arguments:** a function or class written with `def` or `class`, decorated or not.
    **Returns:** the source with its decorators, and its node.
    **Raises:** `SourceError` when there is no source, or it is a lambda.
    """
    plain = inspect.unwrap(implementation)
    name = getattr(plain, "__name__", repr(plain))
    try:
        source = textwrap.dedent(inspect.getsource(plain)).strip("\n")
    except (OSError, TypeError) as error:
        raise SourceError(f"the source of {name} cannot be read ({error})") from error
    if name == "<lambda>":
        raise SourceError("a lambda cannot become a cell: write it with def")
    return source, _parse(source)


def _parse(source: str) -> Definition:
    try:
        node = ast.parse(source).body[0]
    except (SyntaxError, IndexError) as error:
        raise SourceError(f"source that does not parse on its own ({error})") from error
    if not isinstance(node, Definition):
        raise SourceError("source that does not begin with def or class")
    return node


def _without_decorators(source: str, node: Definition) -> tuple[str, Definition]:
    """A class keeps what is not a shape check: @dataclass is part of what it does."""
    lines = source.split("\n")
    dropped: set[int] = set()
    if not isinstance(node, ast.ClassDef):
        dropped |= set(range(node.lineno - 1))
    for inner in ast.walk(node):
        if isinstance(inner, Definition):
            for decorator in inner.decorator_list:
                if "shaped" in ast.unparse(decorator).split("(")[0].split("."):
                    dropped |= set(range(decorator.lineno - 1, decorator.end_lineno or 0))
    kept = "\n".join(line for number, line in enumerate(lines) if number not in dropped)
    return kept, _parse(kept)


def _has_docstring(node: Definition) -> bool:
    return ast.get_docstring(node) is not None


def _without_raises(source: str, node: Definition) -> str:
    """Drop the **Raises:** paragraph of the docstring, up to the next bold heading or its end."""
    if not _has_docstring(node):
        return source
    doc = node.body[0]
    lines = source.split("\n")
    first, last = doc.lineno - 1, (doc.end_lineno or doc.lineno) - 1
    kept: list[str] = []
    dropping = False
    for number, line in enumerate(lines):
        text = line.strip()
        if first < number < last:
            if text.startswith("**Raises:**"):
                dropping = True
                continue
            if text.startswith("**") or not text:
                dropping = False
        else:
            dropping = False
        if not dropping:
            kept.append(line)
    return "\n".join(kept)


def _function_stub(source: str, node: Definition, body: list[str], doc: str | None = None) -> str:
    """The function's header and docstring over another body; lines at the left margin."""
    source, node = _without_decorators(source, node)
    source = _without_raises(source, node)
    node = _parse(source)
    head = _header(source, node)
    indent = " " * _indent_of(source, node)
    if doc is not None:
        quoted = textwrap.indent(f'"""{doc}\n"""' if "\n" in doc else f'"""{doc}"""', indent)
        lines = re.sub(r"^\s+$", "", quoted, flags=re.M).split("\n")
    elif _has_docstring(node):
        lines = source.split("\n")[node.body[0].lineno - 1 : node.body[0].end_lineno]
    else:
        lines = []
    return "\n".join([*head, *lines, *(indent + line if line.strip() else "" for line in body)])


def _header(source: str, node: Definition) -> list[str]:
    """The lines of `def` down to its colon, with their comments."""
    lines = source.split("\n")
    first = node.body[0]
    if first.lineno > _colon_line(source):
        return lines[: _colon_line(source)]
    return [lines[first.lineno - 1][: first.col_offset].rstrip()]  # def f(x): return x


def _colon_line(source: str) -> int:
    """Line of the colon that ends the header."""
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.OP:
            depth += (token.string in "([{") - (token.string in ")]}")
            if token.string == ":" and not depth:
                return token.start[0]
    raise SourceError("a definition without a colon")


def _indent_of(source: str, node: Definition) -> int:
    first = node.body[0]
    return first.col_offset if first.lineno > _colon_line(source) else 4


def _body_lines(source: str, node: Definition) -> list[str]:
    """The body after the docstring, with comments, at the left margin."""
    lines = source.split("\n")
    start = node.body[0].lineno
    if start == _colon_line(source):
        return [lines[start - 1][node.body[0].col_offset :]]
    after = (node.body[0].end_lineno or start) if _has_docstring(node) else _colon_line(source)
    return textwrap.dedent("\n".join(lines[after:])).strip("\n").split("\n")


def _class_stub(source: str, node: ast.ClassDef, last: str) -> str:
    source, parsed = _without_decorators(source, node)
    lines = source.split("\n")
    assert isinstance(parsed, ast.ClassDef)
    for method in reversed(parsed.body):  # from the bottom, so that line numbers above hold
        if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first, end = method.lineno - 1, method.end_lineno or method.lineno
        text = textwrap.dedent("\n".join(lines[first:end]))
        stub = _function_stub(text, _parse(text), [last])
        lines[first:end] = textwrap.indent(stub, " " * method.col_offset).split("\n")
    source = "\n".join(lines)
    return _without_raises(source, _parse(source))


def _argument_names(node: Definition) -> list[str]:
    assert not isinstance(node, ast.ClassDef)
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [argument.arg for argument in every]


def _renamed(source: str, old: str, new: str) -> str:
    """Every use of the name `old` becomes `new`; strings and comments stay."""
    lines = source.split("\n")
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token in reversed(tokens):
        if token.type == tokenize.NAME and token.string == old:
            row, column = token.start
            line = lines[row - 1]
            lines[row - 1] = line[:column] + new + line[column + len(old) :]
    return "\n".join(lines)
