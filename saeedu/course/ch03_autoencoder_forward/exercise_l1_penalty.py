"""Exercise 03.l1_penalty: the price of activity."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake


def draw_codes_and_price(rng: np.random.Generator) -> Iterator[Call]:
    for (batch, _, d_sae), price in zip(draws.SIZES, draws.PRICES, strict=True):
        latents = draws.latents(rng, batch, d_sae)
        yield Call((latents, price), axes={"batch": batch, "d_sae": d_sae})


def l1_mean_over_everything(latents, l1_coefficient):
    return l1_coefficient * np.mean(latents)


def l1_sum_over_everything(latents, l1_coefficient):
    return l1_coefficient * np.sum(latents)


def l1_sum_over_the_batch(latents, l1_coefficient):
    return l1_coefficient * np.mean(np.sum(latents, axis=0))


def no_coefficient(latents, l1_coefficient):
    return np.mean(np.sum(latents, axis=1))


def sum_of_squares(latents, l1_coefficient):
    return l1_coefficient * np.mean(np.sum(latents**2, axis=1))


def euclidean_length(latents, l1_coefficient):
    return l1_coefficient * np.mean(np.linalg.norm(latents, axis=1))


def counted(latents, l1_coefficient):
    return l1_coefficient * np.mean(np.sum(latents > 0, axis=1))


def matrix_norm(latents, l1_coefficient):
    return l1_coefficient * np.linalg.norm(latents, 1)


def one_penalty_a_sample(latents, l1_coefficient):
    return l1_coefficient * np.sum(latents, axis=1)


def mean_over_active(latents, l1_coefficient):
    return l1_coefficient * np.mean(latents[latents > 0])


def l1_without_abs(latents, l1_coefficient):
    return l1_coefficient * latents.sum(axis=1).mean()


def l1_by_vector_norm(latents, l1_coefficient):
    return l1_coefficient * np.mean(np.linalg.norm(latents, ord=1, axis=1))


def l1_in_loops(latents, l1_coefficient):
    return sum(l1_coefficient * abs(float(v)) for row in latents for v in row) / len(latents)


EXERCISE = Exercise(
    id="03.l1_penalty",
    title="The price of activity",
    reference=numpy_sae.l1_penalty,
    minutes=3,
    difficulty=1,
    hints=(
        "The same two axes as in the reconstruction loss: one is summed, one is averaged.",
        "Sum over the latents, mean over the batch, times the coefficient.",
        "Latents are never negative, so their absolute values are themselves: "
        "`np.sum(latents, axis=1)` is one sample's L1 norm.",
    ),
    check=Check(
        draw_codes_and_price,
        tested="four batches with faint, strong, silent and dead latents, each with its own λ",
    ),
    mistakes=(
        Mistake(
            l1_mean_over_everything,
            "You averaged over the latents as well. Then doubling the dictionary halves the price "
            "of each latent; the sum over latents keeps it.",
        ),
        Mistake(
            l1_sum_over_everything,
            "You summed over the batch as well. Over samples it is a mean, as in the "
            "reconstruction loss, or λ would mean something else for each batch size.",
        ),
        Mistake(
            l1_sum_over_the_batch,
            "The axes are swapped: you summed over the samples and averaged over the latents.",
        ),
        Mistake(
            no_coefficient,
            "`l1_coefficient` has no effect. It is the price by which the sum is multiplied.",
        ),
        Mistake(
            sum_of_squares,
            "You summed squares. That penalty spares small values: it makes many faint latents "
            "cheap, which is the opposite of sparse.",
        ),
        Mistake(
            euclidean_length,
            "This is the Euclidean length of the code (L2). L1 adds the entries themselves, "
            "without squares.",
        ),
        Mistake(
            counted,
            "You counted the active latents. That is L0, which comes next: this penalty adds up "
            "how strong they are.",
        ),
        Mistake(
            matrix_norm,
            "`np.linalg.norm(latents, 1)` on a matrix is its largest column sum, not the sum of "
            "each row. Say `axis=1`, or use a plain sum.",
        ),
        Mistake(
            one_penalty_a_sample,
            "You have one price for each sample. Average them into one for the batch.",
        ),
        Mistake(
            mean_over_active,
            "You averaged over the active latents only, so it costs nothing to switch on another "
            "one. Every active latent has to add to the bill.",
        ),
    ),
    alternatives=(l1_without_abs, l1_by_vector_norm, l1_in_loops),
    why="This one term turns a perfect and useless autoencoder into one that finds features.",
)
