"""Exercise 10.strongest_entries: the n strongest of every latent, each wording once."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch

from saeedu import top_contexts
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def picked(order, latents, keys, n, key_of):
    """Indices in the given order, skipping what is taken or too many."""
    taken: set[Any] = set()
    count: Counter[int] = Counter()
    result = []
    for i in order:
        key = key_of(i)
        if key in taken or count[int(latents[i])] == n:
            continue
        taken.add(key)
        count[int(latents[i])] += 1
        result.append(i)
    return torch.tensor(result, dtype=torch.long)


def ranked(values, latents, tie=1):
    e = range(len(values))
    return sorted(e, key=lambda i: (int(latents[i]), -float(values[i]), tie * i))


def keys_ignored(values, latents, keys, n):
    return picked(ranked(values, latents), latents, keys, n, lambda i: i)


def latents_ignored(values, latents, keys, n):
    order = sorted(range(len(values)), key=lambda i: (-float(values[i]), i))
    return picked(order, torch.zeros_like(latents), keys, n, lambda i: int(keys[i]))


def once_among_all_latents(values, latents, keys, n):
    return picked(ranked(values, latents), latents, keys, n, lambda i: int(keys[i]))


def strongest_among_all_latents(values, latents, keys, n):
    order = sorted(range(len(values)), key=lambda i: (-float(values[i]), i))
    rows = picked(order, torch.arange(len(values)), keys, n, lambda i: int(keys[i]))
    return rows[top_contexts.strongest_entries(values[rows], latents[rows], keys[rows], n)]


def weakest_first(values, latents, keys, n):
    order = ranked(-values, latents)
    return picked(order, latents, keys, n, lambda i: (int(latents[i]), int(keys[i])))


def first_of_equal_keys(values, latents, keys, n):
    seen, first = set(), []
    for i in range(len(values)):
        key = (int(latents[i]), int(keys[i]))
        if key not in seen:
            seen.add(key)
            first.append(i)
    rows = torch.tensor(first)
    return rows[top_contexts.strongest_entries(values[rows], latents[rows], keys[rows], n)]


def duplicates_removed_at_the_end(values, latents, keys, n):
    top = picked(ranked(values, latents), latents, keys, n, lambda i: i).tolist()
    return picked(top, latents, keys, n, lambda i: (int(latents[i]), int(keys[i])))


def in_order_of_the_list(values, latents, keys, n):
    return top_contexts.strongest_entries(values, latents, keys, n).sort().values


def strongest_latent_first(values, latents, keys, n):
    best = top_contexts.strongest_entries(values, latents, keys, n)
    return best[values[best].argsort(descending=True, stable=True)]


def values_instead(values, latents, keys, n):
    return values[top_contexts.strongest_entries(values, latents, keys, n)]


def later_of_equals(values, latents, keys, n):
    order = ranked(values, latents, tie=-1)
    return picked(order, latents, keys, n, lambda i: (int(latents[i]), int(keys[i])))


def one_too_many(values, latents, keys, n):
    return top_contexts.strongest_entries(values, latents, keys, n + 1)


def a_mask(values, latents, keys, n):
    mask = torch.zeros(len(values), dtype=torch.bool)
    mask[top_contexts.strongest_entries(values, latents, keys, n)] = True
    return mask


def weakest_of_equal_keys(values, latents, keys, n):
    best: dict[tuple[int, int], int] = {}
    for i in range(len(values)):
        key = (int(latents[i]), int(keys[i]))
        if key not in best or values[i] < values[best[key]]:
            best[key] = i
    order = sorted(best.values(), key=lambda i: (int(latents[i]), -float(values[i]), i))
    return picked(order, latents, keys, n, lambda i: i)


def in_loops(values, latents, keys, n):
    result = []
    for latent in sorted(set(latents.tolist())):
        rows = [i for i in range(len(values)) if latents[i] == latent]
        rows.sort(key=lambda i: -values[i].item())
        seen: list[int] = []
        for i in rows:
            if keys[i] not in [keys[j] for j in seen]:
                seen.append(i)
        result += seen[:n]
    return torch.tensor(result)


def with_lexsort(values, latents, keys, n):
    v, g, k = (field.numpy() for field in (values, latents, keys))
    order = np.lexsort((np.arange(len(v)), -v, k, g))
    pairs = np.stack([g[order], k[order]])
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
    order = order[fresh]
    order = order[np.lexsort((order, -v[order], g[order]))]
    rank = np.arange(len(order)) - np.searchsorted(g[order], g[order])
    return torch.from_numpy(order[rank < n])


def with_a_dictionary(values, latents, keys, n):
    best: dict[tuple[int, int], int] = {}
    for i, entry in enumerate(zip(latents.tolist(), keys.tolist(), strict=True)):
        if entry not in best or values[i] > values[best[entry]]:
            best[entry] = i
    by_latent: dict[int, list[int]] = {}
    for i in sorted(best.values(), key=lambda i: (-values[i].item(), i)):
        by_latent.setdefault(int(latents[i]), []).append(i)
    return torch.tensor([i for j in sorted(by_latent) for i in by_latent[j][:n]])


def one_at_a_time(values, latents, keys, n):
    left, result = values.clone(), []
    for latent in latents.unique():  # rising
        for _ in range(n):
            mine = torch.where(latents == latent, left, -torch.inf)
            i = int(mine.argmax())
            if mine[i] == -torch.inf:
                break
            result.append(i)
            left[(latents == latent) & (keys == keys[i])] = -torch.inf
    return torch.tensor(result)


EXERCISE = Exercise(
    id="10.strongest_entries",
    title="The strongest of every latent, each wording once",
    reference=top_contexts.strongest_entries,
    minutes=15,
    difficulty=3,
    hints=(
        "Do it for one latent on paper. Sort its entries, the strongest first. Walk down the list "
        "and take an entry only if its key is new. Stop at n.",
        "A loop over the sorted indices will do: `sorted(range(len(values)), key=...)` with the "
        "key `(latent, -value, index)`; a set of the (latent, key) pairs that are taken, and a "
        "count for each latent. Plain Python numbers compare and hash as you expect; use "
        "`.tolist()`.",
        "Return a tensor of the indices that you took, in the order in which you took them: "
        "`torch.tensor(taken, dtype=torch.long)`. The key belongs to a latent: the same wording "
        "may stand in the lists of two latents.",
        "Without a loop: three stable sorts (by value, then by key, then by latent) put equal "
        "pairs side by side, the strongest first; `begins_a_run` marks it. Sort what is left by "
        "value and by latent, and keep an entry while its distance from the beginning of its "
        "latent's run is below n.",
    ),
    check=Check(
        draws.entries,
        tested="ties, repeated wordings, wordings that two latents share, and latents with few "
        "entries or none",
    ),
    mistakes=(
        Mistake(
            keys_ignored,
            "`keys` has no effect. A text that is repeated would fill the whole list.",
        ),
        Mistake(
            latents_ignored,
            "These are the n strongest of all. Every latent keeps n of its own.",
        ),
        Mistake(
            once_among_all_latents,
            "A wording that one latent has taken is closed to the others in your answer. Two "
            "latents may fire on the same words: a key counts within its latent.",
        ),
        Mistake(
            strongest_among_all_latents,
            "A wording stays only with the latent that it excites most. Two latents may fire on "
            "the same words: a key counts within its latent.",
        ),
        Mistake(weakest_first, "You keep the weakest. Sort with the largest value first."),
        Mistake(
            first_of_equal_keys,
            "Of equal keys you keep the one that comes first. The strongest counts; only where "
            "values are equal too does the first win.",
        ),
        Mistake(
            weakest_of_equal_keys,
            "Of equal keys you keep the weakest. The strongest stands for its wording.",
        ),
        Mistake(
            duplicates_removed_at_the_end,
            "You take the n strongest and then drop repetitions, so that fewer than n are left "
            "although there are more. Drop repetitions first.",
        ),
        Mistake(
            in_order_of_the_list,
            "The right entries, in the order of the list. Latent by latent, the strongest first.",
        ),
        Mistake(
            strongest_latent_first,
            "The right entries, sorted by value alone. Latent by latent in rising order, and "
            "within each the strongest first.",
        ),
        Mistake(values_instead, "These are the values. Return the indices of the entries."),
        Mistake(
            later_of_equals,
            "Of equal values you take the later one. The earlier wins: else the answer would "
            "depend on how the stream is cut. `argsort` has `stable=True`.",
        ),
        Mistake(one_too_many, "One too many for each latent: is there a <= where < belongs?"),
        Mistake(a_mask, "This is a mask. Return the indices, in order."),
    ),
    alternatives=(in_loops, with_lexsort, with_a_dictionary, one_at_a_time),
    why="It is the heart of the feature browser to come: all latents at once, without a single "
    "repetition.",
)
