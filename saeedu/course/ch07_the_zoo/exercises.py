"""Chapter 07's exercises, in the order in which they come up; each is in a file of its own."""

from __future__ import annotations

from saeedu.course.ch07_the_zoo import (
    exercise_absorption_rate,
    exercise_gate_loss,
    exercise_gated_latents,
    exercise_jump_relu_gradients,
    exercise_prefix_losses,
    exercise_present_children,
    exercise_score_at_l0,
    exercise_step_gradient,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_gated_latents.EXERCISE,
    exercise_gate_loss.EXERCISE,
    exercise_jump_relu_gradients.EXERCISE,
    exercise_step_gradient.EXERCISE,
    exercise_present_children.EXERCISE,
    exercise_absorption_rate.EXERCISE,
    exercise_prefix_losses.EXERCISE,
    exercise_score_at_l0.EXERCISE,
)
