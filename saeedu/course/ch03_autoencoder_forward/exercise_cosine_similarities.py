"""Exercise 03.cosine_similarities: compare every direction with every other."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu import numpy_sae
from saeedu.course.ch03_autoencoder_forward import draws
from saeedu.grading.exercise import Call, Check, Exercise, Mistake
from saeedu.numpy_sae import cosine_similarities as cosines


def draw_two_dictionaries(rng: np.random.Generator) -> Iterator[Call]:
    for n_a, n_b, d in ((5, 8, 3), (4, 2, 6), (7, 3, 5), (1, 4, 2)):
        A, B = draws.decoder(rng, n_a, d), draws.decoder(rng, n_b, d)
        yield Call((A, B), axes={"n_a": n_a, "n_b": n_b, "d": d})


def dot_products(A, B):
    return A @ B.T


def only_A_scaled(A, B):
    return A / np.linalg.norm(A, axis=1, keepdims=True) @ B.T


def only_B_scaled(A, B):
    return A @ (B / np.linalg.norm(B, axis=1, keepdims=True)).T


def columns_scaled(A, B):
    return A / np.linalg.norm(A, axis=0) @ (B / np.linalg.norm(B, axis=0)).T


def whole_arrays_scaled(A, B):
    return A @ B.T / (np.linalg.norm(A) * np.linalg.norm(B))


def squared_norms(A, B):
    return A @ B.T / np.outer(np.sum(A**2, axis=1), np.sum(B**2, axis=1))


def rows_and_columns_swapped(A, B):
    return cosines(B, A)


def sign_lost(A, B):
    return np.abs(cosines(A, B))


def angles(A, B):
    return np.arccos(np.clip(cosines(A, B), -1, 1))


def distances(A, B):
    return 1 - cosines(A, B)


def second_array_not_transposed(A, B):
    return (
        A
        / np.linalg.norm(A, axis=1, keepdims=True)
        @ (B / np.linalg.norm(B, axis=1, keepdims=True))
    )


def whole_B_scaled(A, B):
    return A / np.linalg.norm(A, axis=1, keepdims=True) @ (B / np.linalg.norm(B)).T


def lengths_multiplied_without_a_table(A, B):
    return A @ B.T / (np.linalg.norm(A, axis=1) * np.linalg.norm(B, axis=1))


def lengths_lined_up_with_columns(A, B):
    return A / np.linalg.norm(A, axis=1, keepdims=True) @ (B / np.linalg.norm(B, axis=1)).T


def cosines_in_loops(A, B):
    return np.array([[np.dot(a, b) / (np.dot(a, a) * np.dot(b, b)) ** 0.5 for b in B] for a in A])


def cosines_with_einsum(A, B):
    products = np.einsum("id,jd->ij", A, B)
    return products / np.linalg.norm(A, axis=1)[:, None] / np.linalg.norm(B, axis=1)


def cosines_in_float32(A, B):
    A, B = A.astype(np.float32), B.astype(np.float32)
    return A @ B.T / np.outer(np.linalg.norm(A, axis=1), np.linalg.norm(B, axis=1))


EXERCISE = Exercise(
    id="03.cosine_similarities",
    title="Compare every direction with every other",
    reference=numpy_sae.cosine_similarities,
    minutes=5,
    difficulty=1,
    hints=(
        "The first of three lines is given. What does it do to A, and who else needs that?",
        "Between unit vectors, the cosine is the dot product. You need the dot product of every "
        "row of one array with every row of the other, in one stroke.",
        "`M @ N.T` holds the dot product of row i of M with row j of N at [i, j].",
    ),
    scaffold="A_unit = A / np.linalg.norm(A, axis=1, keepdims=True)  # rows of length one",
    check=Check(
        draw_two_dictionaries,
        tested="four pairs of arrays, with rows of all lengths and a different number of rows each",
    ),
    mistakes=(
        Mistake(
            dot_products,
            "These are dot products: they grow with the length of the rows. A cosine knows "
            "direction alone, and nothing here has been divided by a length.",
        ),
        Mistake(
            only_A_scaled,
            "Only the rows of A have been brought to length one. The rows of B still carry their "
            "lengths into the result, so some of your cosines can exceed 1.",
        ),
        Mistake(
            only_B_scaled,
            "Only the rows of B have been brought to length one. The rows of A still carry their "
            "lengths into the result. Is the line that was given still in use?",
        ),
        Mistake(
            columns_scaled,
            "You scaled the columns to length one. A direction is a row, so its length is taken "
            "along axis 1.",
        ),
        Mistake(
            whole_arrays_scaled,
            "You divided by the norm of each whole array. Without an axis, `np.linalg.norm` treats "
            "a matrix as one long vector; each row has its own length.",
        ),
        Mistake(
            squared_norms,
            "You divided by squared lengths. The dot product carries each length once, so it is "
            "divided by each length once.",
        ),
        Mistake(
            rows_and_columns_swapped,
            "Right cosines, turned round: entry [i, j] should belong to row i of A and row j of B.",
        ),
        Mistake(
            sign_lost,
            "The signs are gone. Opposite directions have cosine -1, and for an autoencoder that "
            "only ever adds its rows, opposite is not the same.",
        ),
        Mistake(
            angles,
            "These are angles in radians. Asked for is the cosine itself: 1 for parallel, "
            "0 for orthogonal.",
        ),
        Mistake(
            distances,
            "This is the cosine distance, one minus the cosine: parallel rows give 0 here and "
            "should give 1.",
        ),
        Mistake(
            second_array_not_transposed,
            "[n_a, d] times [n_b, d] does not fit: the inner axes have to be the same one. "
            "Turn one of the two arrays.",
        ),
        Mistake(
            lengths_lined_up_with_columns,
            "The lengths have shape [n_b], and NumPy set them against the columns. Compare with "
            "the line that was given for A: what does it keep?",
        ),
        Mistake(
            whole_B_scaled,
            "The rows of A are right, but B was divided by one number: without an axis, "
            "`np.linalg.norm` measures the whole of it. Do with B what the given line does with A.",
        ),
        Mistake(
            lengths_multiplied_without_a_table,
            "The lengths have shapes [n_a] and [n_b], and you multiplied them entry by entry. Each "
            "pair of rows needs its own product: a table of shape [n_a, n_b], which `np.outer` "
            "makes.",
        ),
    ),
    alternatives=(cosines_in_loops, cosines_with_einsum, cosines_in_float32),
    why="One small matrix answers three questions in this course: do features overlap, has a "
    "feature been found, and do two autoencoders agree?",
)
