"""The strongest contexts of a stream are those of a sort of the whole, however it is cut."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saeedu.analysis import RunningSample, RunningTopContexts, window_positions, wording_of
from tests.reading_fixtures import BOS, CONTEXT, D_SAE, batches, stream


def brute_force(
    tokens: Tensor, latents: Tensor, latent: int, n: int, before: int
) -> list[tuple[float, int]]:
    """(activation, position) of the n strongest, each wording once, by sorting everything."""
    found: dict[tuple[int, ...], tuple[float, int]] = {}
    flat = tokens.flatten().tolist()
    for position, value in enumerate(latents[:, :, latent].flatten().tolist()):
        if value <= 0:
            continue
        start = position
        while start > position - before and flat[start - 1] != BOS:  # every context begins with one
            start -= 1
        wording = tuple(flat[start : position + 1])
        if wording not in found or value > found[wording][0]:
            found[wording] = (value, position)
    return sorted(found.values(), key=lambda entry: (-entry[0], entry[1]))[:n]


@pytest.mark.parametrize("cuts", [[], [1], [7, 8, 20], list(range(1, 30))])
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(("n", "before"), [(1, 2), (4, 3), (60, 0)])
def test_top_contexts_equal_a_sort_of_the_whole_stream(
    cuts: list[int], seed: int, n: int, before: int
) -> None:
    tokens, latents, _ = stream(seed)
    running = RunningTopContexts(D_SAE, n, before, 2, bos_token_id=BOS)
    for batch in batches(seed, cuts):
        running.update(batch)
    top = running.result()
    for latent in range(D_SAE):
        wanted = brute_force(tokens, latents, latent, n, before)
        exist = top.positions[latent] >= 0
        assert top.positions[latent, exist].tolist() == [position for _, position in wanted]
        assert top.values[latent, exist].tolist() == [value for value, _ in wanted]
        assert not top.values[latent, ~exist].any()


def test_windows_hold_the_tokens_and_activations_around_the_place_and_no_others() -> None:
    tokens, latents, _ = stream(3)
    running = RunningTopContexts(D_SAE, 5, 4, 3, bos_token_id=BOS)
    for batch in batches(3, [11]):
        running.update(batch)
    top = running.result()
    assert top.before == 4
    for latent, example in (top.positions >= 0).nonzero().tolist():
        context, at = divmod(int(top.positions[latent, example]), CONTEXT)
        for column in range(8):
            place = at + column - 4
            inside = 0 <= place < CONTEXT
            token = int(tokens[context, place]) if inside else -1
            value = float(latents[context, place, latent]) if inside else 0.0
            assert int(top.tokens[latent, example, column]) == token
            assert float(top.activations[latent, example, column]) == value


def test_memory_does_not_grow_with_the_stream() -> None:
    running = RunningTopContexts(D_SAE, 3, 2, 1, bos_token_id=BOS)
    sample = RunningSample(D_SAE, 4, 2, 1)
    for seed in range(40):
        for batch in batches(seed, []):
            running.update(batch)
            sample.update(batch)
        assert len(running.entries.values) <= D_SAE * 3
        assert len(sample.entries.values) <= D_SAE * 4


def test_a_sample_draws_every_active_place_equally_often() -> None:
    (batch,) = batches(4, [])
    active = batch.latents[:, :, 0].flatten().nonzero()[:, 0]
    draws, n = 600, 10
    counts = torch.zeros(len(active))
    for seed in range(draws):
        sample = RunningSample(D_SAE, n, 0, 0, seed)
        for piece in batches(4, [10, 13]):
            sample.update(piece)
        positions = sample.result().positions[0]
        assert len(set(positions.tolist())) == n
        counts += torch.isin(active, positions)
    share = n / len(active)
    spread = (draws * share * (1 - share)) ** 0.5
    assert counts.sum() == draws * n
    assert (counts - draws * share).abs().max() < 4.5 * spread


def test_a_sample_keeps_repeated_wordings_and_every_place_of_a_rare_latent() -> None:
    _, latents, _ = stream(5)
    sample = RunningSample(D_SAE, 300, 1, 0)
    for batch in batches(5, [2, 9]):
        sample.update(batch)
    drawn = sample.result()
    for latent in range(D_SAE):
        places = latents[:, :, latent].flatten().nonzero()[:, 0]
        positions = drawn.positions[latent]
        assert positions[positions >= 0].sort().values.tolist() == places.tolist()


def test_the_end_of_one_story_does_not_make_the_opening_of_the_next_look_new() -> None:
    after_one, after_another, in_the_middle = [7, BOS, 4, 5], [BOS, BOS, 4, 5], [7, 8, 4, 5]
    wordings = wording_of(torch.tensor([after_one, after_another, in_the_middle]), BOS)
    assert wordings.tolist() == [[-1, -1, 4, 5], [-1, -1, 4, 5], [7, 8, 4, 5]]


def test_a_window_stays_in_its_context() -> None:
    places = window_positions(torch.tensor([0, 4, 5, 9]), 5, 2, 1)
    assert places.tolist() == [[-1, -1, 0, 1], [2, 3, 4, -1], [-1, -1, 5, 6], [7, 8, 9, -1]]


@pytest.mark.parametrize("sizes", [(0, 3, 1, 1), (3, 0, 1, 1), (3, 3, -1, 1), (3, 3, 1, -1)])
def test_sizes_that_cannot_be_meant_are_refused(sizes: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        RunningTopContexts(*sizes, bos_token_id=BOS)
