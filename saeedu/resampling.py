"""Giving dead latents a second life, in two ways (chapter 05).

Both reinitialise a dead latent's weights and forget what Adam remembers of it; they differ in
where they point it. A scheme has the signature of `resample_at_random`, so that `fit` takes either.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from saeedu.numpy_sae import decode, encode
from saeedu.numpy_training import Parameters
from saeedu.shapes import Array, ShapeError, shaped
from saeedu.warmup import unit_rows

Revived = tuple[Parameters, Parameters, Parameters]
"""New parameters, and new running means of Adam: of the gradient, and of its square."""

Scheme = Callable[
    [Parameters, Parameters, Parameters, NDArray[np.bool_], Array, float, np.random.Generator],
    Revived,
]
"""Called with parameters, mean, mean_square, dead [d_sae], x [n, d_in], l1_coefficient, rng."""


@shaped(losses="n")
def resampling_probabilities(losses: Array) -> Array:
    """How likely each input is to become a dead latent's new direction: as its loss, squared.

    **Arguments:** `losses` [n], one for each input, never negative, not all zero.
    **Returns:** [n], which sum to 1.
    **Raises:** `ShapeError` when `losses` is not one-dimensional.
    **Source:** Bricken et al. (2023), appendix "Neuron resampling".
    """
    return losses**2 / np.sum(losses**2)


@shaped(dead="d_sae", directions="n_dead d_in")
def reinitialise_latents(
    parameters: Parameters,
    mean: Parameters,
    mean_square: Parameters,
    dead: NDArray[np.bool_],
    directions: Array,
) -> tuple[Parameters, Parameters, Parameters]:
    """Point dead latents in new directions, and let Adam forget them.

    Decoder rows become the directions at unit length. Encoder columns become the same at 0.2
    times the mean length of the living latents' columns. Encoder biases become zero. The running
    averages of all three become zero for these latents. All else stays.

    **Arguments:** `parameters`; `mean` and `mean_square`, Adam's averages for them; `dead`
    [d_sae], True for a dead latent, with at least one alive; `directions` [n_dead, d_in], one for
    each dead latent in order, of any length but zero.
    **Returns:** new parameters, mean and mean square. The arguments stay as they are.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bricken et al. (2023), appendix "Neuron resampling".
    """
    new, new_mean, new_square = [
        Parameters(*[part.copy() for part in parts]) for parts in (parameters, mean, mean_square)
    ]
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    living = np.linalg.norm(parameters.W_enc[:, ~dead], axis=0).mean()
    new.W_dec[dead] = unit
    new.W_enc[:, dead] = 0.2 * living * unit.T
    new.b_enc[dead] = 0
    for average in (new_mean, new_square):
        average.W_dec[dead] = 0
        average.W_enc[:, dead] = 0
        average.b_enc[dead] = 0
    return new, new_mean, new_square


@shaped(x="n d_in")
def sample_losses(x: Array, parameters: Parameters, l1_coefficient: float) -> Array:
    """The loss of each sample on its own: squared error plus λ times the sum of its latents.

    **Arguments:** `x` [n, d_in]; `parameters`; `l1_coefficient`, the λ of the loss.
    **Returns:** [n], whose mean is the loss of the batch.
    **Raises:** `ShapeError` when the axes disagree.
    """
    latents = encode(x, parameters.W_enc, parameters.b_enc, parameters.b_dec)
    x_hat = decode(latents, parameters.W_dec, parameters.b_dec)
    return np.sum((x_hat - x) ** 2, axis=1) + l1_coefficient * latents.sum(axis=1)


@shaped(dead="d_sae", x="n d_in")
def resample_at_random(
    parameters: Parameters,
    mean: Parameters,
    mean_square: Parameters,
    dead: NDArray[np.bool_],
    x: Array,
    l1_coefficient: float,
    rng: np.random.Generator,
) -> Revived:
    """Point every dead latent in a random direction. `x` and λ are not looked at.

    **Arguments:** `parameters`; `mean` and `mean_square`, Adam's averages; `dead` [d_sae], True
    for a dead latent; `x` [n, d_in]; `l1_coefficient`; `rng`, which draws the directions.
    **Returns:** new parameters, mean and mean square.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` when every latent is dead.
    **Source:** the simplest scheme there is; the course by ARENA (2024) calls it simple
    resampling.
    """
    _require_living(dead)
    directions = unit_rows(rng.standard_normal((int(np.sum(dead)), x.shape[1])))
    return reinitialise_latents(parameters, mean, mean_square, dead, directions)


@shaped(dead="d_sae", x="n d_in")
def resample_by_loss(
    parameters: Parameters,
    mean: Parameters,
    mean_square: Parameters,
    dead: NDArray[np.bool_],
    x: Array,
    l1_coefficient: float,
    rng: np.random.Generator,
) -> Revived:
    """Point every dead latent at an input that the SAE explains badly.

    The new direction is the input less `b_dec`, which is what the encoder sees; the source takes
    the input itself.

    **Arguments:** `parameters`; `mean` and `mean_square`, Adam's averages; `dead` [d_sae], True
    for a dead latent; `x` [n, d_in], from which the inputs are drawn; `l1_coefficient`, the λ of
    the loss; `rng`, which draws them.
    **Returns:** new parameters, mean and mean square.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` when every latent is dead, or no
    input has a loss.
    **Source:** Bricken et al. (2023), appendix "Neuron resampling".
    """
    _require_living(dead)
    away = x - parameters.b_dec  # what the encoder sees, and what the decoder adds to b_dec
    losses = sample_losses(x, parameters, l1_coefficient).astype(np.float64)
    losses[np.linalg.norm(away, axis=1) == 0] = 0  # no direction to point in
    if not losses.any():
        raise ValueError(
            "resample_by_loss: no input has any loss, so there is nothing for a latent to explain"
        )
    chosen = rng.choice(len(x), size=int(np.sum(dead)), p=resampling_probabilities(losses))
    return reinitialise_latents(parameters, mean, mean_square, dead, away[chosen])


def _require_living(dead: NDArray[np.bool_]) -> None:
    if not np.asarray(dead).dtype == np.bool_:
        raise ShapeError(f"resampling: dead must be an array of bool, not {np.asarray(dead).dtype}")
    if np.all(dead):
        raise ValueError(
            f"resampling: all {len(dead)} latents are dead, so none is left to take a length "
            f"from; lower l1_coefficient or learning_rate and start again"
        )
