"""Chapter 10's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch10_reading_features import (
    exercise_feature_scores,
    exercise_logit_effects,
    exercise_matching_thresholds,
    exercise_merge_top,
    exercise_quantile_picks,
    exercise_strongest_entries,
    exercise_token_agreement,
    exercise_token_span,
    exercise_window_positions,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_token_span.EXERCISE,
    exercise_window_positions.EXERCISE,
    exercise_strongest_entries.EXERCISE,
    exercise_merge_top.EXERCISE,
    exercise_matching_thresholds.EXERCISE,
    exercise_token_agreement.EXERCISE,
    exercise_quantile_picks.EXERCISE,
    exercise_logit_effects.EXERCISE,
    exercise_feature_scores.EXERCISE,
)
