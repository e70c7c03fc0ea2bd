"""Exercise 10.merge_top: a stream of any length, and room for n."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import torch

from saeedu import top_contexts
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.top_contexts import Entries, strongest_entries


def fields_by_name(implementation: Implementation, call: Call) -> Any:
    """The merged entries, field by field, and whether they are `Entries`: a tuple has no names."""
    merged = implementation(*call.args)
    if not isinstance(merged, tuple) or len(merged) != len(Entries._fields):
        return merged
    named = dict(zip(Entries._fields, merged, strict=True))
    return {"the result": type(merged).__name__} | named


def best(entries, n):
    return entries.at(strongest_entries(entries.values, entries.latents, entries.keys, n))


def new_ones_first(kept, new, n):
    return best(new.followed_by(kept), n)


def old_ones_forgotten(kept, new, n):
    return best(new, n)


def new_ones_ignored(kept, new, n):
    return kept


def n_of_each_part(kept, new, n):
    return kept.followed_by(best(new, n))


def everything_kept(kept, new, n):
    return kept.followed_by(new)


def wordings_compared_within_parts_only(kept, new, n):
    both = kept.followed_by(best(new, n))
    rows = torch.arange(len(both.keys))
    return both.at(strongest_entries(both.values, both.latents, rows, n))


def only_values_chosen(kept, new, n):
    both = kept.followed_by(new)
    rows = strongest_entries(both.values, both.latents, both.keys, n)
    return Entries(both.values[rows], *(field[: len(rows)] for field in both[1:]))


def windows_left_behind(kept, new, n):
    both = kept.followed_by(new)
    merged = best(both, n)
    return merged._replace(
        tokens=both.tokens[: len(merged.values)], activations=both.activations[: len(merged.values)]
    )


def n_over_all_latents(kept, new, n):
    both = kept.followed_by(new)
    return both.at(strongest_entries(both.values, torch.zeros_like(both.latents), both.keys, n))


def in_stream_order(kept, new, n):
    merged = best(kept.followed_by(new), n)
    return merged.at(merged.positions.argsort())


def a_plain_tuple(kept, new, n):
    return tuple(best(kept.followed_by(new), n))


def only_new_wordings(kept, new, n):
    known = set(zip(kept.latents.tolist(), kept.keys.tolist(), strict=True))
    pairs = zip(new.latents.tolist(), new.keys.tolist(), strict=True)
    fresh = torch.tensor([pair not in known for pair in pairs])
    return best(kept.followed_by(new.at(fresh)), n)


def by_position(kept, new, n):
    both = kept.followed_by(new)
    return both.at(strongest_entries(both.values, both.latents, both.positions, n))


def field_by_field(kept, new, n):
    values, latents, keys, positions, tokens, activations = (
        torch.cat([a, b]) for a, b in zip(kept, new, strict=True)
    )
    rows = strongest_entries(values, latents, keys, n)
    return Entries(
        values=values[rows],
        latents=latents[rows],
        keys=keys[rows],
        positions=positions[rows],
        tokens=tokens[rows],
        activations=activations[rows],
    )


def thinned_first(kept, new, n):
    return best(kept.followed_by(best(new, n)), n)


def latent_by_latent(kept, new, n):
    both = kept.followed_by(new)
    parts = []
    for latent in both.latents.unique():
        mine = both.at(both.latents == latent)
        mine = mine.at(mine.values.argsort(descending=True, stable=True))
        rows: list[int] = []
        seen: set[int] = set()
        for row, key in enumerate(mine.keys.tolist()):
            if key not in seen and len(rows) < n:
                seen.add(key)
                rows.append(row)
        parts.append(mine.at(torch.tensor(rows)))
    return Entries(*(torch.cat(fields) for fields in zip(*parts, strict=True)))


EXERCISE = Exercise(
    id="10.merge_top",
    title="A stream of any length, and room for n",
    reference=top_contexts.merge_top,
    minutes=8,
    difficulty=2,
    hints=(
        "Which entries of the whole stream so far can still be among the n strongest at its end? "
        "None that n others have beaten already.",
        "Join what you kept with what is new (`followed_by`), and do to the whole what "
        "`strongest_entries` tells you. The order in which you join decides who wins a tie.",
        "`strongest_entries` gives indices into the joined list. `Entries.at` takes the same rows "
        "from every field.",
    ),
    check=Check(
        draws.merges,
        tested="ties and repeated wordings across the border of two batches, and a first batch",
        observe=fields_by_name,
    ),
    mistakes=(
        Mistake(
            new_ones_first,
            "You put the new entries first, so they win ties against older ones. Then the result "
            "depends on where the stream is cut.",
        ),
        Mistake(old_ones_forgotten, "What was kept before is lost: `kept` has no effect."),
        Mistake(new_ones_ignored, "Nothing new gets in: `new` has no effect."),
        Mistake(
            n_of_each_part,
            "You keep n of the old and n of the new. With every batch the list grows by n a "
            "latent: choose again from the two together.",
        ),
        Mistake(
            everything_kept,
            "You keep everything. A million tokens would not fit: cut down to n a latent.",
        ),
        Mistake(
            wordings_compared_within_parts_only,
            "A wording that comes in both parts is kept twice: compare keys across the two.",
        ),
        Mistake(
            only_values_chosen,
            "Only the values are those of the chosen rows. Take the same rows from every field: "
            "`Entries.at`.",
        ),
        Mistake(
            windows_left_behind,
            "The tokens and activations belong to other rows than the values: the picture would "
            "show one place, and the number another.",
        ),
        Mistake(n_over_all_latents, "You keep n in all. Every latent keeps n of its own."),
        Mistake(
            in_stream_order,
            "The right entries, in stream order. Keep the order of `strongest_entries`.",
        ),
        Mistake(
            a_plain_tuple,
            "The right fields in a plain tuple. Return `Entries`, whose fields have names.",
        ),
        Mistake(
            only_new_wordings,
            "A wording that you hold already is turned away even when it comes back stronger. "
            "The model sees more than the window, so the same words can weigh differently.",
        ),
        Mistake(
            by_position,
            "The entries' `keys` have no effect, so every repetition of a text gets in. (No two "
            "positions are equal: they cannot stand in for keys.)",
        ),
    ),
    alternatives=(field_by_field, thinned_first, latent_by_latent),
    why="Memory stays the same from the first thousand tokens to the last million, and nothing is "
    "lost by it.",
)
