"""Finds a constant by which an answer is off: 2, 1/batch, 2/(batch · d_in), batch/(batch - 1)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from saeedu.grading.compare import close
from saeedu.grading.pairs import Finding, Pair


def constant_factor(pairs: list[Pair], rtol: float) -> Finding | None:
    """The one factor, a number or made of axis sizes, that every answer is off by."""
    factors = []
    for pair in pairs:
        energy = float(np.sum(pair.expected**2))
        if energy == 0:
            if np.any(pair.got != 0):
                return None
            continue  # zero times anything: it says nothing about the factor
        factor = float(np.sum(pair.got * pair.expected)) / energy
        if not np.all(close(pair.got, factor * pair.expected, rtol)):
            return None
        factors.append((factor, pair.axes))
    numbers = sum(pair.expected.size for pair in pairs if np.any(pair.expected))
    if len(factors) == 0 or numbers < 3:
        return None  # two numbers are always some multiple of each other
    first = factors[0][0]
    if all(np.isclose(factor, first, rtol=1e-4, atol=1e-12) for factor, _ in factors):
        if abs(first - 1) < 5e-3:
            return None  # nearly right, which is another story
        if np.isclose(first, -1, rtol=1e-4):
            return Finding("sign", "It is the right answer with the opposite sign.")
        if abs(first) < 1e-12:
            return Finding("factor", "It is zero everywhere.")
        if all(p.expected.size == 1 for p in pairs) and len(pairs) < 3:
            return None
        return Finding("factor", f"It is {_ratio_text(first)} times the right answer, every time.")
    for names, value in _axis_factors(factors[0][1]):
        if all(
            (expected := value(axes)) is not None and np.isclose(factor, expected, rtol=1e-4)
            for factor, axes in factors
        ):
            sentence = f"It is {names} times the right answer, every time."
            return Finding("factor", sentence)
    return None


def _ratio_text(factor: float) -> str:
    for numerator, denominator in itertools.product(range(1, 5), repeat=2):
        if np.isclose(abs(factor), numerator / denominator, rtol=1e-4):
            sign = "-" if factor < 0 else ""
            return f"{sign}{numerator}" + (f"/{denominator}" if denominator > 1 else "")
    return f"{factor:.4g}"


def _axis_factors(
    axes: Mapping[str, int],
) -> Iterator[tuple[str, Callable[[Mapping[str, int]], float | None]]]:
    """Factors made of axis sizes, simplest first: batch, 1/batch, 2/batch, 1/(batch d_in) ..."""
    products = [*((name,) for name in axes), *itertools.combinations(axes, 2)]
    for names in products:
        for number in (1, 2, 0.5, -1, -2, -0.5):
            for power in (1, -1):

                def value(
                    sizes: Mapping[str, int],
                    names: tuple[str, ...] = names,
                    number: float = number,
                    power: int = power,
                ) -> float | None:
                    if any(name not in sizes for name in names):
                        return None
                    return number * float(np.prod([sizes[name] for name in names])) ** power

                yield _product_text(names, number, power), value
    yield from _ratios(axes)


def _product_text(names: tuple[str, ...], number: float, power: int) -> str:
    """`2/batch`, `1/(2 · d_in)`, `batch/2`, `-batch · d_in`."""
    above = [] if abs(number) in (1, 0.5) else [f"{abs(number):g}"]
    below = ["2"] if abs(number) == 0.5 else []
    (above if power == 1 else below).extend(names)
    text = " · ".join(above) or "1"
    if below:
        text += f"/{below[0]}" if len(below) == 1 else f"/({' · '.join(below)})"
    return f"-{text}" if number < 0 else text


def _ratios(
    axes: Mapping[str, int],
) -> Iterator[tuple[str, Callable[[Mapping[str, int]], float | None]]]:
    """Factors from dividing by the wrong number: batch/d_in, batch/(batch - 1)."""
    for above, below in itertools.permutations(axes, 2):

        def ratio(sizes: Mapping[str, int], above: str = above, below: str = below) -> float | None:
            return sizes[above] / sizes[below] if above in sizes and below in sizes else None

        yield f"{above}/{below}", ratio
    for name in axes:

        def less_one(sizes: Mapping[str, int], name: str = name) -> float | None:
            return sizes[name] / (sizes[name] - 1) if sizes.get(name, 1) > 1 else None

        def inverse(sizes: Mapping[str, int], name: str = name) -> float | None:
            return (sizes[name] - 1) / sizes[name] if sizes.get(name, 1) > 1 else None

        yield f"{name}/({name} - 1)", less_one
        yield f"({name} - 1)/{name}", inverse
