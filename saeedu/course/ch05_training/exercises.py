"""Chapter 05's exercises, in the order in which they come up; each is in a file of its own."""

from __future__ import annotations

from saeedu.course.ch05_training import (
    exercise_adam_step,
    exercise_decoder_step,
    exercise_greedy_match,
    exercise_l1_warm_up,
    exercise_read_strength,
    exercise_reinitialise_latents,
    exercise_resampling_probabilities,
    exercise_response_by_feature,
    exercise_sae_gradients,
    exercise_update_silence,
)

EXERCISES = (
    exercise_adam_step.EXERCISE,
    exercise_sae_gradients.EXERCISE,
    exercise_decoder_step.EXERCISE,
    exercise_l1_warm_up.EXERCISE,
    exercise_greedy_match.EXERCISE,
    exercise_response_by_feature.EXERCISE,
    exercise_read_strength.EXERCISE,
    exercise_update_silence.EXERCISE,
    exercise_resampling_probabilities.EXERCISE,
    exercise_reinitialise_latents.EXERCISE,
)
