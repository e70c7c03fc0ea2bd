"""Chapter 09's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch09_training_on_gpt2 import (
    exercise_cross_entropy_recovered,
    exercise_diagnose,
    exercise_explained_variance,
    exercise_explained_variance_saelens_legacy,
    exercise_next_token_loss,
    exercise_pca_reconstruction,
    exercise_relative_reconstruction_bias,
    exercise_replace_except_bos,
    exercise_run_sizes,
    exercise_take_step,
    exercise_weighted_l1,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_run_sizes.EXERCISE,
    exercise_take_step.EXERCISE,
    exercise_diagnose.EXERCISE,
    exercise_explained_variance.EXERCISE,
    exercise_explained_variance_saelens_legacy.EXERCISE,
    exercise_pca_reconstruction.EXERCISE,
    exercise_weighted_l1.EXERCISE,
    exercise_relative_reconstruction_bias.EXERCISE,
    exercise_next_token_loss.EXERCISE,
    exercise_replace_except_bos.EXERCISE,
    exercise_cross_entropy_recovered.EXERCISE,
)
