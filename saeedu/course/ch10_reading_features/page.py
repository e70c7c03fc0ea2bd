"""What a browser would make of a piece of HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """Visible text, elements, the last title and the last background's opacity."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.elements: list[str] = []
        self.title = "none"
        self.opacity = 0.0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element, its title, and the opacity of its background."""
        self.elements.append(tag)
        given = dict(attrs)
        self.title = given.get("title") or self.title
        found = re.search(r"background(?:-color)?:\s*rgba\([^)]*,\s*([\d.]+)\s*\)", given.get(
            "style"
        ) or "")  # fmt: skip
        if found:
            self.opacity = float(found[1])

    def handle_data(self, data: str) -> None:
        """Note what would be seen."""
        self.text += data
