from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saeedu.shapes import ShapeError
from saeedu.shuffle_buffer import ShuffleBuffer


def pump(buffer: ShuffleBuffer, stream: Tensor, chunk: int) -> Tensor:
    """Push a whole stream through, refilling at half, and empty the buffer at the end."""
    out = []
    for rows in stream.split(chunk):
        if buffer.room < len(rows):
            buffer.mix(keep=buffer.capacity // 2)
            out.append(buffer.take(buffer.ready))
        buffer.add(rows)
    buffer.mix(keep=0)
    return torch.cat([*out, buffer.take(buffer.ready)])


def test_every_row_that_goes_in_comes_out_once_and_unchanged() -> None:
    stream = torch.randn(10_000, 3, generator=torch.Generator().manual_seed(0))
    out = pump(ShuffleBuffer(1000, 3, seed=1), stream, chunk=70)
    assert not torch.equal(out, stream)
    order = [torch.tensor(sorted(rows.tolist())) for rows in (stream, out)]
    assert torch.equal(*order)


def test_two_rows_of_a_batch_share_a_context_as_rarely_as_documented() -> None:
    """Against 2c / 3 capacity; of the rows of a stable buffer, neither its start nor its end."""
    context, capacity = 20, 2000
    contexts = torch.arange(300_000) // context
    out = pump(ShuffleBuffer(capacity, 1, seed=2), contexts[:, None].float(), chunk=100)
    batches = out.flatten()[capacity : -2 * capacity].long().unfold(0, 100, 100)
    same = (batches[:, :, None] == batches[:, None, :]).sum() - batches.numel()
    shared = same.item() / (batches.numel() * 99)
    assert shared == pytest.approx(2 * context / (3 * capacity), rel=0.12)


def test_neighbours_that_resembled_each_other_no_longer_do() -> None:
    """A walk whose neighbours correlate by .95; the oracle is NumPy's corrcoef."""
    import numpy as np

    steps = np.random.default_rng(0).standard_normal(100_000)
    walk = np.empty_like(steps)
    level = 0.0
    for i, step in enumerate(steps):
        level = 0.95 * level + step
        walk[i] = level
    stream = torch.tensor(walk, dtype=torch.float32)[:, None]
    out = pump(ShuffleBuffer(4000, 1, seed=3), stream, chunk=128)[:, 0].numpy()
    assert np.corrcoef(walk[:-1], walk[1:])[0, 1] > 0.94
    assert abs(np.corrcoef(out[:-1], out[1:])[0, 1]) < 0.02  # its noise is .003


def test_a_restored_buffer_goes_on_exactly() -> None:
    generator = torch.Generator().manual_seed(4)
    buffer = ShuffleBuffer(50, 2, seed=5)
    buffer.add(torch.randn(45, 2, generator=generator))
    buffer.mix(keep=25)
    buffer.take(7)
    buffer.add(torch.randn(9, 2, generator=generator))
    state = buffer.state()
    later = torch.randn(11, 2, generator=generator)

    def go_on(b: ShuffleBuffer) -> Tensor:
        first = b.take(b.ready)
        b.add(later)
        b.mix(keep=25)
        return torch.cat([first, b.take(b.ready)])

    expected = go_on(buffer)  # after the state was taken: it must be a copy
    other = ShuffleBuffer(50, 2, seed=99)
    other.restore(state)
    assert torch.equal(go_on(other), expected)
    other.restore(state)
    assert torch.equal(go_on(other), expected)


def test_the_seed_fixes_the_order() -> None:
    stream = torch.arange(500.0)[:, None]
    first, same, other = (pump(ShuffleBuffer(100, 1, seed), stream, 10) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


def test_what_does_not_fit_is_refused() -> None:
    buffer = ShuffleBuffer(4, 2, seed=0)
    with pytest.raises(ValueError, match="5 rows, but room for 4"):
        buffer.add(torch.zeros(5, 2))
    with pytest.raises(ShapeError, match=r"rows must be \[n, 2\], but they are \[1, 3\]"):
        buffer.add(torch.zeros(1, 3))
    with pytest.raises(ValueError, match="1 rows, but 0 are ready"):
        buffer.take(1)
    with pytest.raises(ShapeError, match=r"saved buffer is \[5, 2\], this one \[4, 2\]"):
        buffer.restore(ShuffleBuffer(5, 2, seed=0).state())
    with pytest.raises(ValueError, match="capacity is 1, must be 2 or more"):
        ShuffleBuffer(1, 2, seed=0)
