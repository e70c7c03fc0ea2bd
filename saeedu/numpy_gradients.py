"""The gradients of the sparse autoencoder's loss, by hand (derived in chapter 04).

The loss is mean over the batch of the summed squared error, plus the L1 penalty. Every gradient
has the shape of what it is the gradient of.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from saeedu.shapes import Array, shaped


def numerical_gradient(f: Callable[[Array], float], at: Array, eps: float = 1e-5) -> Array:
    """Gradient by central differences: nudge one number at a time, up and down.

    **Arguments:** `f`, from an array to a number; `at`, an array of any shape, left unchanged;
    `eps`, half the distance between the two points of each difference.
    **Returns:** an array of the shape of `at`, in units of `f` per unit of `at`.
    **Source:** Baydin et al. (2018), section 2.1: the error is of order eps squared, down to the
    eps at which rounding takes over.
    """
    at = np.array(at, dtype=np.float64)  # a copy: the nudges must not reach the caller's array
    grad = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        original = at[index]
        at[index] = original + eps
        above = f(at)
        at[index] = original - eps
        below = f(at)
        at[index] = original
        grad[index] = (above - below) / (2 * eps)
    return grad


@shaped(x_hat="batch d_in", x="batch d_in")
def grad_x_hat(x_hat: Array, x: Array) -> Array:
    """Gradient of the reconstruction loss with respect to the reconstruction.

    **Arguments:** `x_hat`, `x` [batch, d_in].
    **Returns:** [batch, d_in], in loss units per unit of `x_hat`.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** derived in chapter 04.
    """
    return 2 * (x_hat - x) / len(x)  # the loss is a mean over the batch, a sum over d_in


@shaped(x_hat="batch d_in", x="batch d_in", latents="batch d_sae")
def grad_W_dec(x_hat: Array, x: Array, latents: Array) -> Array:
    """Gradient of the loss with respect to the decoder.

    **Arguments:** `x_hat`, `x` [batch, d_in]; `latents` [batch, d_sae].
    **Returns:** [d_sae, d_in], in loss units per unit of weight.
    **Raises:** `ShapeError` when the batch axes differ.
    **Source:** derived in chapter 04.
    """
    error = x_hat - x
    return 2 / len(x) * latents.T @ error  # mean over the batch, sum over d_in


@shaped(x_hat="batch d_in", x="batch d_in", W_dec="d_sae d_in")
def grad_latents_reconstruction(x_hat: Array, x: Array, W_dec: Array) -> Array:
    """Gradient of the reconstruction loss with respect to the latents.

    **Arguments:** `x_hat`, `x` [batch, d_in]; `W_dec` [d_sae, d_in].
    **Returns:** [batch, d_sae], in loss units per unit of latent.
    **Raises:** `ShapeError` when the d_in axes differ.
    **Source:** derived in chapter 04.
    """
    error = x_hat - x
    return 2 / len(x) * error @ W_dec.T


@shaped(latents="batch d_sae")
def grad_latents_l1(latents: Array, l1_coefficient: float) -> Array:
    """Gradient of the L1 penalty with respect to the latents.

    **Arguments:** `latents` [batch, d_sae], never negative; `l1_coefficient`, the λ of the loss.
    **Returns:** [batch, d_sae]: zero where a latent is zero, by convention.
    **Raises:** `ShapeError` when `latents` is not two-dimensional.
    **Source:** derived in chapter 04.
    """
    return l1_coefficient * np.sign(latents) / len(latents)


@shaped(d_latents="batch d_sae", pre_acts="batch d_sae")
def grad_pre_acts(d_latents: Array, pre_acts: Array) -> Array:
    """Gradient of the loss with respect to the pre-activations: the ReLU's mask.

    **Arguments:** `d_latents` [batch, d_sae], the gradient with respect to the latents;
    `pre_acts` [batch, d_sae].
    **Returns:** [batch, d_sae]: `d_latents` where the pre-activation is above zero, else zero.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** derived in chapter 04; at the kink the gradient is zero, as in PyTorch.
    """
    return d_latents * (pre_acts > 0)


@shaped(x="batch d_in", b_dec="d_in", d_pre_acts="batch d_sae")
def grad_W_enc(x: Array, b_dec: Array, d_pre_acts: Array) -> Array:
    """Gradient of the loss with respect to the encoder.

    **Arguments:** `x` [batch, d_in]; `b_dec` [d_in]; `d_pre_acts` [batch, d_sae], the gradient
    with respect to the pre-activations.
    **Returns:** [d_in, d_sae], in loss units per unit of weight.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** derived in chapter 04.
    """
    return (x - b_dec).T @ d_pre_acts


@shaped(d_pre_acts="batch d_sae")
def grad_b_enc(d_pre_acts: Array) -> Array:
    """Gradient of the loss with respect to the encoder's bias.

    **Arguments:** `d_pre_acts` [batch, d_sae], the gradient with respect to the pre-activations.
    **Returns:** [d_sae], in loss units per unit of bias.
    **Raises:** `ShapeError` when `d_pre_acts` is not two-dimensional.
    **Source:** derived in chapter 04.
    """
    return d_pre_acts.sum(axis=0)


@shaped(x_hat="batch d_in", x="batch d_in", d_pre_acts="batch d_sae", W_enc="d_in d_sae")
def grad_b_dec(x_hat: Array, x: Array, d_pre_acts: Array, W_enc: Array) -> Array:
    """Gradient of the loss with respect to the decoder's bias, along both of its paths.

    **Arguments:** `x_hat`, `x` [batch, d_in]; `d_pre_acts` [batch, d_sae], the gradient with
    respect to the pre-activations; `W_enc` [d_in, d_sae].
    **Returns:** [d_in], in loss units per unit of bias.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** derived in chapter 04.
    """
    through_decoder = 2 / len(x) * (x_hat - x).sum(axis=0)
    through_encoder = -(d_pre_acts @ W_enc.T).sum(axis=0)  # minus: the encoder sees x - b_dec
    return through_decoder + through_encoder


@shaped(d_W_dec="d_sae d_in", W_dec="d_sae d_in")
def project_off_rows(d_W_dec: Array, W_dec: Array) -> Array:
    """Remove from each row of the gradient its part along the same row of the decoder.

    What is left is tangent to the sphere of rows with that norm: to first order, a step along it
    changes where a row points and not how long it is.

    **Arguments:** `d_W_dec`, `W_dec` [d_sae, d_in]; decoder rows of any length but zero.
    **Returns:** [d_sae, d_in], each row orthogonal to the same row of `W_dec`.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bricken et al. (2023), appendix "Advice for training".
    """
    unit = W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True)
    along = np.sum(d_W_dec * unit, axis=1, keepdims=True)
    return d_W_dec - along * unit
