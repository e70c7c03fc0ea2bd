from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from saeedu import numpy_sae
from saeedu.metrics import agreement, mmcs
from saeedu.shapes import ShapeError


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 4, generator=generator), 3 * torch.randn(7, 4, generator=generator)


def test_mmcs_is_that_of_chapter_03_in_any_chunks(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    first, second = pair
    for chunk in (1, 2, 100):
        expected = numpy_sae.mmcs(first.numpy(), second.numpy())
        assert mmcs(first, second, chunk=chunk) == pytest.approx(expected, rel=1e-6)


def test_agreement_is_brute_force_over_all_matchings(
    pair: tuple[torch.Tensor, torch.Tensor],
) -> None:
    first, second = pair
    table = cosine_similarity(first.numpy(), second.numpy())
    got = agreement(first, second)
    assert got.mmcs_of_first == pytest.approx(table.max(axis=1).mean(), rel=1e-6)
    assert got.mmcs_of_second == pytest.approx(table.max(axis=0).mean(), rel=1e-6)
    best = max(permutations(range(7), 5), key=lambda p: sum(table[range(5), p]))
    assert tuple(got.partner) == best
    assert got.matched == pytest.approx(table[range(5), best].mean(), rel=1e-6)
    back = agreement(second, first)
    assert back.matched == pytest.approx(got.matched)
    assert np.count_nonzero(back.partner == -1) == 2


def test_a_dictionary_of_copies_shows_in_one_direction_only() -> None:
    truth = torch.eye(3)
    copies = torch.eye(3)[[0, 0, 0]]
    got = agreement(truth, copies)
    assert got.mmcs_of_first == pytest.approx(1 / 3)
    assert got.mmcs_of_second == pytest.approx(1)
    assert got.matched == pytest.approx(1 / 3)


def test_a_row_of_zeros_is_similar_to_nothing() -> None:
    assert mmcs(torch.zeros(1, 3), torch.eye(3)) == 0
    with pytest.raises(ShapeError):
        mmcs(torch.eye(3), torch.eye(4))
