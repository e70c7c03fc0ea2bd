"""Sums over more data than fits in memory: a mean with its variance, and ratios with their errors.

All sums are kept in float64, so where a batch ends makes no difference that matters.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor


def as_double(values: Tensor) -> Tensor:
    """The same numbers in float64, on the CPU: Apple's GPUs have no float64."""
    return values.detach().cpu().double()


class RunningMean:
    """The mean of a stream of vectors, and how far they lie from it.

    **Source:** the update of Chan, Golub and LeVeque (1983). Unlike a sum of squares it loses no
    digits when the mean is large beside the spread, as it is in GPT-2's outlier dimensions.
    """

    n: int
    """Vectors seen."""
    mean: Tensor
    """[d]."""
    squared_distance: float
    """The sum over all vectors of the squared distance to the mean."""

    def __init__(self, d: int) -> None:
        self.n = 0
        self.mean = torch.zeros(d, dtype=torch.float64)
        self.squared_distance = 0.0

    def update(self, x: Tensor) -> None:
        """Take in a batch, [batch, d]; an empty one changes nothing."""
        if len(x) == 0:
            return
        x = as_double(x)
        mean = x.mean(dim=0)
        delta = mean - self.mean
        n = self.n + len(x)
        self.squared_distance += (
            (x - mean).square().sum() + delta.square().sum() * self.n * len(x) / n
        ).item()
        self.mean = self.mean + delta * len(x) / n
        self.n = n


class Estimate(NamedTuple):
    """A number measured on a sample, and how far it may be off."""

    value: float
    standard_error: float
    """One standard deviation of `value` over samples of this size; nan when it cannot be known."""


class BlockSums:
    """Sums of several columns over a stream of rows, and the standard errors of their ratios.

    Tokens of one context resemble each other, so they are not independent samples, but contexts
    nearly are. Rows are therefore taken in blocks of consecutive ones, and the spread between
    blocks makes the standard errors. For each block only sums are kept, and of those only their
    products: the memory needed does not grow with the number of rows.

    **Arguments:** `columns`, their names; `block`, consecutive rows that count as one sample.
    **Source:** the ratio estimator with linearised variance (Cochran, *Sampling Techniques*, 1977)
    over non-overlapping batches.
    """

    def __init__(self, columns: tuple[str, ...], block: int) -> None:
        self.columns = columns
        self.block = block
        self.n_blocks = 0
        self._total = torch.zeros(len(columns), dtype=torch.float64)
        self._in_blocks = torch.zeros_like(self._total)
        self._products = torch.zeros(len(columns), len(columns), dtype=torch.float64)
        self._unfinished = torch.zeros_like(self._total)
        self._n_unfinished = 0

    def add(self, **values: Tensor) -> None:
        """Take in rows: for each column its values, [n]."""
        rows = torch.stack([as_double(values[name]) for name in self.columns], dim=1)
        self._total += rows.sum(dim=0)
        block_of_row = (torch.arange(len(rows)) + self._n_unfinished) // self.block
        n_finished, self._n_unfinished = divmod(self._n_unfinished + len(rows), self.block)
        blocks = torch.zeros(n_finished + 1, len(self.columns), dtype=torch.float64)
        blocks.index_add_(0, block_of_row, rows)
        blocks[0] += self._unfinished
        self._unfinished = blocks[n_finished].clone()
        finished = blocks[:n_finished]
        self._in_blocks += finished.sum(dim=0)
        self._products += finished.T @ finished
        self.n_blocks += n_finished

    def ratio(self, numerator: str, denominator: str) -> Estimate:
        """One column's sum divided by another's.

        **Returns:** an `Estimate`; its value is over all rows, its error from finished blocks.
        """
        return self.ratio_of({numerator: 1.0}, {denominator: 1.0})

    def ratio_of(self, numerator: dict[str, float], denominator: dict[str, float]) -> Estimate:
        """As `ratio`, of weighted sums of columns: `{"zero": 1, "clean": -1}` is a difference."""
        above, below = self._weights(numerator), self._weights(denominator)
        value = _divide((above @ self._total).item(), (below @ self._total).item())
        if self.n_blocks < 2:
            return Estimate(value, math.nan)
        scale = (below @ self._in_blocks).item()
        # What a block has above, less what it should have given its share below.
        excess = above - _divide((above @ self._in_blocks).item(), scale) * below
        spread = max((excess @ self._products @ excess).item(), 0.0)
        error = math.sqrt(spread * self.n_blocks / (self.n_blocks - 1))
        return Estimate(value, _divide(error, abs(scale)))

    def _weights(self, named: dict[str, float]) -> Tensor:
        weights = [named.get(name, 0.0) for name in self.columns]
        return torch.tensor(weights, dtype=torch.float64)


def _divide(above: float, below: float) -> float:
    return above / below if below else math.nan
