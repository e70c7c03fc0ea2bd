"""Exercise 05.greedy_match: one latent for each feature."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import numpy as np

from saeedu import matching
from saeedu.course.ch05_training.draws import draw_similarities
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake


def matches_and_their_type(implementation: Implementation, call: Call) -> Any:
    """The matching, and whether it can be used as an index: the next cell does so."""
    partner = implementation(*call.args)
    if partner is None:
        return None  # the comparison has a sentence for it
    dtype = getattr(partner, "dtype", None)
    whole = isinstance(dtype, np.dtype) and np.issubdtype(dtype, np.integer)
    return {"latents": partner, "holds whole numbers (1 for yes)": int(whole)}


def _greedy(similarities, taken=-np.inf, key=lambda s: s, unmatched=-1, rows=True, columns=True):
    """The right answer, but for the part that a wrong answer replaces."""
    remaining = key(np.array(similarities, dtype=float))
    partner = np.full(len(remaining), unmatched)
    for _ in range(min(remaining.shape)):
        i, j = np.unravel_index(np.argmax(remaining), remaining.shape)
        partner[i] = j
        if rows:
            remaining[i, :] = taken
        if columns:
            remaining[:, j] = taken
    return partner


def best_latent_of_each(similarities):
    return similarities.argmax(axis=1)


def best_feature_of_each(similarities):
    return similarities.argmax(axis=0)


def feature_by_feature(similarities):
    remaining = similarities.copy()
    partner = np.full(len(remaining), -1)
    for i in range(min(remaining.shape)):
        partner[i] = np.argmax(remaining[i])
        remaining[:, partner[i]] = -np.inf
    return partner


def keenest_feature_first(similarities):
    remaining = similarities.copy()
    partner = np.full(len(remaining), -1)
    for i in np.argsort(-similarities.max(axis=1))[: min(remaining.shape)]:
        partner[i] = np.argmax(remaining[i])
        remaining[:, partner[i]] = -np.inf
    return partner


def crossed_out_with_zeros(similarities):
    return _greedy(similarities, taken=0.0)


def sign_ignored(similarities):
    return _greedy(similarities, key=np.abs)


def worst_pairs_first(similarities):
    return _greedy(similarities, key=lambda s: -s)


def forgot_to_cross_out_the_latent(similarities):
    return _greedy(similarities, columns=False)


def forgot_to_cross_out_the_feature(similarities):
    return _greedy(similarities, rows=False)


def crossed_out_only_the_pair(similarities):
    remaining = similarities.copy()
    partner = np.full(len(remaining), -1)
    for _ in range(min(remaining.shape)):
        i, j = np.unravel_index(np.argmax(remaining), remaining.shape)
        partner[i] = j
        remaining[i, j] = -np.inf
    return partner


def unmatched_get_latent_0(similarities):
    return _greedy(similarities, unmatched=0)


def stopped_at_negative_cosines(similarities):
    partner = _greedy(similarities)
    found = similarities[np.arange(len(partner)), partner] > 0
    return np.where(found, partner, -1)


def seen_from_the_latents(similarities):
    return _greedy(similarities.T)


def best_total(similarities):
    return matching.hungarian_match(similarities)


def list_of_pairs(similarities):
    partner = _greedy(similarities)
    return np.stack([np.arange(len(partner)), partner], axis=1)


def cosines_instead(similarities):
    partner = _greedy(similarities)
    return similarities[np.arange(len(partner)), partner]


def position_in_the_flat_array(similarities):
    partner = _greedy(similarities)
    flat = np.arange(len(partner)) * similarities.shape[1] + partner
    return np.where(partner < 0, -1, flat)


def crossed_out_with_minus_one(similarities):
    return _greedy(similarities, taken=-1.0)


def floats_for_indices(similarities):
    return _greedy(similarities, unmatched=-1.0)


def changed_in_place(similarities):
    partner = np.full(len(similarities), -1)
    for _ in range(min(similarities.shape)):
        i, j = np.unravel_index(np.argmax(similarities), similarities.shape)
        partner[i] = j
        similarities[i, :] = -np.inf
        similarities[:, j] = -np.inf
    return partner


def sorted_once(similarities):
    n, m = similarities.shape
    partner, free = np.full(n, -1), np.ones(m, dtype=bool)
    for flat in np.argsort(similarities, axis=None)[::-1]:
        i, j = divmod(flat, m)
        if partner[i] == -1 and free[j]:
            partner[i], free[j] = j, False
    return partner


def with_sets(similarities):
    n, m = similarities.shape
    features, latents = set(range(n)), set(range(m))
    partner = [-1] * n
    while features and latents:
        i, j = max(((i, j) for i in features for j in latents), key=lambda p: similarities[p])
        partner[i] = j
        features.discard(i)
        latents.discard(j)
    return np.array(partner)


def with_a_mask(similarities):
    taken = np.zeros(similarities.shape, dtype=bool)
    partner = np.full(len(similarities), -1)
    while not taken.all():
        left = np.ma.masked_array(similarities, mask=taken)
        i, j = np.unravel_index(left.argmax(), left.shape)
        partner[i] = j
        taken[i], taken[:, j] = True, True
    return partner


EXERCISE = Exercise(
    id="05.greedy_match",
    title="One latent for each feature",
    reference=matching.greedy_match,
    minutes=9,
    difficulty=3,
    hints=(
        "In a loop: find the largest cosine that is left, note the pair, cross out its row and its "
        "column. How many pairs can there be at most?",
        "`np.argmax(remaining)` counts along the flattened array. "
        "`np.unravel_index(flat, remaining.shape)` turns that into a row and a column.",
        "Cross out with -np.inf, not with 0: a cosine that is left may be negative. Work on a copy "
        "of the argument. Start from `np.full(n_features, -1)`.",
        "`remaining[feature, :] = -np.inf` and `remaining[:, latent] = -np.inf`, in a loop over "
        "`range(min(remaining.shape))`.",
    ),
    check=Check(
        draw=draw_similarities,
        tested="features that compete for a latent, more latents than features, and fewer",
        observe=matches_and_their_type,
    ),
    mistakes=(
        Mistake(
            best_latent_of_each,
            "Each feature takes its best latent, so two features can share one. Cross out what is "
            "taken.",
        ),
        Mistake(
            best_feature_of_each,
            "This is each latent's best feature. For each *feature* a latent is asked for.",
        ),
        Mistake(
            feature_by_feature,
            "You go feature by feature, so feature 0 picks first. The best pair of *all* that are "
            "left comes first, whoever it belongs to.",
        ),
        Mistake(
            keenest_feature_first,
            "You fix the order of the features before you begin. When a latent is taken, the order "
            "changes: look for the largest of all that are left, each time anew.",
        ),
        Mistake(
            crossed_out_with_zeros,
            "You crossed out with 0. When only negative cosines are left, 0 is the largest: use "
            "-np.inf.",
        ),
        Mistake(
            sign_ignored,
            "You compare sizes without the sign. A latent that points the other way is no match.",
        ),
        Mistake(worst_pairs_first, "You take the smallest cosine first: np.argmax."),
        Mistake(
            forgot_to_cross_out_the_latent,
            "You cross out the feature but not the latent, so a latent can be given twice.",
        ),
        Mistake(
            forgot_to_cross_out_the_feature,
            "You cross out the latent but not the feature, so a feature is matched again and "
            "again.",
        ),
        Mistake(
            crossed_out_only_the_pair,
            "You crossed out one entry. The whole row and the whole column are taken.",
        ),
        Mistake(
            unmatched_get_latent_0,
            "With fewer latents than features some go without: that is -1, since 0 is a latent.",
        ),
        Mistake(
            stopped_at_negative_cosines,
            "You refuse pairs with a negative cosine. Match as many as there can be; how good a "
            "match is, is for the reader to judge.",
        ),
        Mistake(
            seen_from_the_latents,
            "The array is transposed: rows of `similarities` are features.",
        ),
        Mistake(
            best_total,
            "This has the largest *sum* of cosines: the Hungarian answer, which comes next. Greed "
            "takes the best pair first, whatever that costs the others.",
        ),
        Mistake(
            list_of_pairs,
            "These are pairs. Return one row of latents, entry i for feature i.",
        ),
        Mistake(cosines_instead, "These are the cosines of the matches. Return the latents."),
        Mistake(
            position_in_the_flat_array,
            "np.argmax gives a place in the flattened array. np.unravel_index turns it into row "
            "and column.",
        ),
        Mistake(
            crossed_out_with_minus_one,
            "You crossed out with -1. Similarities are finite, but nothing says that they are "
            "cosines: one below -1 would lose to what is taken. Use -np.inf.",
        ),
        Mistake(
            floats_for_indices,
            "Right matches, but as floats, and the next cell uses them as indices. Start from "
            "whole numbers: `np.full(n_features, -1)`.",
        ),
        Mistake(
            changed_in_place,
            "Right matches, but you crossed out in the caller's array. Work on a copy.",
        ),
    ),
    alternatives=(sorted_once, with_sets, with_a_mask),
    why="Without a one-to-one matching you cannot say which latent stands for which feature, and "
    "chapter 10 needs one between two SAEs.",
)
