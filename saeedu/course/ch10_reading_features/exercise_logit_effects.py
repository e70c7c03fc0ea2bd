"""Exercise 10.logit_effects: what a direction does to the output."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import logit_effect
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def mean_left_in(directions, unembedding):
    return directions @ unembedding


def mean_over_directions_removed(directions, unembedding):
    logits = directions @ unembedding
    return logits - logits.mean(dim=0)


def mean_over_everything_removed(directions, unembedding):
    logits = directions @ unembedding
    return logits - logits.mean()


def directions_centred_instead(directions, unembedding):
    return (directions - directions.mean(dim=1, keepdim=True)) @ unembedding


def probabilities(directions, unembedding):
    return (directions @ unembedding).softmax(dim=1)


def log_probabilities(directions, unembedding):
    return (directions @ unembedding).log_softmax(dim=1)


def unit_directions(directions, unembedding):
    unit = directions / directions.norm(dim=1, keepdim=True)
    return logit_effect.logit_effects(unit, unembedding)


def unit_tokens(directions, unembedding):
    return logit_effect.logit_effects(directions, unembedding / unembedding.norm(dim=0))


def in_standard_deviations(directions, unembedding):
    effects = logit_effect.logit_effects(directions, unembedding)
    return effects / effects.std(dim=1, keepdim=True)


def upright(directions, unembedding):
    return logit_effect.logit_effects(directions, unembedding).T


def without_a_sign(directions, unembedding):
    return logit_effect.logit_effects(directions, unembedding).abs()


def compared_with_the_largest(directions, unembedding):
    logits = directions @ unembedding
    return logits - logits.amax(dim=1, keepdim=True)


def compared_with_the_median(directions, unembedding):
    logits = directions @ unembedding
    return logits - logits.median(dim=1, keepdim=True).values


def tokens_centred_first(directions, unembedding):
    return directions @ (unembedding - unembedding.mean(dim=1, keepdim=True))


def by_einsum(directions, unembedding):
    logits = torch.einsum("md,dv->mv", directions, unembedding)
    return logits - torch.einsum("mv->m", logits)[:, None] / logits.shape[1]


def in_loops(directions, unembedding):
    rows = []
    for direction in directions:
        row = torch.stack([direction.dot(token) for token in unembedding.T])
        rows.append(row - row.mean())
    return torch.stack(rows)


EXERCISE = Exercise(
    id="10.logit_effects",
    title="What a direction does to the output",
    reference=logit_effect.logit_effects,
    minutes=7,
    difficulty=2,
    hints=(
        "Logits are the normalised stream times the unembedding. What does one more vector in the "
        "stream add to them, if the norm's division is left out?",
        "`directions @ unembedding` is [m, vocabulary]. Which part of it does softmax not see?",
        "Take each row's mean over the vocabulary off: `mean(dim=1, keepdim=True)`.",
    ),
    check=Check(
        draws.directions_and_unembeddings,
        tested="directions of several lengths, and an unembedding whose tokens have a common part",
    ),
    mistakes=(
        Mistake(
            mean_left_in,
            "All logits of a direction may share a constant; softmax does not see it. Take the "
            "mean over the vocabulary off, so that above zero means likelier than the average.",
        ),
        Mistake(
            mean_over_directions_removed,
            "You took off the mean over directions. Each direction stands by itself: the mean is "
            "over the vocabulary.",
        ),
        Mistake(
            mean_over_everything_removed,
            "You took off one mean for all directions. Each row has its own.",
        ),
        Mistake(
            directions_centred_instead,
            "You centred the directions. What softmax does not see is a constant over *tokens*.",
        ),
        Mistake(
            probabilities,
            "This is a softmax. A direction is added to a stream full of other things; by itself "
            "it has no probabilities, only effects.",
        ),
        Mistake(
            log_probabilities,
            "This is a log-softmax, as if nothing else were in the stream. Take off the mean "
            "instead.",
        ),
        Mistake(
            unit_directions,
            "You scaled the directions to length one. A longer one has a larger effect: leave "
            "that to the caller.",
        ),
        Mistake(
            unit_tokens,
            "You scaled the tokens' columns to length one. The model uses them as they are.",
        ),
        Mistake(
            in_standard_deviations,
            "You divided by the spread. That is for the table; here the effects themselves.",
        ),
        Mistake(upright, "This is [vocabulary, m]. A row for each direction."),
        Mistake(without_a_sign, "The sign is gone: promoted and suppressed look alike."),
        Mistake(
            compared_with_the_largest,
            "You took off the largest, as a stable softmax does. Compare with the average token.",
        ),
        Mistake(
            compared_with_the_median,
            "You took off the median. Asked is the mean.",
        ),
    ),
    alternatives=(tokens_centred_first, by_einsum, in_loops),
    why="Half of a latent's meaning is what it makes the model say; chapter 11 will steer with it.",
)
