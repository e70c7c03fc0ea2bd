"""Chapter 09's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch09_training_on_gpt2 import (
    exercise_cross_entropy_recovered,
    exercise_explained_variance,
    exercise_next_token_loss,
    exercise_weighted_l1,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_next_token_loss.EXERCISE,
    exercise_weighted_l1.EXERCISE,
    exercise_explained_variance.EXERCISE,
    exercise_cross_entropy_recovered.EXERCISE,
)
