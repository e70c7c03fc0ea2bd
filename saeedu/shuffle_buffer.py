"""Mix a stream of activations in a fixed amount of memory."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.shapes import ShapeError


def mix_and_deal(
    kept: Tensor, new: Tensor, n_out: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """One round of a shuffle buffer: put new rows to those that it kept, mix all, deal some out.

    **Arguments:** `kept` and `new`, rows [n_kept, d_in] and [n_new, d_in]; `n_out`, how many to
    deal, from 0 to n_kept + n_new; `generator`, from which all chance is drawn, so that a run can
    be repeated.
    **Returns:** the rows dealt out, [n_out, d_in], in random order, and those kept for the next
    round, in any order, since that round mixes them again. Each row is in one of the two, once, and
    all rows have the same chance.
    """
    rows = torch.cat([kept, new])
    mixed = rows[torch.randperm(len(rows), generator=generator)]
    return mixed[:n_out], mixed[n_out:]


class ShuffleBuffer:
    """Activations go in as the text has them, and come out mixed.

    Neighbouring tokens have similar activations, so a batch of neighbours says little about the
    rest. The buffer is filled, half of what it holds is given out in random order, the gap is
    filled again, all is mixed anew, and so on: `add` while there is `room`, `mix`, `take` what is
    `ready`.

    How well that mixes: of the rows given out after one mixing, half came in just before, a quarter
    one round earlier, and so on. So two rows of a batch are from the same context of c tokens with
    a probability of about 2c / 3 capacity, where a full shuffle of N rows would have c / N, and the
    stream itself nearly 1 for neighbours. At a capacity of 65,536 and c = 128, each row of a batch
    of 1,024 has on average 1.3 others of its context beside it; without a buffer, 127.

    Memory is 4 * d_in + 24 bytes a row of capacity, taken at once and never more.

    **Arguments:** `capacity`, rows; `d_in`, the width of a row; `seed`, which fixes the mixing.
    **Raises:** `ValueError` for a capacity under 2.
    **Source:** Bricken et al. (2023), "Towards Monosemanticity", shuffle their activations;
    refilling at half is as in Neel Nanda's SAE code (2023), and since then in SAELens.
    """

    def __init__(self, capacity: int, d_in: int, seed: int) -> None:
        if capacity < 2:
            raise ValueError(f"ShuffleBuffer: capacity is {capacity}, must be 2 or more")
        self.capacity = capacity
        self._rows = torch.zeros(capacity, d_in)
        self._generator = torch.Generator().manual_seed(seed)
        # Slots of `_rows` by number. Rows stay where they are; only these numbers are mixed.
        self._free = torch.arange(capacity)
        self._held = torch.zeros(0, dtype=torch.long)
        self._ready = torch.zeros(0, dtype=torch.long)

    @property
    def room(self) -> int:
        """How many rows can be added."""
        return len(self._free)

    @property
    def ready(self) -> int:
        """How many rows can be taken."""
        return len(self._ready)

    def add(self, rows: Tensor) -> None:
        """Put rows in; they cannot be taken before the next `mix`.

        **Arguments:** `rows` [n, d_in], n at most `room`.
        **Raises:** `ShapeError` for rows of another width; `ValueError` when there is no room.
        """
        if rows.ndim != 2 or rows.shape[1] != self._rows.shape[1]:
            raise ShapeError(
                f"ShuffleBuffer.add: rows must be [n, {self._rows.shape[1]}], but they are "
                f"{list(rows.shape)}"
            )
        if len(rows) > self.room:
            raise ValueError(f"ShuffleBuffer.add: {len(rows)} rows, but room for {self.room}")
        slots, self._free = self._free[: len(rows)], self._free[len(rows) :]
        self._rows[slots] = rows.to(self._rows)
        self._held = torch.cat([self._held, slots])

    def mix(self, keep: int) -> None:
        """Mix all rows, and let all but some be taken, in random order.

        **Arguments:** `keep`, how many rows stay for the next mixing: half of the capacity, or 0
        when nothing more will come in.
        """
        n_ready = max(len(self._held) + self.ready - keep, 0)
        self._ready, self._held = mix_and_deal(self._held, self._ready, n_ready, self._generator)

    def take(self, n: int) -> Tensor:
        """Take rows out, and make room.

        **Arguments:** `n`, at most `ready`.
        **Returns:** [n, d_in], a copy.
        **Raises:** `ValueError` when fewer are ready.
        """
        if n > self.ready:
            raise ValueError(f"ShuffleBuffer.take: {n} rows, but {self.ready} are ready")
        slots, self._ready = self._ready[:n], self._ready[n:]
        self._free = torch.cat([self._free, slots])
        return self._rows[slots]

    def peek(self, n: int) -> Tensor:
        """Copies of rows that stay where they are; fewer than n when the buffer holds fewer."""
        return self._rows[torch.cat([self._ready, self._held])[:n]]

    def state(self) -> dict[str, Tensor]:
        """All that is in the buffer, and the generator's state: copies, as large as the buffer."""
        return {
            "rows": self._rows.clone(),
            "free": self._free.clone(),
            "held": self._held.clone(),
            "ready": self._ready.clone(),
            "generator": self._generator.get_state(),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Be as the buffer was that gave this state.

        **Raises:** `ShapeError` when that buffer had another size.
        """
        if state["rows"].shape != self._rows.shape:
            raise ShapeError(
                f"ShuffleBuffer.restore: the saved buffer is {list(state['rows'].shape)}, this one "
                f"{list(self._rows.shape)}. Make it of the same capacity and width."
            )
        self._rows.copy_(state["rows"])
        self._free, self._held, self._ready = (
            state[name].cpu().clone() for name in ("free", "held", "ready")
        )
        self._generator.set_state(state["generator"].cpu())
