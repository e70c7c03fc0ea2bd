"""The strongest contexts of every latent, found in one pass over any number of tokens.

Only the entries that can still win are kept: n a latent, whatever the length of the stream.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from saeedu.latent_stream import LatentBatch

OUTSIDE = -1
"""A token beyond the edge of a context, or an example that a latent does not have."""


class Entries(NamedTuple):
    """Places at which a latent is active: row i of every field is about the same place."""

    values: Tensor
    """[e]: by what they are ranked, larger first: the activation, or a random number."""
    latents: Tensor
    """[e]: which latent."""
    keys: Tensor
    """[e]: two entries of one latent with the same key count as one."""
    positions: Tensor
    """[e]: the token's number in the stream."""
    tokens: Tensor
    """[e, window]: the tokens around it; `OUTSIDE` beyond the edges of its context."""
    activations: Tensor
    """[e, window]: the latent on each of them, 0 beyond the edges."""

    def at(self, rows: Tensor) -> Entries:
        """Only some of the entries: `rows` are indices, or a mask [e]."""
        return Entries(*(field[rows] for field in self))

    def followed_by(self, others: Entries) -> Entries:
        """These entries, and then others."""
        return Entries(*(torch.cat(pair) for pair in zip(self, others, strict=True)))


def window_positions(positions: Tensor, context: int, before: int, after: int) -> Tensor:
    """The places around some places, without crossing the edge of a context.

    Contexts lie one after another, `context` tokens each: place p is token p % context of context
    p // context.

    **Arguments:** `positions` [m], integers; `context`; `before` and `after`, how many places on
    either side.
    **Returns:** [m, before + 1 + after], integers: rising places, the given one in column
    `before`; -1 where the place would lie in another context.
    """
    places = positions[:, None] + torch.arange(-before, after + 1)
    same_context = places.div(context, rounding_mode="floor") == (positions // context)[:, None]
    return places.where(same_context, OUTSIDE)


def begins_a_run(*fields: Tensor) -> Tensor:
    """Where a list differs from what stands before it, in any of its fields; the first always does.

    **Arguments:** one or more fields [e].
    **Returns:** [e], booleans.
    """
    changes = torch.ones(len(fields[0]), dtype=torch.bool)
    changes[1:] = torch.stack([field[1:] != field[:-1] for field in fields]).any(dim=0)
    return changes


def strongest_entries(values: Tensor, latents: Tensor, keys: Tensor, n: int) -> Tensor:
    """Which entries remain when every latent keeps its n strongest, and of equal keys only one.

    Of two entries with the same latent and the same key the stronger counts, and where values are
    equal the one that comes first in the list.

    **Arguments:** `values`, `latents`, `keys`, each [e]; `n`, at least 1.
    **Returns:** indices into the list: latent by latent in rising order, the strongest first, at
    most n for each latent.
    """
    order = values.argsort(descending=True, stable=True)
    for field in (keys, latents):  # stable: within a latent and a key the strongest stays first
        order = order[field[order].argsort(stable=True)]
    once = order[begins_a_run(latents[order], keys[order])].sort().values

    order = once[values[once].argsort(descending=True, stable=True)]
    order = order[latents[order].argsort(stable=True)]
    places = torch.arange(len(order))
    starts = places.where(begins_a_run(latents[order]), 0).cummax(0).values
    return order[places - starts < n]


def merge_top(kept: Entries, new: Entries, n: int) -> Entries:
    """What is worth keeping of the entries so far and those of a new batch.

    Called on one batch after another, it ends with the n strongest entries of every latent over
    the whole stream, exactly, wherever the stream was cut.

    **Arguments:** `kept`, what the last call returned, for the first batch no entries; `new`, later
    in the stream; `n`, how many a latent may keep.
    **Returns:** entries in the order of `strongest_entries`.
    """
    both = kept.followed_by(new)  # in stream order, so that of equals the earlier one stays
    return both.at(strongest_entries(both.values, both.latents, both.keys, n))


def wording_of(tokens: Tensor, bos_token_id: int) -> Tensor:
    """Tokens up to a place, without what belongs to an earlier text.

    **Arguments:** `tokens` [m, before + 1], the place itself in the last column; `bos_token_id`.
    **Returns:** [m, before + 1]: the last BOS of each row and all before it are `OUTSIDE`.
    """
    bos_follows = (tokens == bos_token_id).flip(1).cumsum(dim=1).flip(1) > 0
    return tokens.where(~bos_follows, OUTSIDE)


class Contexts(NamedTuple):
    """For every latent n examples: places where it is active, with the tokens around each."""

    values: Tensor
    """[d_sae, n]: the activation there; 0 where a latent has fewer than n examples."""
    positions: Tensor
    """[d_sae, n]: the token's number in the stream, or -1."""
    tokens: Tensor
    """[d_sae, n, window]: -1 beyond the edges of a context."""
    activations: Tensor
    """[d_sae, n, window]: the latent on each of these tokens."""
    before: int
    """The place of the example itself in its window."""

    @property
    def peak_tokens(self) -> Tensor:
        """The token of each example, [d_sae, n]; -1 where there is none."""
        return self.tokens[:, :, self.before]

    def rows(self, latents: list[int] | Tensor) -> Contexts:
        """The examples of some latents only: indices, or a mask [d_sae]."""
        return self._replace(
            values=self.values[latents],
            positions=self.positions[latents],
            tokens=self.tokens[latents],
            activations=self.activations[latents],
        )

    def picks(self, latent: int, examples: Tensor) -> Contexts:
        """Some examples of one latent, in a given order, as its only row.

        **Arguments:** `latent`; `examples` [m], which of its n.
        """
        row = self.rows([latent])
        return row._replace(
            values=row.values[:, examples],
            positions=row.positions[:, examples],
            tokens=row.tokens[:, examples],
            activations=row.activations[:, examples],
        )


class _RunningContexts:
    """Examples of every latent, chosen as the stream goes by."""

    def __init__(self, d_sae: int, n: int, before: int, after: int) -> None:
        if min(d_sae, n) < 1 or min(before, after) < 0:
            raise ValueError(
                f"d_sae and n must be 1 or more, before and after 0 or more, but they are {d_sae}, "
                f"{n}, {before} and {after}"
            )
        self.d_sae, self.n, self.before, self.after = d_sae, n, before, after
        window = before + 1 + after
        none = torch.zeros(0, dtype=torch.long)
        self.entries = Entries(
            torch.zeros(0), none, none, none, none.reshape(0, window), torch.zeros(0, window)
        )
        self._floors = torch.full((d_sae,), -torch.inf)

    def _add(self, batch: LatentBatch, values: Tensor, keys: Tensor) -> None:
        active, context = batch.active, batch.tokens.shape[1]
        hopeful = values > self._floors[active.latents]
        latents, places = active.latents[hopeful], active.places[hopeful]
        around = window_positions(places, context, self.before, self.after)
        inside = around != OUTSIDE
        new = Entries(
            values[hopeful],
            latents,
            keys[hopeful],
            places + batch.first * context,
            batch.tokens.flatten()[around].where(inside, OUTSIDE),
            batch.latents.flatten(0, 1)[around, latents[:, None]].where(inside, 0.0),
        )
        self.entries = merge_top(self.entries, new, self.n)
        full = self.entries.latents.bincount(minlength=self.d_sae) == self.n
        lowest = torch.full((self.d_sae,), torch.inf)
        lowest.scatter_reduce_(0, self.entries.latents, self.entries.values, "amin")
        self._floors = lowest.where(full, -torch.inf)

    def result(self) -> Contexts:
        """The examples so far."""
        entries, window = self.entries, self.before + 1 + self.after
        starts = torch.searchsorted(entries.latents, torch.arange(self.d_sae))
        column = torch.arange(len(entries.latents)) - starts[entries.latents]
        place = (entries.latents, column)
        shape = (self.d_sae, self.n)
        return Contexts(
            torch.zeros(shape).index_put(place, entries.activations[:, self.before]),
            torch.full(shape, OUTSIDE).index_put(place, entries.positions),
            torch.full((*shape, window), OUTSIDE).index_put(place, entries.tokens),
            torch.zeros(*shape, window).index_put(place, entries.activations),
            self.before,
        )


class RunningTopContexts(_RunningContexts):
    """The n strongest contexts of every latent, each wording once.

    Two places have the same wording when the token and up to `before` tokens in front of it are the
    same. What stands before a BOS does not count: several texts share a context, and how the last
    one ended must not make the opening words of this one look new.

    Memory is d_sae x n windows, whatever the length of the stream; the result is that of a sort of
    the whole stream, and does not depend on how it is cut into batches.

    **Arguments:** `d_sae`; `n`; `before` and `after`, tokens to keep on either side;
    `bos_token_id`, which begins a text.
    **Raises:** `ValueError` for a size that cannot be meant.
    """

    def __init__(self, d_sae: int, n: int, before: int, after: int, bos_token_id: int) -> None:
        super().__init__(d_sae, n, before, after)
        self._bos_token_id = bos_token_id
        generator = torch.Generator().manual_seed(0)
        self._multipliers = torch.randint(-(2**62), 2**62, (before + 1,), generator=generator)

    def update(self, batch: LatentBatch) -> None:
        """Take in the next contexts of the stream."""
        tokens = batch.tokens.flatten()
        seen = window_positions(torch.arange(len(tokens)), batch.tokens.shape[1], self.before, 0)
        wording = wording_of(tokens[seen].where(seen != OUTSIDE, OUTSIDE), self._bos_token_id)
        # A hash of 64 bits: two wordings share one by chance less than once in 10 ** 13 pairs.
        keys = (wording * self._multipliers).sum(dim=1)
        self._add(batch, batch.active.values, keys[batch.active.places])


class RunningSample(_RunningContexts):
    """n places of every latent, drawn at random from all at which it is active.

    A fair sample of a stream of unknown length is again a top n, by a random number in place of
    the activation.

    **Arguments:** `d_sae`; `n`; `before` and `after`, tokens to keep on either side; `seed`.
    **Raises:** `ValueError` for a size that cannot be meant.
    **Source:** reservoir sampling, Vitter (1985).
    """

    def __init__(
        self, d_sae: int, n: int = 32, before: int = 12, after: int = 6, seed: int = 0
    ) -> None:
        super().__init__(d_sae, n, before, after)
        self._generator = torch.Generator().manual_seed(seed)

    def update(self, batch: LatentBatch) -> None:
        """Take in the next contexts of the stream."""
        active = batch.active
        numbers = torch.rand(len(active.places), generator=self._generator)
        # Every place counts, so that what is said often is drawn often.
        self._add(batch, numbers, active.places + batch.first * batch.tokens.shape[1])
