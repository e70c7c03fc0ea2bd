from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from saeedu.activation_cache import HEADER, ActivationCache, CacheHeader, Shard, shard_file
from saeedu.cached_source import BLOCK, CachedSource

SHARD_SIZES = (3000, 2777, 1, 4000, 1234)
N = sum(SHARD_SIZES)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> ActivationCache:
    """Row i holds i and -i, so that a row tells where it came from."""
    import zlib

    folder = tmp_path_factory.mktemp("caches")
    numbers = np.arange(N, dtype="<f4")
    rows = np.stack([numbers, -numbers], axis=1)
    shards = []
    for i, part in enumerate(np.split(rows, np.cumsum(SHARD_SIZES)[:-1])):
        shard_file(folder, i).write_bytes(part.tobytes())
        shards.append(Shard(len(part), zlib.crc32(part.tobytes()), 1.0, {}))
    header = CacheHeader({"model": "none"}, 2, "float32", {}, shards, finished=True)
    (folder / HEADER).write_text(header.to_json())
    return ActivationCache(folder)


def numbers(batches: list[Tensor]) -> Tensor:
    x = torch.cat(batches)
    assert torch.equal(x[:, 0], -x[:, 1])
    return x[:, 0].long()


@pytest.mark.parametrize("window", [BLOCK, 10 * BLOCK + 3, 10**6])
def test_each_pass_deals_every_row_once_in_a_new_order(cache: ActivationCache, window: int) -> None:
    source = CachedSource(cache, seed=0, window=window)
    dealt = numbers([source.next_batch(1000) for _ in range(34)])  # three passes and a bit
    passes = dealt[: 3 * N].view(3, N)
    for one_pass in passes:
        assert torch.equal(one_pass.sort().values, torch.arange(N))
    assert not torch.equal(passes[0], passes[1])


def test_the_first_batches_come_from_all_over_the_cache(cache: ActivationCache) -> None:
    """A window of a quarter of the cache; the oracle is what uniform draws would give."""
    source = CachedSource(cache, seed=1, window=2800)
    first = numbers([source.next_batch(1000)]).double()
    assert abs(first.mean().item() / N - 0.5) < 0.15
    assert np.histogram(first, bins=4, range=(0, N))[0].min() > 60


def test_neighbours_in_the_text_are_no_neighbours_in_a_batch(cache: ActivationCache) -> None:
    source = CachedSource(cache, seed=2, window=20 * BLOCK)
    dealt = numbers([source.next_batch(N)]).numpy().astype(float)
    assert abs(np.corrcoef(dealt[:-1], dealt[1:])[0, 1]) < 0.25  # windows differ in their means
    same_block = np.mean(dealt[:-1] // BLOCK == dealt[1:] // BLOCK)
    assert same_block == pytest.approx(1 / 20, abs=0.03)


@pytest.mark.parametrize("n_before", [0, 1, 13, 30])
def test_a_restored_source_goes_on_exactly(cache: ActivationCache, n_before: int) -> None:
    source = CachedSource(cache, seed=3, window=1500)
    for _ in range(n_before):
        source.next_batch(777)
    state = json.loads(json.dumps(source.state()))
    expected = [source.next_batch(777) for _ in range(20)]
    other = CachedSource(cache, seed=3, window=1500)
    other.next_batch(5)
    other.restore(state)
    assert all(torch.equal(other.next_batch(777), batch) for batch in expected)


def test_a_sample_is_from_all_over_and_disturbs_nothing(cache: ActivationCache) -> None:
    source, plain = (CachedSource(cache, seed=4, window=1500) for _ in range(2))
    source.next_batch(50)
    plain.next_batch(50)
    sample = numbers([source.sample(4000)])
    assert len(sample) == 4000
    assert np.histogram(sample, bins=4, range=(0, N))[0].min() > 200
    assert len(source.sample(10**6)) == N
    assert torch.equal(source.next_batch(2000), plain.next_batch(2000))


def test_the_identity_has_the_caches_and_the_seed(cache: ActivationCache) -> None:
    identity = CachedSource(cache, seed=5).identity()
    assert identity["model"] == "none"
    other = CachedSource(cache, seed=6).identity()
    assert [name for name in identity if identity[name] != other[name]] == ["seed"]


def test_a_window_smaller_than_a_block_is_refused(cache: ActivationCache, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="window is 10, must be 256 or more"):
        CachedSource(cache, seed=0, window=10)
