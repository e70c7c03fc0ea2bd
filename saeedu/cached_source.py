"""Activations from a disk cache, mixed across all of it in bounded memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from saeedu.activation_cache import ActivationCache
from saeedu.activation_sources import State

BLOCK = 256
"""Rows read in one go: long enough for a disk, short enough to be about two contexts."""


class CachedSource:
    """An `ActivationSource` that deals every row of a cache once a pass, a new order each pass.

    The cache is cut into blocks of neighbouring rows. Blocks from anywhere in it, drawn at random,
    fill a window of memory; the window's rows are dealt in random order; the next window follows.
    Two rows of a batch are then from the same block with a probability of about `BLOCK` over the
    window's size.

    Every order follows from the seed and the number of the pass, so the state is three numbers.

    **Arguments:** `cache`; `seed`; `window`, rows held in memory (4 bytes x d_in each).
    **Raises:** `ValueError` for a window smaller than a block.
    """

    def __init__(self, cache: ActivationCache, seed: int, window: int = 65_536) -> None:
        if window < BLOCK:
            raise ValueError(f"CachedSource: window is {window}, must be {BLOCK} or more")
        self.d_in = cache.d_in
        self._cache, self._seed = cache, seed
        self._blocks_per_window = window // BLOCK
        self._n_blocks = -(-len(cache) // BLOCK)
        self._rows = torch.empty(min(self._blocks_per_window, self._n_blocks) * BLOCK, self.d_in)
        self._order: Tensor | None = None  # of the rows of a window, when one is loaded
        self._place = {"epoch": 0, "window": 0, "row": 0}

    def next_batch(self, batch_size: int) -> Tensor:
        """The next activations, mixed.

        **Returns:** [batch_size, d_in], on the CPU.
        **Raises:** `CacheError` for a damaged shard.
        """
        batch = torch.empty(batch_size, self.d_in)
        filled = 0
        while filled < batch_size:
            order = self._window() if self._order is None else self._order
            row = self._place["row"]
            slots = order[row : row + batch_size - filled]
            batch[filled : filled + len(slots)] = self._rows[slots]
            filled += len(slots)
            self._place["row"] += len(slots)
            if self._place["row"] == len(order):
                self._go_to_next_window()
        return batch

    def state(self) -> State:
        """The pass, the window in it, and the row in that."""
        return {**self._place}

    def restore(self, state: State) -> None:
        """Go to a place; the window is read again from the cache."""
        self._place = {name: int(state[name]) for name in ("epoch", "window", "row")}
        self._order = None

    def identity(self) -> dict[str, Any]:
        """The cache's, with the window and the seed."""
        window = self._blocks_per_window * BLOCK
        return {**self._cache.identity(), "window": window, "seed": self._seed}

    def sample(self, n: int) -> Tensor:
        """Random blocks of the cache.

        **Returns:** [m, d_in], m at most n and at most what the cache has.
        """
        n_blocks = n // BLOCK + 2  # the last of the cache may be short
        blocks = np.random.default_rng(self._seed).permutation(self._n_blocks)[:n_blocks]
        return torch.cat([self._block(int(block)) for block in np.sort(blocks)])[:n]

    def _block(self, number: int) -> Tensor:
        start = number * BLOCK
        return self._cache.read(start, min(start + BLOCK, len(self._cache)))

    def _window(self) -> Tensor:
        """Load the window at the present place. **Returns:** the order of its rows."""
        epoch, window = self._place["epoch"], self._place["window"]
        blocks = np.random.default_rng([self._seed, epoch]).permutation(self._n_blocks)
        first = window * self._blocks_per_window
        filled = 0
        for block in np.sort(blocks[first : first + self._blocks_per_window]):  # as the disk likes
            rows = self._block(int(block))
            self._rows[filled : filled + len(rows)] = rows
            filled += len(rows)
        order = np.random.default_rng([self._seed, epoch, window + 1]).permutation(filled)
        self._order = torch.from_numpy(order)
        return self._order

    def _go_to_next_window(self) -> None:
        self._order = None
        self._place["window"] += 1
        self._place["row"] = 0
        if self._place["window"] * self._blocks_per_window >= self._n_blocks:
            self._place["epoch"] += 1
            self._place["window"] = 0
