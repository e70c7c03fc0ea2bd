"""Tables on a terminal: words first, colour second."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

# A state is said by its word; the colour only repeats it.
STYLES: Mapping[str, str] = {
    "passed": "green",
    "ok": "green",
    "not attempted": "dim",
    "optional": "yellow",
    "wrong": "red",
    "raised": "red",
    "not reached": "red",
    "problem": "bold red",
}


def print_table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    folded: str = "",
) -> None:
    """Print a table on standard output.

    **Arguments:** `title`; `columns`, their headings; `rows`, of as many cells; `numbers`, the
    columns that align right; `folded`, the column that takes what width is left.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Piped into a file there is no width to respect, and a wrapped message is hard to search.
    width = None if sys.stdout.isatty() else 120
    table = Table(title=Text(title), title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=bool(folded) and column != folded,
            overflow="fold",
        )
    for row in rows:
        texts = [str(cell) for cell in row]
        # Text, not markup: a message may hold [batch, d_in].
        table.add_row(*[Text(text, style=STYLES.get(text.lstrip("✓○✗- "), "")) for text in texts])
    Console(file=sys.stdout, width=width).print(table)
