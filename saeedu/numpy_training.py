"""Training the sparse autoencoder by hand: gradients in one pass, Adam, the unit-norm decoder.

The functions of chapter 05, in plain NumPy and without side effects. `numpy_fit` runs the same
arithmetic thousands of times.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from saeedu.numpy_gradients import (
    grad_b_dec,
    grad_b_enc,
    grad_latents_l1,
    grad_latents_reconstruction,
    grad_pre_acts,
    grad_W_dec,
    grad_W_enc,
    project_off_rows,
)
from saeedu.shapes import Array, shaped
from saeedu.warmup import unit_rows


class Parameters(NamedTuple):
    """All that an SAE learns. Gradients and Adam's averages come in the same four parts."""

    W_enc: Array
    """[d_in, d_sae]"""
    b_enc: Array
    """[d_sae]"""
    W_dec: Array
    """[d_sae, d_in], rows of unit length."""
    b_dec: Array
    """[d_in]"""


def initial_parameters(d_in: int, d_sae: int, rng: np.random.Generator) -> Parameters:
    """Random decoder rows of unit length, the encoder their transpose, both biases zero.

    **Arguments:** `d_in`, `d_sae`, the sizes; `rng`, which draws the rows.
    **Returns:** the parameters, in float64.
    **Source:** tying the encoder to the decoder at the start is Gao et al.'s (2024) advice: it
    leaves few latents dead.
    """
    W_dec = unit_rows(rng.standard_normal((d_sae, d_in)))
    return Parameters(W_dec.T.copy(), np.zeros(d_sae), W_dec, np.zeros(d_in))


@shaped(x="batch d_in")
def sae_gradients(x: Array, parameters: Parameters, l1_coefficient: float) -> Parameters:
    """Gradients of the whole loss with respect to all four parameters, in one pass.

    **Arguments:** `x` [batch, d_in]; `parameters`, the SAE; `l1_coefficient`, the λ of the loss.
    **Returns:** gradients as `Parameters`: each part has the shape of the part that it belongs to.
    Nothing is projected yet.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** chapter 04, put together.
    """
    W_enc, b_enc, W_dec, b_dec = parameters
    pre_acts = (x - b_dec) @ W_enc + b_enc
    latents = np.maximum(pre_acts, 0)
    x_hat = latents @ W_dec + b_dec
    d_reconstruction = grad_latents_reconstruction(x_hat, x, W_dec)
    d_latents = d_reconstruction + grad_latents_l1(latents, l1_coefficient)
    d_pre_acts = grad_pre_acts(d_latents, pre_acts)
    return Parameters(
        W_enc=grad_W_enc(x, b_dec, d_pre_acts),
        b_enc=grad_b_enc(d_pre_acts),
        W_dec=grad_W_dec(x_hat, x, latents),
        b_dec=grad_b_dec(x_hat, x, d_pre_acts, W_enc),
    )


def adam_step(
    parameter: Array,
    gradient: Array,
    mean: Array,
    mean_square: Array,
    step: int,
    learning_rate: float,
) -> tuple[Array, Array, Array]:
    """One step of Adam, with the usual β₁ = 0.9, β₂ = 0.999 and ε = 1e-8.

    **Arguments:** `parameter` and its `gradient`, of one shape; `mean` and `mean_square`, the
    running averages of the gradient and of its square up to now, of the same shape (all zero
    before the first step); `step`, counted from 1; `learning_rate`, in units of the parameter.
    **Returns:** the new parameter, the new mean and the new mean square. The arguments stay as
    they are.
    **Source:** Kingma and Ba (2015), algorithm 1.
    """
    mean = 0.9 * mean + 0.1 * gradient
    mean_square = 0.999 * mean_square + 0.001 * gradient**2
    unbiased_mean = mean / (1 - 0.9**step)  # both averages started at zero: undo that
    unbiased_square = mean_square / (1 - 0.999**step)
    change = learning_rate * unbiased_mean / (np.sqrt(unbiased_square) + 1e-8)
    return parameter - change, mean, mean_square


@shaped(W_dec="d_sae d_in", gradient="d_sae d_in")
def decoder_step(
    W_dec: Array,
    gradient: Array,
    mean: Array,
    mean_square: Array,
    step: int,
    learning_rate: float,
) -> tuple[Array, Array, Array]:
    """One step of Adam on the decoder, after which every row has unit length.

    **Arguments:** `W_dec` and its `gradient` [d_sae, d_in]; `mean`, `mean_square`, `step` and
    `learning_rate` as for `adam_step`.
    **Returns:** the new decoder, the new mean and the new mean square.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bricken et al. (2023), appendix "Advice for training".
    """
    tangent = project_off_rows(gradient, W_dec)
    W_dec, mean, mean_square = adam_step(W_dec, tangent, mean, mean_square, step, learning_rate)
    # The step left the sphere all the same: it was finite, and Adam had bent it.
    return unit_rows(W_dec), mean, mean_square


def l1_warm_up(step: int, warm_up_steps: int, l1_coefficient: float) -> float:
    """The λ of a step: a straight line up to its final value, then constant.

    **Arguments:** `step`, counted from 1; `warm_up_steps`, the step at which the final value is
    reached, 0 for no warm-up; `l1_coefficient`, the final value.
    **Returns:** a number between 0 and `l1_coefficient`.
    **Source:** Anthropic's April 2024 update raises λ over the first 5% of the training.
    """
    if step >= warm_up_steps:
        return l1_coefficient
    return l1_coefficient * step / warm_up_steps


@shaped(silence="d_sae", latents="batch d_sae")
def update_silence(silence: Array, latents: Array) -> Array:
    """How many steps in a row each latent has been off for a whole batch.

    **Arguments:** `silence` [d_sae], the count before this step; `latents` [batch, d_sae], of
    this step.
    **Returns:** [d_sae]: 0 for a latent that is on in any sample, one more than before otherwise.
    **Raises:** `ShapeError` when the axes disagree.
    """
    fired = np.any(latents > 0, axis=0)
    return np.where(fired, 0, silence + 1)
