"""What λ means in other libraries, and what it would be in this course's loss.

Each function computes one library's published loss, in NumPy. Where the loss is a constant times
this course's, `Convention` has the factors; a test and a cell of chapter 05 check them.

This course: mean over the batch of (sum over d_in of the squared error) + λ · mean over the batch
of (sum over latents). Decoder rows have unit length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from saeedu.shapes import Array

Loss = Callable[[Array, Array, Array, Array, float], float]
"""Called with x [batch, d_in], x_hat, latents [batch, d_sae], W_dec [d_sae, d_in], coefficient."""


def course_loss(x: Array, x_hat: Array, latents: Array, W_dec: Array, coefficient: float) -> float:
    """This course's loss, chapters 03 to 05.

    **Source:** Bricken et al. (2023).
    """
    squared = np.sum((x_hat - x) ** 2, axis=1)
    return float(np.mean(squared + coefficient * np.sum(latents, axis=1)))


def saelens_loss(x: Array, x_hat: Array, latents: Array, W_dec: Array, coefficient: float) -> float:
    """SAELens' standard architecture: latents weighted by the length of their decoder row.

    **Source:** SAELens 6, `StandardTrainingSAE.calculate_aux_loss`; the weighting is that of
    Anthropic's April 2024 update.
    """
    squared = np.sum((x_hat - x) ** 2, axis=1)
    weighted = latents * np.linalg.norm(W_dec, axis=1)
    return float(np.mean(squared) + np.mean(coefficient * np.sum(weighted, axis=1)))


def arena_loss(x: Array, x_hat: Array, latents: Array, W_dec: Array, coefficient: float) -> float:
    """ARENA's exercises: the squared error is a mean over d_in, the latents are summed.

    **Source:** ARENA 3.0, chapter 1, the toy-model SAE of its superposition exercises.
    """
    squared = np.mean((x_hat - x) ** 2, axis=1)
    return float(np.mean(squared + coefficient * np.sum(latents, axis=1)))


def neel_nanda_loss(
    x: Array, x_hat: Array, latents: Array, W_dec: Array, coefficient: float
) -> float:
    """Neel Nanda's 1L-Sparse-Autoencoder: the error is a mean over the batch, the latents a sum.

    **Source:** the `forward` of its `AutoEncoder` (2023).
    """
    squared = np.sum((x_hat - x) ** 2, axis=1)
    return float(np.mean(squared) + coefficient * np.sum(latents))


def openai_loss(x: Array, x_hat: Array, latents: Array, W_dec: Array, coefficient: float) -> float:
    """OpenAI's sparse_autoencoder: both terms of each sample are divided by its own size.

    **Source:** `autoencoder_loss` of its loss.py (Gao et al., 2024).
    """
    squared = np.mean((x_hat - x) ** 2, axis=1) / np.mean(x**2, axis=1)
    penalty = np.sum(latents, axis=1) / np.linalg.norm(x, axis=1)
    return float(np.mean(squared) + coefficient * np.mean(penalty))


def dictionary_learning_loss(
    x: Array, x_hat: Array, latents: Array, W_dec: Array, coefficient: float
) -> float:
    """dictionary_learning's early `StandardTrainer`: the error is a length, not a squared length.

    **Source:** `StandardTrainer.loss` of its trainers/standard.py, as of commit daddac6.
    """
    lengths = np.linalg.norm(x - x_hat, axis=1)
    return float(np.mean(lengths) + coefficient * np.mean(np.sum(latents, axis=1)))


def later_dictionary_learning_loss(
    x: Array, x_hat: Array, latents: Array, W_dec: Array, coefficient: float
) -> float:
    """dictionary_learning's later `StandardTrainer`, which squares the error.

    **Source:** `StandardTrainer.loss` of its trainers/standard.py, as of commit cfb36ff, once its
    warm-up of the coefficient is over.
    """
    squared = np.sum((x - x_hat) ** 2, axis=1)
    return float(np.mean(squared) + coefficient * np.mean(np.sum(latents, axis=1)))


@dataclass(frozen=True)
class Convention:
    """How a library's coefficient becomes this course's λ."""

    library: str
    """Its name, with the version or the year of the code that was read."""
    loss: Loss
    coefficient_factor: Callable[[Array], float] | None
    """From a batch `x` to λ / coefficient; None when no λ gives the same optimum."""
    loss_factor: Callable[[Array], float] | None
    """From a batch `x` to the course's loss / the library's, at matching coefficients."""
    in_words: str
    """The factor, or why there is none."""


CONVENTIONS = (
    Convention("this course", course_loss, lambda x: 1.0, lambda x: 1.0, "1"),
    Convention(
        "SAELens 6",
        saelens_loss,
        lambda x: 1.0,
        lambda x: 1.0,
        "1, with decoder rows of unit length",
    ),
    Convention(
        "ARENA 3.0",
        arena_loss,
        lambda x: float(x.shape[1]),
        lambda x: float(x.shape[1]),
        "d_in",
    ),
    Convention(
        "1L-Sparse-Autoencoder (2023)",
        neel_nanda_loss,
        lambda x: float(x.shape[0]),
        lambda x: 1.0,
        "the batch size",
    ),
    Convention(
        "OpenAI (2024)",
        openai_loss,
        lambda x: _common_length(x),
        lambda x: _common_length(x) ** 2,
        "‖x‖, if all samples have one length; otherwise there is none",
    ),
    Convention(
        "dictionary_learning, early",
        dictionary_learning_loss,
        None,
        None,
        "none: its error is not squared",
    ),
    Convention(
        "dictionary_learning, later",
        later_dictionary_learning_loss,
        lambda x: 1.0,
        lambda x: 1.0,
        "1",
    ),
)


def to_course_lambda(convention: Convention, coefficient: float, x: Array) -> float:
    """The λ of this course's loss that asks for the same as a library's coefficient.

    **Arguments:** `convention`, of the library; `coefficient`, as given to it; `x` [batch, d_in],
    a batch of the size and scale that it was trained with.
    **Returns:** λ, in units of `x`.
    **Raises:** `ValueError` when there is no such λ.
    """
    if convention.coefficient_factor is None:
        raise ValueError(f"to_course_lambda: {convention.library} has no factor: "
                         f"{convention.in_words.removeprefix('none: ')}")  # fmt: skip
    return coefficient * convention.coefficient_factor(x)


def _common_length(x: Array) -> float:
    lengths = np.linalg.norm(x, axis=1)
    if np.ptp(lengths) > 1e-6 * lengths.max():
        raise ValueError(
            f"to_course_lambda: OpenAI's loss divides each sample by its own length, and these "
            f"range from {lengths.min():.3g} to {lengths.max():.3g}, so no single λ matches"
        )
    return float(lengths[0])
