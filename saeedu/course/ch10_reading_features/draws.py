"""Inputs for this chapter's checks: ties, repetitions, edges and empty places are all in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from saeedu.grading.exercise import Call
from saeedu.top_contexts import Entries, strongest_entries


def tensor(values: np.ndarray) -> Tensor:
    """A float64 tensor with a copy of the values."""
    return torch.tensor(values, dtype=torch.float64)


def whole(values: np.ndarray) -> Tensor:
    """An integer tensor with a copy of the values."""
    return torch.tensor(values, dtype=torch.long)


def places(rng: np.random.Generator) -> Iterator[Call]:
    """Places at both edges of a context, in the middle, and one that comes twice."""
    for m, n_contexts, context, before, after in (
        (7, 3, 10, 3, 2),
        (9, 4, 8, 1, 4),
        (8, 5, 6, 0, 3),
        (11, 2, 5, 7, 1),
    ):
        inside = rng.integers(0, n_contexts * context, m - 5)
        edges = context * int(rng.integers(1, n_contexts))
        last = n_contexts * context - 1
        positions = np.concatenate([inside, [edges - 1, edges, 0, last, inside[0]]])
        note = "places at the edges of a context"
        if before == 0:
            note = "no places before"
        elif before > context:
            note = "windows longer than a context"
        yield Call(
            (whole(rng.permutation(positions)), context, before, after),
            axes={"m": m, "window": before + 1 + after},
            note=note,
        )


def entries(rng: np.random.Generator) -> Iterator[Call]:
    """Few distinct values, so that there are ties; keys that several latents share."""
    for e, n_latents, n_keys, n in ((40, 5, 6, 3), (26, 3, 9, 2), (33, 7, 4, 1), (18, 4, 5, 9)):
        latents = rng.integers(0, n_latents, e)
        latents[latents == 1] = 2  # a latent that has no entry
        keys = rng.integers(0, n_keys, e)
        # Hashes use all 64 bits: some differ only in the highest, some only in the lowest.
        keys = np.where(keys % 2 == 0, -keys * 2**40, 2**60 + keys)
        values = rng.integers(2, 9, e) / 2
        # In each latent the first of two equal keys is the weaker one, somewhere.
        latents[:3], keys[:3], values[:3] = 2, keys[0], [1.0, 7.5, 7.5]
        note = "fewer entries than n in some latents" if n == 9 else ""
        yield Call(
            (tensor(values), whole(latents), whole(keys), n),
            axes={"entries": e, "n": n},
            note=note,
        )


def merges(rng: np.random.Generator) -> Iterator[Call]:
    """What was kept so far and a new batch: equal values and equal wordings in both."""
    for n_old, n_new, window, n in ((30, 21, 4, 3), (24, 35, 5, 2), (0, 17, 3, 4)):
        total = n_old + n_new
        latents = rng.integers(0, 4, total)
        keys = rng.integers(0, 7, total) + 3
        values = rng.integers(2, 9, total) / 2
        if n_old:  # one wording, equally strong, before and now; and one that grew
            latents[[0, n_old, 1, n_old + 1]] = 3
            keys[[0, n_old]], values[[0, n_old]] = 50, 9.0
            keys[[1, n_old + 1]], values[[1, n_old + 1]] = 51, [8.5, 9.5]
            # A latent that is new, and weaker than all that was kept.
            latents[n_old + 2], keys[n_old + 2], values[n_old + 2] = 6, 52, 0.5
        everything = Entries(
            tensor(values),
            whole(latents),
            whole(keys),
            torch.arange(total) * 3 + 1,
            whole(rng.integers(10, 99, (total, window))),
            tensor(rng.uniform(0.1, 5, (total, window))),
        )
        old, new = everything.at(torch.arange(n_old)), everything.at(torch.arange(n_old, total))
        kept = old.at(strongest_entries(old.values, old.latents, old.keys, n))
        note = "" if n_old else "the first batch: nothing kept yet"
        yield Call((kept, new, n), axes={"new": n_new, "window": window, "n": n}, note=note)


def peak_tokens(rng: np.random.Generator) -> Iterator[Call]:
    """Latents that agree on a token wholly, in part and not at all; with missing examples."""
    for d_sae, n in ((6, 9), (8, 5), (5, 12)):
        tokens = rng.integers(0, 4, (d_sae, n)) * 11 + 3
        tokens[0] = 7  # one token only
        tokens[1] = rng.permutation(n) + 100  # never twice the same
        tokens[2, 2:] = -1  # most examples missing
        tokens[2, :2] = 5
        tokens[3] = -1  # a latent that never fired
        tokens[4, 0] = 500  # the strongest example is the odd one out
        tokens[4, 1:] = np.where(np.arange(n - 1) % 3 == 2, 14, 3)
        tokens[4, -1] = -1
        yield Call((whole(tokens),), axes={"d_sae": d_sae, "n": n}, note="-1 where there is none")


def activations_of_examples(rng: np.random.Generator) -> Iterator[Call]:
    """Skewed activations in no order, with places that hold none; and fewer than are asked for."""
    for m, missing, n in ((23, 4, 5), (31, 0, 4), (18, 5, 6), (40, 9, 3)):
        values = rng.gamma(0.7, 2.0, m) + 0.05
        values[rng.choice(m, missing, replace=False)] = 0
        yield Call((tensor(values), n), axes={"m": m, "n": n})
    values = np.array([0, 2.5, 0, 0.5, 4.0, 0, 0, 1.5, 0])
    yield Call((tensor(values), 6), axes={"m": 9, "n": 6}, note="only four examples exist")


def projections(rng: np.random.Generator) -> Iterator[Call]:
    """Columns of their own spread and mean; densities whose counts are not whole, 0 and 1."""
    for n, m in ((37, 5), (53, 4), (29, 7)):
        values = rng.standard_normal((n, m)) * rng.uniform(0.5, 4, m) + rng.uniform(-3, 3, m)
        counts = rng.choice(np.arange(2, n // 2), m, replace=False)
        shift = rng.choice([-0.35, 0.35], m)
        shift[:2] = -0.35, 0.35  # rounded down and rounded up
        densities = (counts + shift) / n
        densities[-1], densities[-2] = 0.0, 1.0
        yield Call(
            # float32, as activations are: a threshold returned in float32 must still fit.
            (tensor(values).float(), tensor(densities).float()),
            axes={"n": n, "m": m},
            note="one density is 0, one is 1",
        )


def peaks(rng: np.random.Generator) -> Iterator[Call]:
    """Peaks of many sizes, mostly zero; more texts on one side than on the other."""
    for n_texts, n_others, d_sae in ((4, 9, 7), (6, 3, 10), (5, 12, 8)):
        inside = rng.gamma(1, 3, (n_texts, d_sae)) * (rng.random((n_texts, d_sae)) < 0.6)
        outside = rng.gamma(1, 3, (n_others, d_sae)) * (rng.random((n_others, d_sae)) < 0.4)
        inside[:, 0], outside[:, 0] = rng.uniform(1, 9, n_texts), 0  # the perfect one
        inside[:, 1], outside[:, 1] = 0, rng.uniform(1, 9, n_others)  # its opposite
        inside[:, 2], outside[:, 2] = 0, 0  # dead
        inside[:, 3], outside[:, 3] = 9.0, 0.01  # fires everywhere, elsewhere weakly
        yield Call(
            (tensor(inside), tensor(outside)),
            axes={"n_texts": n_texts, "n_others": n_others, "d_sae": d_sae},
            note="latent 0 fires on the given texts only, latent 1 on the others only",
        )


def directions_and_unembeddings(rng: np.random.Generator) -> Iterator[Call]:
    """Directions of several lengths; an unembedding whose columns have a mean of their own."""
    for m, d_model, vocabulary in ((3, 5, 11), (6, 4, 9), (2, 8, 7)):
        directions = rng.standard_normal((m, d_model)) * rng.uniform(0.5, 3, (m, 1)) + 0.4
        unembedding = rng.standard_normal((d_model, vocabulary)) + rng.uniform(1, 2, (d_model, 1))
        yield Call(
            (tensor(directions), tensor(unembedding)),
            axes={"m": m, "d_model": d_model, "vocabulary": vocabulary},
        )


AWKWARD = (
    " <b>",
    "&amp;",
    'a"b',
    "'",
    "</span>",
    "x < y & z",
    " tree",
    "<script>alert(1)</script>",
)


def shaded_tokens(rng: np.random.Generator) -> Iterator[Call]:
    """Tokens that HTML would obey, activations of nothing, of something, and above the ceiling."""
    for i, token in enumerate(AWKWARD):
        ceiling = round(float(rng.uniform(2, 9)), 1)
        share = (0.31, 0.0, 1.7, 0.83, 1.0, 0.57, 0.12, 0.44)[i]
        note = {0.0: "not active", 1.7: "above the ceiling"}.get(share, "")
        yield Call((token, ceiling * share, ceiling), note=note)
    yield Call(("<i>", 0.0, 3.0), note="not active, and still markup")
    yield Call((" a&b", 0.06, 2.0), note="barely active")
