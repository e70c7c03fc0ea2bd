"""Chapter 00's exercises: one for each thing that a check can say."""

from __future__ import annotations

from saeedu.course.ch00_start_here import exercise_centre, exercise_row_lengths, exercise_unit_rows
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_row_lengths.EXERCISE,
    exercise_centre.EXERCISE,
    exercise_unit_rows.EXERCISE,
)
