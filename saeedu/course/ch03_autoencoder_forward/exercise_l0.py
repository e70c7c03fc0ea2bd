"""Exercise 03.l0: how many latents are on."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake


def draw_codes(rng: np.random.Generator) -> Iterator[Call]:
    for batch, _, d_sae in draws.SIZES:
        latents = draws.latents(rng, batch, d_sae)
        # Faint or clearly on, nothing between: any tolerance below 0.1 makes the same mistake.
        latents = np.where(latents > 1e-9, latents + 0.1, latents)
        note = "one latent is on, but faintly"
        yield Call((latents,), axes={"batch": batch, "d_sae": d_sae}, note=note)


def fraction_active(latents):
    return np.mean(latents > 0)


def total_active(latents):
    return np.sum(latents > 0)


def samples_a_latent(latents):
    return np.mean(np.sum(latents > 0, axis=0))


def latents_ever_active(latents):
    return np.sum(np.any(latents > 0, axis=0))


def zeros_counted(latents):
    return np.mean(np.sum(latents == 0, axis=1))


def everything_counted(latents):
    return np.mean(np.sum(latents >= 0, axis=1))


def faint_ones_ignored(latents):
    return np.mean(np.sum(latents > 0.01, axis=1))


def summed_not_counted(latents):
    return np.mean(np.sum(latents, axis=1))


def one_count_a_sample(latents):
    return np.sum(latents > 0, axis=1)


def l0_by_nonzero(latents):
    return np.count_nonzero(latents) / len(latents)


def l0_in_loops(latents):
    return sum(1 for row in latents for v in row if v > 0) / len(latents)


def l0_as_fraction_times_width(latents):
    return (latents > 0).mean() * latents.shape[1]


EXERCISE = Exercise(
    id="03.l0",
    title="How many latents speak?",
    reference=numpy_sae.l0,
    minutes=3,
    difficulty=1,
    hints=(
        "`latents > 0` is an array of True and False, and True counts as 1.",
        "For each sample, how many? Then the mean of that over the batch.",
        "Sum the comparison along the latents' axis; average what is left.",
    ),
    check=Check(
        draw_codes,
        tested="four batches with dead latents, a silent sample and one latent that is barely on",
    ),
    mistakes=(
        Mistake(
            fraction_active,
            "You divided by d_sae: this is the fraction of latents that are active. L0 is a count, "
            "so that dictionaries of different sizes can be compared.",
        ),
        Mistake(
            total_active,
            "You counted over the whole batch. L0 is for one sample, on average.",
        ),
        Mistake(
            samples_a_latent,
            "The axes are swapped: you counted in how many samples a latent is active. That is "
            "useful too (it finds dead latents), but it is another question.",
        ),
        Mistake(
            latents_ever_active,
            "You counted the latents that are active in any sample at all. "
            "Count within each sample, then average.",
        ),
        Mistake(
            zeros_counted,
            "You counted the silent ones. L0 counts the active ones; the zero in its name is the "
            "exponent.",
        ),
        Mistake(
            everything_counted,
            "`>= 0` is true of every latent there is, since none is negative. Silent means "
            "exactly zero.",
        ),
        Mistake(
            faint_ones_ignored,
            "You left out faint latents. The ReLU makes exact zeros, so no threshold is needed: "
            "anything above zero is on.",
        ),
        Mistake(
            summed_not_counted,
            "You added the latents up, which is L1. L0 counts them: each active one is 1, "
            "however strong.",
        ),
        Mistake(
            one_count_a_sample,
            "You have one count for each sample. Average them into one number.",
        ),
    ),
    alternatives=(l0_by_nonzero, l0_in_loops, l0_as_fraction_times_width),
    why="L0 against unexplained variance is the plot by which sparse autoencoders are compared, "
    "here and in the papers.",
)
