"""What is measured, and what a measurement says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from saeedu.shapes import Array


class Pair(NamedTuple):
    """An answer and the expected one, from one call, with the call's named inputs and axes."""

    got: Array
    expected: Array
    inputs: Mapping[str, Array]
    axes: Mapping[str, int]


class Finding(NamedTuple):
    """What was measured: a short kind for programs, a sentence for people."""

    kind: str
    sentence: str
