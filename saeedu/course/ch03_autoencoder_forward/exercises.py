"""Chapter 03's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch03_autoencoder_forward import (
    exercise_cosine_similarities,
    exercise_decode,
    exercise_encode,
    exercise_fraction_of_variance_unexplained,
    exercise_l0,
    exercise_l1_penalty,
    exercise_mmcs,
    exercise_principal_components,
    exercise_reconstruction_loss,
    exercise_sae_loss,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_cosine_similarities.EXERCISE,
    exercise_mmcs.EXERCISE,
    exercise_principal_components.EXERCISE,
    exercise_decode.EXERCISE,
    exercise_encode.EXERCISE,
    exercise_reconstruction_loss.EXERCISE,
    exercise_fraction_of_variance_unexplained.EXERCISE,
    exercise_l1_penalty.EXERCISE,
    exercise_l0.EXERCISE,
    exercise_sae_loss.EXERCISE,
)
