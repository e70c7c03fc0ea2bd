"""Exercise 04.grad_latents_l1: the price of being on."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import draw_latents
from saeedu.grading.exercise import Check, Exercise, Mistake


def forgot_the_batch(latents, l1_coefficient):
    return l1_coefficient * np.sign(latents)


def forgot_lambda(latents, l1_coefficient):
    return np.sign(latents) / len(latents)


def mask_alone(latents, l1_coefficient):
    return np.sign(latents)


def on_all_latents(latents, l1_coefficient):
    return np.full_like(latents, l1_coefficient / len(latents))


def divided_by_d_sae(latents, l1_coefficient):
    return l1_coefficient * np.sign(latents) / latents.shape[1]


def mean_over_everything(latents, l1_coefficient):
    return l1_coefficient * np.sign(latents) / latents.size


def per_active_latent(latents, l1_coefficient):
    return l1_coefficient * np.sign(latents) / np.count_nonzero(latents)


def grows_with_the_latent(latents, l1_coefficient):
    return l1_coefficient * latents / len(latents)


def of_a_square(latents, l1_coefficient):
    return 2 * l1_coefficient * latents / len(latents)


def wrong_sign(latents, l1_coefficient):
    return -l1_coefficient * np.sign(latents) / len(latents)


def minus_where_off(latents, l1_coefficient):
    return l1_coefficient * np.where(latents > 0, 1.0, -1.0) / len(latents)


def faint_ones_ignored(latents, l1_coefficient):
    return l1_coefficient * (latents > 1e-8) / len(latents)


def mask(latents, l1_coefficient):
    return l1_coefficient / len(latents) * (latents > 0)


def where(latents, l1_coefficient):
    return np.where(latents != 0, l1_coefficient / latents.shape[0], 0.0)


def loop(latents, l1_coefficient):
    grad = np.zeros(latents.shape, dtype=np.float32)
    for s, row in enumerate(latents):
        for j, latent in enumerate(row):
            if latent > 0:
                grad[s, j] = l1_coefficient / len(latents)
    return grad


EXERCISE = Exercise(
    id="04.grad_latents_l1",
    title="The price of being on",
    reference=numpy_gradients.grad_latents_l1,
    minutes=4,
    difficulty=2,
    hints=(
        "For a latent that is on, |latent| is the latent itself. What is its slope, and does the "
        "slope depend on how strongly it is on?",
        "On: l1_coefficient / batch. Exactly zero: zero, by convention. You need an array that is "
        "1 where a latent is on and 0 elsewhere.",
        "`np.sign(latents)` is that array, as latents are never negative; so is `latents > 0`. "
        "Times l1_coefficient / len(latents).",
    ),
    check=Check(
        draw=draw_latents,
        tested="latents on, faint and off, one that never fires, a new coefficient each time",
    ),
    mistakes=(
        Mistake(
            forgot_the_batch,
            "You are off by exactly the batch size: the penalty is a mean over the batch, so each "
            "sample carries 1/batch.",
        ),
        Mistake(
            forgot_lambda,
            "l1_coefficient is missing. It multiplies the penalty, so it multiplies the penalty's "
            "gradient.",
        ),
        Mistake(
            mask_alone,
            "You have the slope of |latent| alone. The penalty multiplies it by l1_coefficient and "
            "averages over the batch.",
        ),
        Mistake(
            on_all_latents,
            "You charge every latent, also those that are off. At zero this gradient is zero by "
            "convention: only active latents are pushed down.",
        ),
        Mistake(
            divided_by_d_sae,
            "You divide by d_sae. The penalty sums over latents and averages over samples: divide "
            "by len(latents).",
        ),
        Mistake(
            mean_over_everything,
            "You divide by batch times d_sae. The penalty sums over latents, and averages over "
            "samples only.",
        ),
        Mistake(
            per_active_latent,
            "You divide by the number of active latents. The penalty's mean is over samples, "
            "however many latents are on.",
        ),
        Mistake(
            grows_with_the_latent,
            "Your push grows with the latent, as that of a squared penalty does. The slope of "
            "|latent| is 1 however large the latent: that is what drives small ones to zero.",
        ),
        Mistake(
            of_a_square,
            "This is the gradient of the sum of latents² (L2). L1 has no square: its slope is 1 "
            "wherever a latent is on.",
        ),
        Mistake(
            wrong_sign,
            "The sign is turned round. Raising an active latent raises the penalty, so the "
            "gradient is positive; descent then lowers the latent.",
        ),
        Mistake(
            minus_where_off,
            "You give latents that are off a slope of -1. Latents are never negative; at exactly "
            "zero the convention is zero.",
        ),
        Mistake(
            faint_ones_ignored,
            "You left out latents that are faint. The push is the same however small the latent: "
            "anything above zero is on, so compare with zero itself.",
        ),
    ),
    alternatives=(mask, where, loop),
    why="A constant push however small the latent is what makes L1 switch latents off; a squared "
    "penalty fades before it gets there.",
)
