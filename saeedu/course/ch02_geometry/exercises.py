"""Chapter 02's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch02_geometry import (
    exercise_antipodal_loss,
    exercise_best_arrangement,
    exercise_dimensionality,
    exercise_exact_absolute_value,
    exercise_interference,
    exercise_neuron_gradients,
    exercise_selectivity,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_interference.EXERCISE,
    exercise_dimensionality.EXERCISE,
    exercise_antipodal_loss.EXERCISE,
    exercise_best_arrangement.EXERCISE,
    exercise_selectivity.EXERCISE,
    exercise_neuron_gradients.EXERCISE,
    exercise_exact_absolute_value.EXERCISE,
)
