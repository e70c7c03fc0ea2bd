"""Exercise 03.mmcs: how well each feature was found."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake
from saeedu.numpy_sae import cosine_similarities as cosines


def draw_features_and_dictionary(rng: np.random.Generator) -> Iterator[Call]:
    for n_features, n_rows, d in ((6, 9, 4), (8, 5, 3), (3, 7, 5), (5, 11, 2)):
        features = draws.decoder(rng, n_features, d)
        dictionary = draws.decoder(rng, n_rows, d)
        # Some features are present only with the wrong sign: that must not count as found.
        dictionary[:2] = -1.3 * features[:2] + 0.1 * rng.standard_normal((2, d))
        note = ""
        if n_rows < n_features:
            # And one has no match at all: every row points away from it.
            dictionary *= np.where(dictionary @ features[0] > 0, -1, 1)[:, None]
            note = "every dictionary row points away from feature 0"
        axes = {"n_features": n_features, "n_rows": n_rows, "d": d}
        yield Call((features, dictionary), axes=axes, note=note)


def averaged_over_the_dictionary(features, dictionary):
    return np.mean(np.max(cosines(features, dictionary), axis=0))


def mean_of_all_pairs(features, dictionary):
    return np.mean(cosines(features, dictionary))


def best_pair_only(features, dictionary):
    return np.max(cosines(features, dictionary))


def sign_ignored(features, dictionary):
    return np.mean(np.max(np.abs(cosines(features, dictionary)), axis=1))


def worst_match(features, dictionary):
    return np.mean(np.min(cosines(features, dictionary), axis=1))


def lengths_left_in(features, dictionary):
    return np.mean(np.max(features @ dictionary.T, axis=1))


def one_score_a_feature(features, dictionary):
    return np.max(cosines(features, dictionary), axis=1)


def summed_over_features(features, dictionary):
    return np.sum(np.max(cosines(features, dictionary), axis=1))


def position_of_the_best(features, dictionary):
    return np.mean(np.argmax(cosines(features, dictionary), axis=1))


def no_match_below_zero(features, dictionary):
    return np.mean(np.maximum(np.max(cosines(features, dictionary), axis=1), 0))


def mmcs_in_loops(features, dictionary):
    best = []
    for feature in features:
        scores = [
            feature @ row / (np.linalg.norm(feature) * np.linalg.norm(row)) for row in dictionary
        ]
        best.append(max(scores))
    return sum(best) / len(best)


def mmcs_by_sorting(features, dictionary):
    return np.sort(cosines(features, dictionary), axis=1)[:, -1].mean()


def mmcs_transposed(features, dictionary):
    return cosines(dictionary, features).max(axis=0).mean()


EXERCISE = Exercise(
    id="03.mmcs",
    title="How well was each feature found?",
    reference=numpy_sae.mmcs,
    minutes=5,
    difficulty=2,
    hints=(
        "Read the name backwards: similarities, cosine, max, mean. The first two are done for you.",
        "Keep one number for each feature: its best match. So the maximum runs over the "
        "dictionary. Which axis of [n_features, n_rows] is that?",
        "`np.max(similarities, axis=...)` has to leave an array of shape [n_features]; "
        "then average it.",
    ),
    scaffold="similarities = cosine_similarities(features, dictionary)  # [n_features, n_rows]",
    check=Check(
        draw_features_and_dictionary,
        tested="dictionaries larger and smaller than the set of features, some features present "
        "only with the wrong sign, one with no match at all",
    ),
    mistakes=(
        Mistake(
            averaged_over_the_dictionary,
            "You found the best feature for each dictionary row. Asked is the other way round: the "
            "best row for each feature. A dictionary may hold rows that match nothing without "
            "having lost a feature.",
        ),
        Mistake(
            mean_of_all_pairs,
            "You averaged over all pairs. A feature is found if one row matches it, whatever the "
            "other rows do: keep the best match of each feature before you average.",
        ),
        Mistake(
            best_pair_only,
            "This is the single best match of all. One lucky feature would make a perfect score; "
            "every feature has to be asked.",
        ),
        Mistake(
            sign_ignored,
            "A row that points the opposite way counts as a match here. The autoencoder adds its "
            "rows in amounts that are never negative, so it could never add this feature.",
        ),
        Mistake(
            worst_match,
            "This keeps each feature's worst match. It should keep the best.",
        ),
        Mistake(
            lengths_left_in,
            "You compared dot products, so long rows win. Compare directions: that is what "
            "`cosine_similarities` is for.",
        ),
        Mistake(
            one_score_a_feature,
            "These are the scores of the single features. One step is missing: the first M of "
            "MMCS.",
        ),
        Mistake(
            summed_over_features,
            "You added the scores up, so twice as many features give twice the score. "
            "It is their mean.",
        ),
        Mistake(
            no_match_below_zero,
            "In your answer no match is worse than zero. When every row points away from a "
            "feature, its best match is negative, and counts as that: clip nothing, and start no "
            "loop from zero.",
        ),
        Mistake(
            position_of_the_best,
            "`np.argmax` says *where* the best match stands. Asked is how good it is: `np.max`.",
        ),
    ),
    alternatives=(mmcs_in_loops, mmcs_by_sorting, mmcs_transposed),
    why="With a known answer, this one number says whether an autoencoder has found it; chapter 05 "
    "watches it rise during training.",
)
