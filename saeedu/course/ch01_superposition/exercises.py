"""Chapter 01's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch01_superposition import (
    exercise_draw_features,
    exercise_importance_loss,
    exercise_linear_forward,
    exercise_linear_gradients,
    exercise_one_at_a_time,
    exercise_top_m_loss,
    exercise_toy_forward,
    exercise_toy_gradients,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_draw_features.EXERCISE,
    exercise_linear_forward.EXERCISE,
    exercise_importance_loss.EXERCISE,
    exercise_linear_gradients.EXERCISE,
    exercise_top_m_loss.EXERCISE,
    exercise_toy_forward.EXERCISE,
    exercise_toy_gradients.EXERCISE,
    exercise_one_at_a_time.EXERCISE,
)
