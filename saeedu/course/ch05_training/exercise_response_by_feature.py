"""Exercise 05.response_by_feature: what does each latent answer to?"""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import matching
from saeedu.course.ch05_training.draws import draw_responses
from saeedu.grading.exercise import Check, Exercise, Mistake


def mean_over_all_samples(coefficients, latents):
    return (coefficients > 0).T @ latents / len(latents)


def weighted_by_strength(coefficients, latents):
    return coefficients.T @ latents / coefficients.sum(axis=0)[:, None]


def sum_weighted_by_strength(coefficients, latents):
    return coefficients.T @ latents / (coefficients > 0).sum(axis=0)[:, None]


def products_summed(coefficients, latents):
    return coefficients.T @ latents


def summed(coefficients, latents):
    return (coefficients > 0).T @ latents


def transposed(coefficients, latents):
    return matching.response_by_feature(coefficients, latents).T


def mean_over_active(coefficients, latents):
    present = (coefficients > 0).astype(float)
    return present.T @ latents / np.maximum(present.T @ (latents > 0), 1)


def how_often_on(coefficients, latents):
    present = coefficients > 0
    return present.T @ (latents > 0).astype(float) / present.sum(axis=0)[:, None]


def given_the_latent(coefficients, latents):
    on = (latents > 0).astype(float)
    return coefficients.T @ on / np.maximum(on.sum(axis=0), 1)


def feature_absent(coefficients, latents):
    absent = coefficients == 0
    return absent.T @ latents / absent.sum(axis=0)[:, None]


def difference_to_absent(coefficients, latents):
    with_it = matching.response_by_feature(coefficients, latents)
    return with_it - feature_absent(coefficients, latents)


def largest(coefficients, latents):
    present = coefficients > 0
    return np.stack([latents[rows].max(axis=0) for rows in present.T])


def correlation(coefficients, latents):
    c, z = coefficients - coefficients.mean(axis=0), latents - latents.mean(axis=0)
    lengths = np.outer(np.linalg.norm(c, axis=0), np.linalg.norm(z, axis=0))
    return c.T @ z / np.maximum(lengths, 1e-12)


def divided_along_the_wrong_axis(coefficients, latents):
    present = coefficients > 0
    return present.T @ latents / present.sum(axis=0)


def divided_by_the_total(coefficients, latents):
    present = coefficients > 0
    return present.T @ latents / present.sum()


def feature_by_feature(coefficients, latents):
    return np.stack([latents[column > 0].mean(axis=0) for column in coefficients.T])


def einsum(coefficients, latents):
    present = (coefficients > 0).astype(float)
    return np.einsum("bi,bj->ij", present / present.sum(axis=0), latents)


def masked(coefficients, latents):
    absent = np.broadcast_to(
        (coefficients == 0)[:, :, None], (*coefficients.shape, latents.shape[1])
    )
    spread = np.broadcast_to(latents[:, None, :], absent.shape)
    return np.asarray(np.ma.masked_array(spread, mask=absent).mean(axis=0))


def float32(coefficients, latents):
    present = (coefficients > 0).astype(np.float32)
    return (present / present.sum(axis=0)).T @ latents.astype(np.float32)


EXERCISE = Exercise(
    id="05.response_by_feature",
    title="What does each latent answer to?",
    reference=matching.response_by_feature,
    minutes=6,
    difficulty=3,
    hints=(
        "For one feature: keep the samples in which it is present, and average the latents over "
        "them. That is one row of the answer.",
        "All rows at once: `present = coefficients > 0`, then a product of [n_features, batch] "
        "with [batch, d_sae] *sums* the latents over the samples with each feature.",
        "Divide row i by how many samples hold feature i: `present.sum(axis=0)`, made into a "
        "column with [:, None].",
    ),
    check=Check(draw=draw_responses, tested="features that come together and apart, latents off"),
    mistakes=(
        Mistake(
            mean_over_all_samples,
            "You divide by the whole batch. Only the samples that hold the feature count: divide "
            "row i by their number.",
        ),
        Mistake(
            weighted_by_strength,
            "Strong samples count more in your mean. Every sample that holds the feature counts "
            "once: use `coefficients > 0`.",
        ),
        Mistake(
            sum_weighted_by_strength,
            "You multiplied by the coefficients. Whether a feature is present is the question: use "
            "`coefficients > 0`.",
        ),
        Mistake(
            products_summed,
            "This is the bare product of coefficients and latents. Take who is present, and "
            "divide by how many samples that is.",
        ),
        Mistake(summed, "These are sums. Divide row i by the number of samples with feature i."),
        Mistake(transposed, "Transposed: rows are features, columns are latents."),
        Mistake(
            mean_over_active,
            "You left out the samples in which the latent is off. Its silence is an answer too: "
            "count them as zeros.",
        ),
        Mistake(
            how_often_on,
            "This is how often each latent is on. How *strongly* it responds is asked for.",
        ),
        Mistake(
            given_the_latent,
            "The condition is turned round: this averages the features, given that a latent is on.",
        ),
        Mistake(
            feature_absent,
            "These are the responses when the feature is *absent*.",
        ),
        Mistake(
            difference_to_absent,
            "You subtracted the response without the feature. That is a good idea for another "
            "question; here the plain mean is asked for.",
        ),
        Mistake(largest, "These are the largest responses. Take the mean."),
        Mistake(correlation, "These are correlations. Take a mean, in the units of the latents."),
        Mistake(
            divided_along_the_wrong_axis,
            "Dividing [n_features, d_sae] by [n_features] lines the numbers up with the wrong "
            "axis. Make a column of them: [:, None].",
        ),
        Mistake(
            divided_by_the_total,
            "You divided by one number for all features. Each has its own count of samples.",
        ),
    ),
    alternatives=(feature_by_feature, einsum, masked, float32),
    why="It is the picture of monosemanticity: one bright spot in each column, or a smear.",
)
