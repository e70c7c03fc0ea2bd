"""Exercise 05.update_silence: who has stopped firing?"""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_training
from saeedu.course.ch05_training.draws import draw_silences
from saeedu.grading.exercise import Check, Exercise, Mistake


def never_resets(silence, latents):
    return silence + ~np.any(latents > 0, axis=0)


def counts_samples(silence, latents):
    return np.where(np.any(latents > 0, axis=0), 0, silence + len(latents))


def only_if_on_in_all(silence, latents):
    return np.where(np.all(latents > 0, axis=0), 0, silence + 1)


def turned_round(silence, latents):
    return np.where(np.any(latents > 0, axis=0), silence + 1, 0)


def resets_to_one(silence, latents):
    return np.where(np.any(latents > 0, axis=0), 1, silence + 1)


def last_sample_only(silence, latents):
    return np.where(latents[-1] > 0, 0, silence + 1)


def first_sample_only(silence, latents):
    return np.where(latents[0] > 0, 0, silence + 1)


def ignores_faint_latents(silence, latents):
    return np.where(latents.mean(axis=0) > 0.01, 0, silence + 1)


def rounded_away(silence, latents):
    return np.where(latents.astype(int).any(axis=0), 0, silence + 1)


def forgets_the_past(silence, latents):
    return np.where(np.any(latents > 0, axis=0), 0, 1)


def silent_keep_their_count(silence, latents):
    return np.where(np.any(latents > 0, axis=0), 0, silence)


def along_the_wrong_axis(silence, latents):
    return np.where(np.any(latents > 0, axis=1), 0, silence + 1)


def one_answer_for_all(silence, latents):
    return np.where(np.any(latents > 0), 0, silence + 1)


def counts_silent_samples(silence, latents):
    return silence + np.sum(latents == 0, axis=0)


def changed_in_place(silence, latents):
    silence += 1
    silence[np.any(latents > 0, axis=0)] = 0
    return silence


def with_a_copy(silence, latents):
    longer = silence + 1
    longer[latents.max(axis=0) > 0] = 0
    return longer


def by_product(silence, latents):
    return (silence + 1) * (latents.sum(axis=0) == 0)


def one_by_one(silence, latents):
    counts = [0.0 if any(column > 0) else n + 1.0 for n, column in zip(silence, latents.T)]  # noqa: B905
    return np.array(counts)


EXERCISE = Exercise(
    id="05.update_silence",
    title="Who has gone silent?",
    reference=numpy_training.update_silence,
    minutes=5,
    difficulty=2,
    hints=(
        "First a row of yes or no, [d_sae]: has this latent been on in *any* sample of the batch?",
        "`np.any(latents > 0, axis=0)` is that row. Where it says yes the count is 0; where it "
        "says no it is one more than before.",
        "`np.where(condition, a, b)` takes a where the condition holds and b elsewhere. The new "
        "count elsewhere is `silence + 1`.",
    ),
    check=Check(
        draw=draw_silences, tested="latents on always, never, and once, faintly, in mid-batch"
    ),
    mistakes=(
        Mistake(
            never_resets,
            "Your count never goes back to 0. Then every latent is dead in the end: count steps "
            "*in a row*.",
        ),
        Mistake(counts_samples, "You count samples. One batch is one step: add 1."),
        Mistake(
            only_if_on_in_all,
            "You reset only latents that are on in *every* sample. One sample is enough: np.any.",
        ),
        Mistake(
            turned_round,
            "The two cases are turned round: who fires goes to 0, who is silent counts on.",
        ),
        Mistake(resets_to_one, "A latent that has just fired has been silent for 0 steps, not 1."),
        Mistake(
            last_sample_only, "You look at the last sample only. Any sample of the batch counts."
        ),
        Mistake(
            first_sample_only, "You look at the first sample only. Any sample of the batch counts."
        ),
        Mistake(
            ignores_faint_latents,
            "You ask for more than a faint activity. On is on: anything above 0 has a gradient.",
        ),
        Mistake(
            rounded_away,
            "Turning latents into whole numbers rounds everything below 1 to 0. Compare with > 0.",
        ),
        Mistake(
            forgets_the_past,
            "Silent latents get 1 whatever they had before. Add 1 to `silence`.",
        ),
        Mistake(silent_keep_their_count, "Silent latents keep their count. Add 1 to it."),
        Mistake(
            along_the_wrong_axis,
            "You asked each sample whether any latent is on. Ask each latent: axis=0.",
        ),
        Mistake(
            one_answer_for_all,
            "np.any without an axis gives one answer for the whole batch: axis=0.",
        ),
        Mistake(
            counts_silent_samples,
            "You add up the samples in which a latent is off. Even a busy latent is off in most.",
        ),
        Mistake(
            changed_in_place,
            "Right numbers, but `+=` writes into the caller's array. Make a new one.",
        ),
    ),
    alternatives=(with_a_copy, by_product, one_by_one),
    why="A latent that is off has no gradient, so nobody else will tell you that it is gone.",
)
