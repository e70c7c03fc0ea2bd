"""Exercise 10.feature_scores: fires here, and not there."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import feature_search
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def rate(peaks):
    return (peaks > 0).double().mean(dim=0)


def difference_of_peaks(peaks, other_peaks):
    return peaks.mean(dim=0) - other_peaks.mean(dim=0)


def hits_alone(peaks, other_peaks):
    return rate(peaks)


def the_wrong_way_round(peaks, other_peaks):
    return rate(other_peaks) - rate(peaks)


def counts_instead_of_rates(peaks, other_peaks):
    return ((peaks > 0).sum(dim=0) - (other_peaks > 0).sum(dim=0)).double()


def one_common_denominator(peaks, other_peaks):
    counts = (peaks > 0).sum(dim=0) - (other_peaks > 0).sum(dim=0)
    return counts / (len(peaks) + len(other_peaks))


def ratio(peaks, other_peaks):
    return rate(peaks) / rate(other_peaks).clamp(min=1e-6)


def product(peaks, other_peaks):
    return rate(peaks) * (1 - rate(other_peaks))


def without_a_sign(peaks, other_peaks):
    return (rate(peaks) - rate(other_peaks)).abs()


def never_below_zero(peaks, other_peaks):
    return (rate(peaks) - rate(other_peaks)).clamp(min=0)


def zero_counts_as_firing(peaks, other_peaks):
    return (peaks >= 0).double().mean(dim=0) - (other_peaks >= 0).double().mean(dim=0)


def over_latents(peaks, other_peaks):
    return (peaks > 0).double().mean(dim=1).mean() - (other_peaks > 0).double().mean(dim=1).mean()


def weak_ones_ignored(peaks, other_peaks):
    threshold = 0.1 * torch.cat([peaks, other_peaks]).amax(dim=0)
    return (peaks > threshold).double().mean(dim=0) - (other_peaks > threshold).double().mean(dim=0)


def above_a_fixed_threshold(peaks, other_peaks):
    return (peaks > 0.1).double().mean(dim=0) - (other_peaks > 0.1).double().mean(dim=0)


def precision(peaks, other_peaks):
    hits, false_alarms = (peaks > 0).sum(dim=0), (other_peaks > 0).sum(dim=0)
    return hits / (hits + false_alarms).clamp(min=1)


def accuracy(peaks, other_peaks):
    right = (peaks > 0).sum(dim=0) + (other_peaks == 0).sum(dim=0)
    return right / (len(peaks) + len(other_peaks))


def by_counting(peaks, other_peaks):
    hits = torch.count_nonzero(peaks, dim=0) / peaks.shape[0]
    return hits - torch.count_nonzero(other_peaks, dim=0) / other_peaks.shape[0]


def in_loops(peaks, other_peaks):
    scores = []
    for j in range(peaks.shape[1]):
        hits = sum(bool(value > 0) for value in peaks[:, j]) / len(peaks)
        false_alarms = sum(bool(value > 0) for value in other_peaks[:, j]) / len(other_peaks)
        scores.append(hits - false_alarms)
    return torch.tensor(scores)


def as_a_correlation_of_signs(peaks, other_peaks):
    weights = torch.cat(
        [torch.full((len(peaks),), 1 / len(peaks)), torch.full((len(other_peaks),), -1.0)]
    ).double()
    weights[len(peaks) :] /= len(other_peaks)
    return weights @ torch.cat([peaks, other_peaks]).sign().double()


EXERCISE = Exercise(
    id="10.feature_scores",
    title="Fires here, and not there",
    reference=feature_search.feature_scores,
    minutes=6,
    difficulty=2,
    hints=(
        "Turn each peak into yes or no first: did the latent fire on this text at all?",
        "On what fraction of the given texts does it fire? And on what fraction of the others?",
        "The mean of a mask over its rows is a rate: `(peaks > 0).float().mean(dim=0)`. Subtract "
        "one rate from the other.",
    ),
    check=Check(
        draws.peaks,
        tested="unequal numbers of texts; a perfect latent, its opposite, a dead one, one that is "
        "always on",
    ),
    mistakes=(
        Mistake(
            difference_of_peaks,
            "You compare how strongly it fires. One huge peak on one text then beats a latent "
            "that fires on all of them: count texts.",
        ),
        Mistake(
            hits_alone,
            "`other_peaks` has no effect. A latent that fires on everything would win.",
        ),
        Mistake(the_wrong_way_round, "The sign: firing on the given texts is what counts for it."),
        Mistake(
            counts_instead_of_rates,
            "These are counts. With more texts on one side than on the other, rates are needed.",
        ),
        Mistake(
            one_common_denominator,
            "You divide both counts by the number of all texts. Each side has its own.",
        ),
        Mistake(
            ratio,
            "This is a ratio. It is huge for a latent that fires on one given text and on no "
            "other: rare latents would win by luck.",
        ),
        Mistake(
            product,
            "This is a product, close to the score for good latents. For bad ones it never falls "
            "below 0. Asked is the difference.",
        ),
        Mistake(
            without_a_sign,
            "The sign is gone: a latent that fires on all others would win too.",
        ),
        Mistake(
            never_below_zero,
            "You cut off at zero. A latent that fires on the others instead has a score below.",
        ),
        Mistake(
            zero_counts_as_firing,
            "A peak of exactly 0 means that it never fired: >, not >=.",
        ),
        Mistake(over_latents, "You averaged over latents. One score for each: average over texts."),
        Mistake(
            weak_ones_ignored,
            "You leave out weak firing. That is a fair idea, with a threshold to defend. Here "
            "anything above 0 counts.",
        ),
        Mistake(
            above_a_fixed_threshold,
            "You leave out firing below 0.1. Activations have no common scale, so a fixed number "
            "means something else for every latent. Here anything above 0 counts.",
        ),
        Mistake(
            precision,
            "This is precision: of the texts on which it fires, the share that was given. It "
            "depends on how many texts of each kind you happen to have.",
        ),
        Mistake(
            accuracy,
            "This is accuracy. It depends on how many texts of each kind you happen to have: with "
            "many others, a dead latent would do well.",
        ),
    ),
    alternatives=(by_counting, in_loops, as_a_correlation_of_signs),
    why="It finds the needle; the next cells show how many needles there are in plain hay.",
)
