"""Chapter 06's exercises, in the order in which the lesson sets them; each has its own file."""

from __future__ import annotations

from saeedu.course.ch06_from_numpy_to_pytorch import (
    exercise_autograd_gradients,
    exercise_aux_k_loss,
    exercise_batch_top_k,
    exercise_decode_sparse,
    exercise_fold_into_weights,
    exercise_grad_top_k,
    exercise_grad_values,
    exercise_sparse_gradients,
    exercise_sum_by_latent,
    exercise_top_k,
)
from saeedu.grading.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    exercise_autograd_gradients.EXERCISE,
    exercise_top_k.EXERCISE,
    exercise_grad_top_k.EXERCISE,
    exercise_decode_sparse.EXERCISE,
    exercise_grad_values.EXERCISE,
    exercise_sum_by_latent.EXERCISE,
    exercise_sparse_gradients.EXERCISE,
    exercise_aux_k_loss.EXERCISE,
    exercise_batch_top_k.EXERCISE,
    exercise_fold_into_weights.EXERCISE,
)
