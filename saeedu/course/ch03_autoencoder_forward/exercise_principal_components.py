"""Exercise 03.principal_components: the directions of most variance."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake


def draw_clouds(rng: np.random.Generator) -> Iterator[Call]:
    for batch, d, n_components in ((40, 5, 3), (30, 4, 2), (50, 6, 5), (25, 3, 1), (35, 6, 4)):
        # Clearly separated variances along random orthogonal axes, far from the origin, so that
        # the answer is unique up to sign.
        axes = np.linalg.qr(rng.standard_normal((d, d)))[0]
        if batch == 35:
            # Along the coordinates, the smallest variance first: a method that does not sort shows.
            axes = np.eye(d)[::-1]
        spread = 3.0 * 0.6 ** np.arange(d)
        white = np.linalg.qr(rng.standard_normal((batch, d)))[0] * batch**0.5
        x = (white * spread) @ axes.T + 4.0 * draws.bias(rng, d)
        sizes = {"batch": batch, "d": d, "n_components": n_components}
        yield Call((x, n_components), axes=sizes)


def up_to_sign(implementation: Implementation, call: Call) -> Any:
    """The answer with each component turned so that its largest entry is positive.

    Components that stand in columns are turned there: else an answer that is only transposed
    would differ in chance signs, too, and its message would speak of them.
    """
    rows = implementation(*call.args)
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.size == 0:
        return rows  # another kind of answer: the comparison will say so
    if rows.dtype.kind != "f":
        return rows
    n_components = call.axes["n_components"]
    along = 0 if rows.shape[1] == n_components != rows.shape[0] else 1
    where = np.expand_dims(np.argmax(np.abs(rows), axis=along), along)
    return rows * np.where(np.take_along_axis(rows, where, axis=along) < 0, -1, 1)


def not_centred(x, n_components):
    return np.linalg.svd(x, full_matrices=False)[2][:n_components]


def centred_by_one_number(x, n_components):
    return np.linalg.svd(x - x.mean(), full_matrices=False)[2][:n_components]


def least_variance_first(x, n_components):
    _, vectors = np.linalg.eigh(np.cov(x.T))
    return vectors.T[:n_components]


def columns_of_eigenvectors(x, n_components):
    _, vectors = np.linalg.eigh(np.cov(x.T))
    return vectors[:, ::-1][:, :n_components]


def rows_of_eigenvectors(x, n_components):
    _, vectors = np.linalg.eigh(np.cov(x.T))
    return vectors[::-1][:n_components]


def columns_of_the_third_result(x, n_components):
    V = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2]
    return V[:, :n_components].T


def first_rows_of_eigenvectors(x, n_components):
    _, vectors = np.linalg.eigh(np.cov(x.T))
    return vectors[:n_components]


def columns_of_U(x, n_components):
    U = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[0]
    return U[:, :n_components].T


def rows_of_U(x, n_components):
    return np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[0][:n_components]


def scores_instead(x, n_components):
    centred = x - x.mean(axis=0)
    return centred @ np.linalg.svd(centred, full_matrices=False)[2][:n_components].T


def scaled_by_spread(x, n_components):
    _, spread, components = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    return (spread[:, None] * components)[:n_components]


def standardised_first(x, n_components):
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    return np.linalg.svd(standard, full_matrices=False)[2][:n_components]


def all_components(x, n_components):
    return np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2]


def components_by_eigh(x, n_components):
    _, vectors = np.linalg.eigh(np.cov(x, rowvar=False))
    return vectors[:, ::-1].T[:n_components]


def components_by_unsorted_eig(x, n_components):
    centred = x - x.mean(axis=0)
    values, vectors = np.linalg.eig(centred.T @ centred)
    return vectors[:, np.argsort(-values)[:n_components]].T


def components_by_power_iteration(x, n_components):
    left = np.cov(x.T)
    found: list[Any] = []
    for _ in range(n_components):
        v = np.ones(len(left)) / np.arange(1, len(left) + 1)
        for _ in range(400):
            v = left @ v
            for other in found:
                v = v - (v @ other) * other
            v = v / np.linalg.norm(v)
        found.append(v)
    return np.array(found)


EXERCISE = Exercise(
    id="03.principal_components",
    title="Principal components, to see them fail",
    reference=numpy_sae.principal_components,
    minutes=12,
    difficulty=3,
    hints=(
        "Variance is measured from the mean. What has to happen to the samples first? "
        "You wrote it in chapter 00.",
        "The singular value decomposition of the centred samples is U S Vᵀ. One of the three has "
        "the directions in it, already sorted. What are their shapes?",
        "`U, S, Vt = np.linalg.svd(centred, full_matrices=False)`. The rows of `Vt` have d "
        "entries each. Take the first few rows.",
    ),
    check=Check(
        draw_clouds,
        tested="five clouds far from the origin; either sign of a row is accepted",
        observe=up_to_sign,
        rtol=1e-4,
    ),
    mistakes=(
        Mistake(
            not_centred,
            "You did not centre. The first direction then points from the origin to the cloud, "
            "whatever the cloud's shape.",
        ),
        Mistake(
            centred_by_one_number,
            "You took one number, the mean of all entries, from everything. Each dimension has its "
            "own mean.",
        ),
        Mistake(
            least_variance_first,
            "These are the directions of least variance. `np.linalg.eigh` sorts from small to "
            "large; you want the other end.",
        ),
        Mistake(
            columns_of_eigenvectors,
            "Right directions, but as columns: your answer is [d, n_components] and should be "
            "[n_components, d].",
        ),
        Mistake(
            rows_of_eigenvectors,
            "`np.linalg.eigh` returns eigenvectors as columns, and you took rows. A row of that "
            "matrix mixes one entry of every eigenvector.",
        ),
        Mistake(
            scores_instead,
            "You returned the samples expressed in the components, one row a sample. Asked are the "
            "directions themselves, one row a component.",
        ),
        Mistake(
            scaled_by_spread,
            "The directions are right, but their lengths are the singular values. Rows of length "
            "one were promised.",
        ),
        Mistake(
            standardised_first,
            "You divided each dimension by its standard deviation first. That changes which "
            "directions have the most variance.",
        ),
        Mistake(
            all_components,
            "You returned all the components. Keep the first `n_components` of them.",
        ),
        Mistake(
            columns_of_the_third_result,
            "The third result of `np.linalg.svd` is Vᵀ, not V: the directions are its rows "
            "already. You took columns.",
        ),
        Mistake(
            first_rows_of_eigenvectors,
            "Two slips in one. `np.linalg.eigh` returns eigenvectors as columns, and you took "
            "rows; and it sorts from small to large, so the ones you want come last.",
        ),
        Mistake(
            columns_of_U,
            "You took U. Its columns have one entry for each sample: they say where the samples "
            "lie along a direction. The directions themselves have d entries.",
        ),
        Mistake(
            rows_of_U,
            "You took rows of U. A row of U belongs to a sample, not to a direction. Which of the "
            "three results has the directions?",
        ),
    ),
    alternatives=(components_by_eigh, components_by_unsorted_eig, components_by_power_iteration),
    why="It is the first tool that everyone reaches for, and you are about to see exactly why it "
    "cannot find more features than dimensions.",
)
