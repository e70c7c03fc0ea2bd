"""Where training gets its batches of activations: one protocol, and the source held in memory."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import torch
from torch import Tensor

State = dict[str, Tensor | int | float | str]


class ActivationSource(Protocol):
    """Batches of activations without end, that can be left and taken up again exactly."""

    d_in: int
    """The width of an activation."""

    def next_batch(self, batch_size: int) -> Tensor:
        """The next activations, mixed.

        **Returns:** [batch_size, d_in], float32.
        """
        ...

    def state(self) -> State:
        """Everything that is needed to continue exactly: tensors (copies) and plain values."""
        ...

    def restore(self, state: State) -> None:
        """Continue where another source of the same identity was when it gave this state."""
        ...

    def identity(self) -> dict[str, Any]:
        """What the activations are, in plain values that JSON can hold.

        Compared by `check_identity` when a run is resumed: with another model, text or seed it
        would not be the same run.
        """
        ...

    def sample(self, n: int) -> Tensor:
        """Some activations for estimating their mean and length; the stream is not disturbed.

        **Returns:** [m, d_in]: m is about n, but fewer when fewer are at hand, and more when more
        cost nothing.
        """
        ...


class IdentityError(ValueError):
    """Saved work belongs to other activations; the message names the field that differs."""


def check_identity(saved: dict[str, Any], current: dict[str, Any], what: str, remedy: str) -> None:
    """Refuse to go on with saved work that belongs to other activations.

    **Arguments:** `saved`, the identity that the work was saved with; `current`, that of the
    source at hand; `what`, the saved work and its place, e.g. `"the checkpoint runs/3"`;
    `remedy`, what the user can do, a sentence.
    **Raises:** `IdentityError`, naming the first field that differs and both values.
    """
    for name in [*current, *(name for name in saved if name not in current)]:
        there, here = saved.get(name), current.get(name)
        if there != here:
            raise IdentityError(
                f"{what} belongs to other activations: its {name} is {there!r}, here it is "
                f"{here!r}. {remedy}"
            )


class InMemorySource:
    """Activations that are held in memory, in a new random order each pass.

    A pass's last rows, when they are too few for a batch, are left out of that pass.

    **Arguments:** `x` [n, d_in], float32; `seed`, which fixes the order; `identity`, what the
    activations are (see `ActivationSource`), to which their number and a fingerprint are added.
    """

    def __init__(self, x: Tensor, seed: int, identity: dict[str, Any] | None = None) -> None:
        if x.ndim != 2 or len(x) == 0:
            raise ValueError(f"InMemorySource: x must be [n, d_in], but it is {list(x.shape)}")
        self.d_in = x.shape[1]
        self._x = x
        self._seed = seed
        self._given = identity or {}
        self._generator = torch.Generator().manual_seed(seed)
        self._fingerprint = ""
        self._start_pass()

    def next_batch(self, batch_size: int) -> Tensor:
        """The next rows of this pass, or the first of the next.

        **Returns:** [batch_size, d_in].
        **Raises:** `ValueError` when there are fewer rows than a batch holds.
        """
        if not 1 <= batch_size <= len(self._x):
            raise ValueError(
                f"next_batch: batch_size is {batch_size}, but there are {len(self._x)} activations"
            )
        if self._row + batch_size > len(self._x):
            self._start_pass()
        rows = self._order[self._row : self._row + batch_size]
        self._row += batch_size
        return self._x[rows]

    def state(self) -> State:
        """The place in the pass, and the generator's state from which its order was drawn."""
        return {"generator": self._drawn_from.clone(), "row": self._row}

    def restore(self, state: State) -> None:
        """Draw the pass's order again, and go to the place in it."""
        generator, row = state["generator"], state["row"]
        assert isinstance(generator, Tensor)
        self._generator.set_state(generator.cpu())
        self._start_pass()
        self._row = int(row)

    def identity(self) -> dict[str, Any]:
        """What was given, with the number of rows, their width, a fingerprint and the seed."""
        if not self._fingerprint:
            content = self._x.detach().cpu().contiguous().numpy()
            self._fingerprint = hashlib.blake2b(content.data, digest_size=16).hexdigest()
        return {
            **self._given,
            "n_activations": len(self._x),
            "d_in": self.d_in,
            "activations_fingerprint": self._fingerprint,
            "seed": self._seed,
        }

    def sample(self, n: int) -> Tensor:
        """All of them, since they are at hand.

        **Returns:** [number of rows, d_in].
        """
        return self._x

    def _start_pass(self) -> None:
        self._drawn_from = self._generator.get_state()
        self._order = torch.randperm(len(self._x), generator=self._generator)
        self._row = 0
