from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saeedu.metrics.streaming import BlockSums, RunningMean

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=12).filter(lambda sizes: sum(sizes) > 1)


@given(sizes=SIZES, offset=st.sampled_from([0.0, 1e4]))
def test_mean_and_spread_do_not_depend_on_where_batches_end(
    sizes: list[int], offset: float
) -> None:
    x = torch.randn(sum(sizes), 3, generator=torch.Generator().manual_seed(0)) + offset
    running = RunningMean(3)
    for batch in x.split(sizes):
        running.update(batch)
    exact = x.double().numpy()
    np.testing.assert_allclose(running.mean.numpy(), exact.mean(axis=0), rtol=1e-12)
    assert running.squared_distance == pytest.approx(len(x) * exact.var(axis=0).sum(), rel=1e-9)
    assert running.n == len(x)


@given(sizes=SIZES, block=st.integers(1, 30))
def test_ratios_and_their_errors_do_not_depend_on_where_batches_end(
    sizes: list[int], block: int
) -> None:
    rows = torch.rand(sum(sizes), 2, generator=torch.Generator().manual_seed(1)) + 0.1
    pieces, whole = BlockSums(("a", "b"), block), BlockSums(("a", "b"), block)
    for batch in rows.split(sizes):
        pieces.add(a=batch[:, 0], b=batch[:, 1])
    whole.add(a=rows[:, 0], b=rows[:, 1])
    got, expected = pieces.ratio("a", "b"), whole.ratio("a", "b")
    assert got.value == pytest.approx(rows[:, 0].sum().item() / rows[:, 1].sum().item(), rel=1e-6)
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


def test_the_error_of_a_mean_is_the_textbooks() -> None:
    """Blocks of one row: s / sqrt(n), with the n - 1 of an unbiased variance."""
    values = torch.randn(50, generator=torch.Generator().manual_seed(2), dtype=torch.float64) + 3
    sums = BlockSums(("value", "rows"), block=1)
    sums.add(value=values, rows=torch.ones(50))
    expected = np.std(values.numpy(), ddof=1) / math.sqrt(50)
    assert sums.ratio("value", "rows").standard_error == pytest.approx(expected)


def test_the_error_of_a_ratio_is_what_repeating_the_measurement_shows() -> None:
    """2,000 samples of 40 blocks each, the rows of a block alike: the spread of their ratios."""
    rng = np.random.default_rng(0)
    values, errors = [], []
    for _ in range(2_000):
        level = rng.gamma(4.0, size=40).repeat(5)
        below = level + rng.random(200)
        above = 0.3 * level + 0.4 * rng.random(200)
        sums = BlockSums(("above", "below"), block=5)
        sums.add(above=torch.from_numpy(above), below=torch.from_numpy(below))
        estimate = sums.ratio("above", "below")
        values.append(estimate.value)
        errors.append(estimate.standard_error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.1)


def test_rows_that_resemble_their_neighbours_are_not_counted_as_many() -> None:
    """Each value four times in a row tells no more than each value once."""
    values = torch.randn(64, generator=torch.Generator().manual_seed(3)) + 5
    once, fourfold = BlockSums(("v", "n"), block=1), BlockSums(("v", "n"), block=4)
    once.add(v=values, n=torch.ones(64))
    fourfold.add(v=values.repeat_interleave(4), n=torch.ones(256))
    assert fourfold.ratio("v", "n") == pytest.approx(once.ratio("v", "n"))


def test_differences_of_columns() -> None:
    sums = BlockSums(("zero", "with_sae", "clean"), block=1)
    sums.add(
        zero=torch.tensor([10.0, 12.0]),
        with_sae=torch.tensor([4.0, 4.0]),
        clean=torch.tensor([3.0, 3.0]),
    )
    got = sums.ratio_of({"zero": 1, "with_sae": -1}, {"zero": 1, "clean": -1})
    assert got.value == pytest.approx((6 + 8) / (7 + 9))


def test_one_block_gives_a_value_but_no_error() -> None:
    sums = BlockSums(("a", "b"), block=10)
    sums.add(a=torch.ones(15), b=torch.full((15,), 2.0))
    estimate = sums.ratio("a", "b")
    assert estimate.value == 0.5
    assert math.isnan(estimate.standard_error)
