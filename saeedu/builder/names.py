"""Which names a cell defines, and which it needs from the cells above."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
from collections.abc import Iterator

Unresolved = tuple[str, int]
"""A name, and the line of the cell on which it first stands."""

# What a notebook's kernel defines besides Python's builtins.
KERNEL_NAMES = {"display", "get_ipython", "__name__", "__file__", "__doc__", "_"}
MAGIC = re.compile(r"^(\s*)[%!].*$", re.M)


def names_bound(source: str) -> set[str]:
    """The names that a cell defines for the cells below.

    **Arguments:** `source`, a code cell's.
    **Returns:** names; for `from module import *`, the star.
    **Raises:** `SyntaxError` when the cell does not compile.
    """
    plain = _without_magics(source)
    bound = {symbol.get_name() for symbol in _top(plain).get_symbols() if _defines(symbol)}
    stars = (
        alias.name
        for node in ast.walk(ast.parse(plain))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    )
    return bound | {name for name in stars if name == "*"}


def unresolved(source: str, bound: set[str], *, everywhere: bool) -> list[Unresolved]:
    """The names that a cell uses and nothing has defined.

    **Arguments:** `source`, a code cell's; `bound`, what the cells above define; `everywhere`,
    whether to look inside functions too, which may be called after a later cell.
    **Returns:** names with their lines, in order.
    **Raises:** `SyntaxError` when the cell does not compile.
    """
    plain = _without_magics(source)
    compile(plain, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    own = names_bound(source)
    if "*" in bound | own:
        return []  # anything may have come with the star
    known = bound | own | set(dir(builtins)) | KERNEL_NAMES
    needed = set(_needed(_top(plain), top=True, everywhere=everywhere)) - known
    lines: dict[str, int] = {}
    for node in ast.walk(ast.parse(plain)):
        if isinstance(node, ast.Name) and node.id in needed:
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return sorted(((name, lines.get(name, 1)) for name in needed), key=lambda item: item[1])


def _needed(table: symtable.SymbolTable, *, top: bool, everywhere: bool) -> Iterator[str]:
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or (top and not _defines(symbol))):
            yield symbol.get_name()
    if everywhere:
        for child in table.get_children():
            yield from _needed(child, top=False, everywhere=True)


def _defines(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def _top(source: str) -> symtable.SymbolTable:
    return symtable.symtable(source, "<cell>", "exec")


def _without_magics(source: str) -> str:
    """IPython's % and ! lines are no Python; a `pass` keeps their place."""
    return MAGIC.sub(r"\1pass", source)
