"""Exercise 05.read_strength: how much does L1 shrink?"""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import matching
from saeedu.course.ch05_training.draws import draw_reports
from saeedu.grading.exercise import Check, Exercise, Mistake


def ratio_of_means(coefficients, latents):
    return latents.mean(axis=0) / coefficients.mean(axis=0)


def ratio_of_means_where_present(coefficients, latents):
    return (latents * (coefficients > 0)).sum(axis=0) / coefficients.sum(axis=0)


def mean_of_ratios(coefficients, latents):
    return np.array(
        [np.mean(z[c > 0] / c[c > 0]) for c, z in zip(coefficients.T, latents.T, strict=True)]
    )


def the_other_way_round(coefficients, latents):
    return np.sum(coefficients * latents, axis=0) / np.sum(latents**2, axis=0)


def one_number_for_all(coefficients, latents):
    return np.sum(coefficients * latents) / np.sum(coefficients**2)


def sample_by_sample(coefficients, latents):
    squares = np.maximum(np.sum(coefficients**2, axis=1), 1e-12)
    return np.sum(coefficients * latents, axis=1) / squares


def correlation(coefficients, latents):
    return np.array(
        [np.corrcoef(c, z)[0, 1] for c, z in zip(coefficients.T, latents.T, strict=True)]
    )


def cosine(coefficients, latents):
    lengths = np.linalg.norm(coefficients, axis=0) * np.linalg.norm(latents, axis=0)
    return np.sum(coefficients * latents, axis=0) / lengths


def line_with_an_intercept(coefficients, latents):
    return np.array(
        [np.polyfit(c, z, 1)[0] for c, z in zip(coefficients.T, latents.T, strict=True)]
    )


def intercept_where_present(coefficients, latents):
    return np.array(
        [
            np.polyfit(c[c > 0], z[c > 0], 1)[0]
            for c, z in zip(coefficients.T, latents.T, strict=True)
        ]
    )


def not_divided(coefficients, latents):
    return np.sum(coefficients * latents, axis=0)


def divided_by_the_length(coefficients, latents):
    return np.sum(coefficients * latents, axis=0) / np.linalg.norm(coefficients, axis=0)


def forgot_the_square(coefficients, latents):
    return np.sum(coefficients * latents, axis=0) / np.sum(coefficients, axis=0)


def divided_by_the_count(coefficients, latents):
    return np.mean(coefficients * latents, axis=0)


def what_is_lost(coefficients, latents):
    return 1 - matching.read_strength(coefficients, latents)


def mean_shortfall(coefficients, latents):
    return np.mean(coefficients - latents, axis=0)


def misses_left_out(coefficients, latents):
    on = latents > 0
    return np.sum(coefficients * latents, axis=0) / np.sum(coefficients**2 * on, axis=0)


def with_lstsq(coefficients, latents):
    return np.array(
        [
            np.linalg.lstsq(c[:, None], z, rcond=None)[0][0]
            for c, z in zip(coefficients.T, latents.T, strict=True)
        ]
    )


def einsum(coefficients, latents):
    top = np.einsum("bi,bi->i", coefficients, latents)
    return top / np.einsum("bi,bi->i", coefficients, coefficients)


def only_present_samples(coefficients, latents):
    return np.array(
        [
            (c[c > 0] @ z[c > 0]) / (c[c > 0] @ c[c > 0])
            for c, z in zip(coefficients.T, latents.T, strict=True)
        ]
    )


def float32(coefficients, latents):
    return matching.read_strength(coefficients.astype(np.float32), latents.astype(np.float32))


EXERCISE = Exercise(
    id="05.read_strength",
    title="How much does L1 shrink?",
    reference=matching.read_strength,
    minutes=6,
    difficulty=2,
    hints=(
        "For one feature, look for the slope s that makes the sum of (z - s c)² as small as it "
        "can be. Differentiate with respect to s and set that to zero.",
        "You find s · Σ c² = Σ c z. Both sums run over the samples; each column has its own.",
        "Samples without the feature have c = 0 and drop out of both sums by themselves. So no "
        "mask is needed: two calls of np.sum with axis=0.",
    ),
    check=Check(
        draw=draw_reports, tested="latents with slopes above and below 1, false alarms, and misses"
    ),
    mistakes=(
        Mistake(
            ratio_of_means,
            "A ratio of means counts false alarms as strength: samples without the feature raise "
            "the numerator.",
        ),
        Mistake(
            ratio_of_means_where_present,
            "A ratio of sums over the samples with the feature. Close, but not the line of least "
            "squares: there each sample counts by its own strength.",
        ),
        Mistake(
            mean_of_ratios,
            "A mean of ratios lets faint samples count as much as strong ones, and faint ones are "
            "mostly noise. Take the line of least squares.",
        ),
        Mistake(
            the_other_way_round,
            "This predicts the truth from the latent. The latent's report of the truth is asked "
            "for: divide by the coefficients' squares.",
        ),
        Mistake(one_number_for_all, "One number for all latents: sum over axis=0."),
        Mistake(sample_by_sample, "You summed within samples. Each latent is a column: axis=0."),
        Mistake(
            correlation,
            "A correlation does not see shrinkage: half the truth correlates with it perfectly.",
        ),
        Mistake(
            cosine,
            "A cosine does not see shrinkage. Divide by the coefficients' squares, not by both "
            "lengths.",
        ),
        Mistake(
            line_with_an_intercept,
            "Your line has an intercept. It should go through the origin, and see the feature's "
            "own samples only.",
        ),
        Mistake(
            intercept_where_present,
            "Your line has an intercept, which takes up part of the shrinkage. Let it go through "
            "the origin.",
        ),
        Mistake(not_divided, "This is Σ c z. Divide it by Σ c²."),
        Mistake(
            divided_by_the_length,
            "You divided by the root of Σ c². Leave the root out.",
        ),
        Mistake(forgot_the_square, "You divided by Σ c. The formula has Σ c²."),
        Mistake(divided_by_the_count, "You divided by the number of samples. Divide by Σ c²."),
        Mistake(what_is_lost, "This is the part that is lost, 1 - s. The slope s is asked for."),
        Mistake(
            mean_shortfall,
            "This is how much is missing on average, in units of x. The slope has no unit.",
        ),
        Mistake(
            misses_left_out,
            "You leave out the samples in which the latent is off though its feature is there. "
            "Misses count too: sum c² over all samples.",
        ),
    ),
    alternatives=(with_lstsq, einsum, only_present_samples, float32),
    why="Gated SAEs and TopK SAEs, in chapters 07 and 08, were invented to bring this slope back "
    "to 1.",
)
