"""Chapter 04's exercises, in the order in which they come up; each is in a file of its own."""

from __future__ import annotations

from saeedu.course.ch04_gradients import (
    exercise_b_dec,
    exercise_b_enc,
    exercise_latents_l1,
    exercise_latents_reconstruction,
    exercise_numerical_gradient,
    exercise_pre_acts,
    exercise_project_off_rows,
    exercise_w_dec,
    exercise_w_enc,
    exercise_x_hat,
)

EXERCISES = (
    exercise_numerical_gradient.EXERCISE,
    exercise_x_hat.EXERCISE,
    exercise_w_dec.EXERCISE,
    exercise_latents_reconstruction.EXERCISE,
    exercise_latents_l1.EXERCISE,
    exercise_pre_acts.EXERCISE,
    exercise_w_enc.EXERCISE,
    exercise_b_enc.EXERCISE,
    exercise_b_dec.EXERCISE,
    exercise_project_off_rows.EXERCISE,
)
