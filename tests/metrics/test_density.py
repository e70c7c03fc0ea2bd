from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from saeedu.metrics import dead_fraction, dense_fraction, density_histogram
from saeedu.shapes import ShapeError


def test_dead_are_those_at_zero_and_dense_those_above_a_tenth() -> None:
    density = torch.tensor([0.0, 0.0, 1e-9, 0.1, 0.100001, 1.0, 0.5, 0.02])
    assert dead_fraction(density) == 2 / 8
    assert dense_fraction(density) == 3 / 8


def test_every_latent_is_counted_once_in_its_own_bin() -> None:
    density = torch.tensor([0.0, 1e-12, 4e-7, 0.011, 0.012, 0.9, 1.0], dtype=torch.float64)
    histogram = density_histogram(density, decades=7, bins_per_decade=2)
    assert histogram.dead == 1
    assert len(histogram.edges) == 15
    assert histogram.counts.sum() + histogram.dead == 7
    low, high = histogram.edges[:-1], histogram.edges[1:]
    for value, expected in ((4e-7, 1), (0.011, 2), (0.9, 2)):  # 1.0 shares the last bin
        (bin_,) = np.flatnonzero((low <= math.log10(value)) & (math.log10(value) < high))
        assert histogram.counts[bin_] == expected
    assert histogram.counts[0] == 1  # rarer than the lowest edge


def test_the_edges_do_not_depend_on_the_data() -> None:
    few, many = density_histogram(torch.rand(3)), density_histogram(torch.rand(300) / 1e4)
    np.testing.assert_array_equal(few.edges, many.edges)


def test_a_table_is_refused() -> None:
    with pytest.raises(ShapeError):
        density_histogram(torch.rand(3, 3))
