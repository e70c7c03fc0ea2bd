"""Exercise 04.project_off_rows: keep decoder rows on the sphere, to first order."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import numpy_gradients
from saeedu.course.ch04_gradients.draws import Moment, calls_with
from saeedu.grading.exercise import Check, Exercise, Mistake


def _unit(rows, axis=1):
    return rows / np.linalg.norm(rows, axis=axis, keepdims=True)


def _along(d_W_dec, unit, axis=1):
    return np.sum(d_W_dec * unit, axis=axis, keepdims=True)


def rows_not_normalised(d_W_dec, W_dec):
    return d_W_dec - _along(d_W_dec, W_dec) * W_dec


def normalised_once_of_twice(d_W_dec, W_dec):
    return d_W_dec - _along(d_W_dec, W_dec) * _unit(W_dec)


def along_columns(d_W_dec, W_dec):
    unit = _unit(W_dec, axis=0)
    return d_W_dec - _along(d_W_dec, unit, axis=0) * unit


def columns_normalised_rows_projected(d_W_dec, W_dec):
    unit = _unit(W_dec, axis=0)
    return d_W_dec - _along(d_W_dec, unit) * unit


def whole_matrix_at_once(d_W_dec, W_dec):
    return d_W_dec - np.sum(d_W_dec * W_dec) / np.sum(W_dec * W_dec) * W_dec


def every_row_loses_the_total(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return d_W_dec - np.sum(d_W_dec * unit) * unit


def rows_mixed_by_a_product(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return d_W_dec - (d_W_dec @ unit.T) @ unit


def one_norm_for_all_rows(d_W_dec, W_dec):
    unit = W_dec / np.linalg.norm(W_dec)
    return d_W_dec - _along(d_W_dec, unit) * unit


def result_normalised(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return _unit(d_W_dec - _along(d_W_dec, unit) * unit)


def sum_without_keepdims(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return d_W_dec - np.sum(d_W_dec * unit, axis=1) * unit


def norm_without_keepdims(d_W_dec, W_dec):
    unit = W_dec / np.linalg.norm(W_dec, axis=1)
    return d_W_dec - _along(d_W_dec, unit) * unit


def kept_the_parallel_part(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return _along(d_W_dec, unit) * unit


def added_the_parallel_part(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return d_W_dec + _along(d_W_dec, unit) * unit


def wrong_sign(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return _along(d_W_dec, unit) * unit - d_W_dec


def subtracted_the_number(d_W_dec, W_dec):
    return d_W_dec - _along(d_W_dec, _unit(W_dec))


def subtracted_the_row(d_W_dec, W_dec):
    return d_W_dec - _unit(W_dec)


def roles_swapped(d_W_dec, W_dec):
    unit = _unit(d_W_dec)
    return W_dec - _along(W_dec, unit) * unit


def gradient_normalised(d_W_dec, W_dec):
    unit, d_unit = _unit(W_dec), _unit(d_W_dec)
    return d_unit - _along(d_unit, unit) * unit


def tangent_divided_by_the_length(d_W_dec, W_dec):
    unit = _unit(W_dec)
    return (d_W_dec - _along(d_W_dec, unit) * unit) / np.linalg.norm(W_dec, axis=1, keepdims=True)


def did_nothing(d_W_dec, W_dec):
    return d_W_dec.copy()


def row_by_row(d_W_dec, W_dec):
    grad = np.zeros_like(d_W_dec)
    for j, (d, row) in enumerate(zip(d_W_dec, W_dec, strict=True)):
        grad[j] = d - (d @ row) / (row @ row) * row
    return grad


def with_projection_matrices(d_W_dec, W_dec):
    identity = np.eye(W_dec.shape[1])
    return np.stack(
        [
            (identity - np.outer(row, row) / (row @ row)) @ d
            for d, row in zip(d_W_dec, W_dec, strict=True)
        ]
    )


def einsum(d_W_dec, W_dec):
    along = np.einsum("ji,ji->j", d_W_dec, W_dec) / np.einsum("ji,ji->j", W_dec, W_dec)
    return d_W_dec - np.einsum("j,ji->ji", along, W_dec)


def float32(d_W_dec, W_dec):
    d, unit = np.float32(d_W_dec), _unit(np.float32(W_dec))
    return d - _along(d, unit) * unit


def _gradient_and_decoder(moment: Moment) -> tuple[np.ndarray, np.ndarray]:
    # A random matrix serves as the gradient: a true one would be zero for a latent that is off.
    return moment.latents.T @ (moment.x_hat - moment.x) + 1.0, moment.W_dec


EXERCISE = Exercise(
    id="04.project_off_rows",
    title="Stay on the sphere",
    reference=numpy_gradients.project_off_rows,
    minutes=8,
    difficulty=3,
    hints=(
        "Every row is a problem of its own: a gradient vector, a decoder vector. Which part of "
        "the gradient would make the decoder vector longer or shorter?",
        "The part along it. For a *unit* vector u, the part of g along u is (g · u) u. The rows "
        "you are given are not unit vectors.",
        "Divide W_dec by np.linalg.norm(W_dec, axis=1, keepdims=True): `unit`. The dot products "
        "of all rows at once: np.sum(d_W_dec * unit, axis=1, keepdims=True).",
        "`return d_W_dec - along * unit`, where `along` is that column of dot products.",
    ),
    check=Check(
        draw=calls_with(_gradient_and_decoder),
        tested="decoder rows of many lengths, none of length one",
    ),
    mistakes=(
        Mistake(
            rows_not_normalised,
            "You used W_dec's rows as they are. (g · w) w is the part along w for a unit row only; "
            "otherwise it is off by the squared length. Divide each row by its norm first.",
        ),
        Mistake(
            normalised_once_of_twice,
            "The row appears twice in (g · u) u, and you normalised it once. Use the unit row in "
            "both places.",
        ),
        Mistake(
            along_columns,
            "You worked along columns. A latent's direction is a row of W_dec: norms and dot "
            "products run over axis 1.",
        ),
        Mistake(
            columns_normalised_rows_projected,
            "You normalised columns and projected rows. Both run over axis 1: every latent is a "
            "row.",
        ),
        Mistake(
            whole_matrix_at_once,
            "You treated the matrix as one long vector. That keeps the norm of the whole, while "
            "single rows may grow: project each row on its own.",
        ),
        Mistake(
            every_row_loses_the_total,
            "You summed the dot products of all rows into one number. Each row has its own: sum "
            "over axis=1 with keepdims=True.",
        ),
        Mistake(
            rows_mixed_by_a_product,
            "(g @ unit.T) @ unit takes every row's dot product with every other row, and removes "
            "them all. A row's gradient loses only its part along its own row.",
        ),
        Mistake(
            one_norm_for_all_rows,
            "You divided by one norm, that of the whole matrix. Each row has a norm of its own: "
            "np.linalg.norm(W_dec, axis=1, keepdims=True).",
        ),
        Mistake(
            result_normalised,
            "You gave every row of the result the length 1. How steep the loss is must survive: "
            "it is the decoder that is renormalised, after the step, not the gradient.",
        ),
        Mistake(
            sum_without_keepdims,
            "np.sum(..., axis=1) has the shape [d_sae], and NumPy lines that up with the columns. "
            "Keep the summed axis, keepdims=True, for a column of shape [d_sae, 1].",
        ),
        Mistake(
            norm_without_keepdims,
            "A norm or a dot product over axis=1 has the shape [d_sae], and NumPy lines that up "
            "with the columns. Say keepdims=True, for a column of shape [d_sae, 1].",
        ),
        Mistake(
            kept_the_parallel_part,
            "You returned the part along the row: the part to be removed. Subtract it from the "
            "gradient.",
        ),
        Mistake(
            added_the_parallel_part,
            "You added the part along the row, which doubles it. Subtract it, and nothing along "
            "the row is left.",
        ),
        Mistake(
            wrong_sign,
            "You subtracted the gradient from its part along the row, so the sign is turned round.",
        ),
        Mistake(
            subtracted_the_number,
            "You subtracted the dot product, a number, from every entry of its row. The part along "
            "the row is a vector: the number times the unit row.",
        ),
        Mistake(
            subtracted_the_row,
            "You subtracted the unit row itself. How much of it there is in the gradient is the "
            "dot product: multiply by that first.",
        ),
        Mistake(
            roles_swapped,
            "The roles are swapped: you removed from the decoder its part along the gradient. It "
            "is the gradient that is projected.",
        ),
        Mistake(
            gradient_normalised,
            "You normalised the gradient's rows as well. How steep the loss is must survive: only "
            "the decoder's rows become unit vectors.",
        ),
        Mistake(
            tangent_divided_by_the_length,
            "Right direction, but divided by the row's length. That is the gradient when the loss "
            "itself divides W_dec by its norm; here only the part along the row is removed.",
        ),
        Mistake(
            did_nothing,
            "This is the gradient unchanged: its part along each row is still in it.",
        ),
    ),
    alternatives=(row_by_row, with_projection_matrices, einsum, float32),
    why="Without it the optimiser keeps pushing rows outwards, because long rows make sparsity "
    "look cheap.",
)
