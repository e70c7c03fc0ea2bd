"""What this chapter's checks find out about an attempt, up to its first slip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from saeedu.grading.compare import compare


def up_to_the_first_slip(
    right: Mapping[str, Any], findings: Iterable[tuple[str, Any]]
) -> dict[str, Any]:
    """Facts about an attempt; those after the first wrong one count as right.

    One slip has many consequences, and two slips in one answer are as usual as one. So an answer
    is known by the first thing that is wrong with it, and told of the next when that is mended.

    **Arguments:** `right`, every fact as a right answer has it; `findings`, names and facts, the
    most telling first. It may be a generator: what follows a slip is never asked for.
    """
    facts = dict(right)
    for name, found in findings:
        facts[name] = found
        if compare(found, right[name], 1e-5) is not None:
            break
    return facts
