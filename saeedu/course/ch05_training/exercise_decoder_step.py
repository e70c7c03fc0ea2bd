"""Exercise 05.decoder_step: Adam on the sphere."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_training
from saeedu.course.ch05_training.draws import draw_decoder_steps
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.numpy_gradients import project_off_rows
from saeedu.numpy_training import adam_step
from saeedu.warmup import unit_rows


def forgot_to_renormalise(W_dec, gradient, mean, mean_square, step, learning_rate):
    tangent = project_off_rows(gradient, W_dec)
    return adam_step(W_dec, tangent, mean, mean_square, step, learning_rate)


def forgot_to_project(W_dec, gradient, mean, mean_square, step, learning_rate):
    new, m, v = adam_step(W_dec, gradient, mean, mean_square, step, learning_rate)
    return unit_rows(new), m, v


def plain_adam(W_dec, gradient, mean, mean_square, step, learning_rate):
    return adam_step(W_dec, gradient, mean, mean_square, step, learning_rate)


def renormalised_columns(W_dec, gradient, mean, mean_square, step, learning_rate):
    new, m, v = forgot_to_renormalise(W_dec, gradient, mean, mean_square, step, learning_rate)
    return new / np.linalg.norm(new, axis=0), m, v


def renormalised_the_matrix(W_dec, gradient, mean, mean_square, step, learning_rate):
    new, m, v = forgot_to_renormalise(W_dec, gradient, mean, mean_square, step, learning_rate)
    return new / np.linalg.norm(new), m, v


def clipped_long_rows(W_dec, gradient, mean, mean_square, step, learning_rate):
    new, m, v = forgot_to_renormalise(W_dec, gradient, mean, mean_square, step, learning_rate)
    # Adam's step is hardly ever exactly tangent, so that rows shrink too.
    return new / np.maximum(1.02, np.linalg.norm(new, axis=1, keepdims=True)), m, v


def projected_the_change(W_dec, gradient, mean, mean_square, step, learning_rate):
    new, m, v = adam_step(W_dec, gradient, mean, mean_square, step, learning_rate)
    return W_dec + project_off_rows(new - W_dec, W_dec), m, v


def projected_the_change_and_renormalised(W_dec, gradient, mean, mean_square, step, learning_rate):
    new, m, v = projected_the_change(W_dec, gradient, mean, mean_square, step, learning_rate)
    return unit_rows(new), m, v


def roles_swapped(W_dec, gradient, mean, mean_square, step, learning_rate):
    tangent = project_off_rows(W_dec, gradient)
    new, m, v = adam_step(W_dec, tangent, mean, mean_square, step, learning_rate)
    return unit_rows(new), m, v


def kept_the_parallel_part(W_dec, gradient, mean, mean_square, step, learning_rate):
    along = gradient - project_off_rows(gradient, W_dec)
    new, m, v = adam_step(W_dec, along, mean, mean_square, step, learning_rate)
    return unit_rows(new), m, v


def stepped_without_adam(W_dec, gradient, mean, mean_square, step, learning_rate):
    tangent = project_off_rows(gradient, W_dec)
    _, m, v = adam_step(W_dec, tangent, mean, mean_square, step, learning_rate)
    return unit_rows(W_dec - learning_rate * tangent), m, v


def averages_not_updated(W_dec, gradient, mean, mean_square, step, learning_rate):
    tangent = project_off_rows(gradient, W_dec)
    new, _, _ = adam_step(W_dec, tangent, mean, mean_square, step, learning_rate)
    return unit_rows(new), mean, mean_square


def tangent_made_unit(W_dec, gradient, mean, mean_square, step, learning_rate):
    tangent = unit_rows(project_off_rows(gradient, W_dec))
    new, m, v = adam_step(W_dec, tangent, mean, mean_square, step, learning_rate)
    return unit_rows(new), m, v


def decoder_alone(W_dec, gradient, mean, mean_square, step, learning_rate):
    new, _, _ = forgot_to_renormalise(W_dec, gradient, mean, mean_square, step, learning_rate)
    return unit_rows(new)


def with_einsum(W_dec, gradient, mean, mean_square, step, learning_rate):
    along = np.einsum("ji,ji->j", gradient, W_dec)
    tangent = gradient - along[:, None] * W_dec  # the rows have unit length already
    new, m, v = adam_step(W_dec, tangent, mean, mean_square, step, learning_rate)
    return new / np.sqrt(np.einsum("ji,ji->j", new, new))[:, None], m, v


def row_by_row(W_dec, gradient, mean, mean_square, step, learning_rate):
    rows = []
    for w, g, m, v in zip(W_dec, gradient, mean, mean_square, strict=True):
        tangent = g - (g @ w) * w / (w @ w)
        w, m, v = adam_step(w, tangent, m, v, step, learning_rate)
        rows.append((w / np.linalg.norm(w), m, v))
    return tuple(np.stack(parts) for parts in zip(*rows, strict=True))


def float32(W_dec, gradient, mean, mean_square, step, learning_rate):
    w, g, m, v = (a.astype(np.float32) for a in (W_dec, gradient, mean, mean_square))
    return numpy_training.decoder_step(w, g, m, v, step, learning_rate)


EXERCISE = Exercise(
    id="05.decoder_step",
    title="Adam on the sphere",
    reference=numpy_training.decoder_step,
    minutes=6,
    difficulty=2,
    hints=(
        "Three things happen, in this order: to the gradient, to the decoder, to the decoder "
        "again. You have a function for each of them.",
        "`project_off_rows(gradient, W_dec)` from chapter 04, then your `adam_step`, then "
        "`unit_rows` from chapter 00.",
        "Adam's averages are made from the projected gradient, so project *before* the step. "
        "Only the decoder is renormalised: the averages are returned as adam_step gave them.",
    ),
    check=Check(
        draw=draw_decoder_steps,
        tested="decoders of four sizes, steps long enough to leave the sphere",
    ),
    mistakes=(
        Mistake(
            forgot_to_renormalise,
            "The rows no longer have unit length after your step. Projecting keeps them there only "
            "to first order, and Adam bends what you projected: finish with unit_rows.",
        ),
        Mistake(
            forgot_to_project,
            "You renormalise, but the gradient's part along each row still feeds Adam's averages. "
            "Project it off first.",
        ),
        Mistake(
            plain_adam,
            "This is plain Adam: nothing is projected, and nothing renormalised.",
        ),
        Mistake(
            renormalised_columns,
            "You renormalised columns. A latent's direction is a row: axis=1.",
        ),
        Mistake(
            renormalised_the_matrix,
            "You divided by the norm of the whole matrix. Each row has a length of its own.",
        ),
        Mistake(
            clipped_long_rows,
            "You only pull back rows that have become too long. Short ones must be stretched too: "
            "divide every row by its length.",
        ),
        Mistake(
            projected_the_change,
            "You projected Adam's change, not the gradient: its averages have seen the part along "
            "the rows. And the rows are not renormalised.",
        ),
        Mistake(
            projected_the_change_and_renormalised,
            "You projected Adam's change, not the gradient. Project first, so that the averages "
            "never see the part along the rows.",
        ),
        Mistake(
            roles_swapped,
            "The arguments of project_off_rows are swapped: the gradient comes first.",
        ),
        Mistake(
            kept_the_parallel_part,
            "You kept the part along the rows and threw the rest away. project_off_rows already "
            "returns the part that you want.",
        ),
        Mistake(
            stepped_without_adam,
            "The decoder moved by plain gradient descent, though the averages are right. Take the "
            "new decoder from adam_step.",
        ),
        Mistake(
            averages_not_updated,
            "You returned the old averages. Pass on what adam_step returns.",
        ),
        Mistake(
            tangent_made_unit,
            "You scaled the projected gradient to unit rows. Only the decoder has unit rows; how "
            "steep the loss is must survive.",
        ),
        Mistake(
            decoder_alone,
            "You returned the decoder alone. Return the new averages with it.",
        ),
    ),
    alternatives=(with_einsum, row_by_row, float32),
    why="Public training code has shipped without the last of the three lines; you will measure "
    "what that costs.",
)
