"""Chapter 08's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch08_inside_a_language_model import (
    exercise_find_outliers,
    exercise_layer_norm,
    exercise_mix_and_deal,
    exercise_module_outputs,
    exercise_normalising_constant,
    exercise_pack_documents,
    exercise_read_contributions,
    exercise_read_rows,
    exercise_write_shard,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_pack_documents.EXERCISE,
    exercise_module_outputs.EXERCISE,
    exercise_read_contributions.EXERCISE,
    exercise_layer_norm.EXERCISE,
    exercise_find_outliers.EXERCISE,
    exercise_normalising_constant.EXERCISE,
    exercise_mix_and_deal.EXERCISE,
    exercise_write_shard.EXERCISE,
    exercise_read_rows.EXERCISE,
)
