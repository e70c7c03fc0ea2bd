"""The sparse autoencoder in NumPy: forward pass, loss, and measures (chapter 03).

Rows are samples throughout. The gradients, derived in chapter 04, are in `numpy_gradients`.
"""

from __future__ import annotations

import numpy as np

from saeedu.shapes import Array, shaped


@shaped(x="batch d_in", W_enc="d_in d_sae", b_enc="d_sae", b_dec="d_in")
def encode(x: Array, W_enc: Array, b_enc: Array, b_dec: Array) -> Array:
    """Turn activations into latents: centre, project, shift, and keep what is positive.

    **Arguments:** `x` [batch, d_in]; `W_enc` [d_in, d_sae]; `b_enc` [d_sae]; `b_dec` [d_in].
    **Returns:** latents [batch, d_sae], never negative.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bricken et al. (2023), "Towards Monosemanticity", appendix on the autoencoder.
    """
    pre_acts = (x - b_dec) @ W_enc + b_enc
    return np.maximum(pre_acts, 0)


@shaped(latents="batch d_sae", W_dec="d_sae d_in", b_dec="d_in")
def decode(latents: Array, W_dec: Array, b_dec: Array) -> Array:
    """Rebuild activations as a weighted sum of the decoder's rows, plus the bias.

    **Arguments:** `latents` [batch, d_sae]; `W_dec` [d_sae, d_in]; `b_dec` [d_in].
    **Returns:** `x_hat` [batch, d_in].
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bricken et al. (2023), appendix on the autoencoder.
    """
    return latents @ W_dec + b_dec


@shaped(x_hat="batch d_in", x="batch d_in")
def reconstruction_loss(x_hat: Array, x: Array) -> float:
    """Mean over the batch of the squared distance between `x_hat` and `x`.

    **Arguments:** `x_hat`, `x` [batch, d_in].
    **Returns:** a number, in squared units of `x`: summed over d_in, averaged over the batch.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bricken et al. (2023); libraries differ in sum or mean over d_in, see chapter 05.
    """
    return float(np.mean(np.sum((x_hat - x) ** 2, axis=1)))


@shaped(latents="batch d_sae")
def l1_penalty(latents: Array, l1_coefficient: float) -> float:
    """Price of activity: the coefficient times the mean over the batch of the summed latents.

    **Arguments:** `latents` [batch, d_sae], never negative; `l1_coefficient`, the λ of the loss.
    **Returns:** a number, in loss units.
    **Raises:** `ShapeError` when `latents` is not two-dimensional.
    **Source:** Bricken et al. (2023), who also keep decoder rows at length one, so that the price
    cannot be cheated; that is done in training (chapter 04), not here.
    """
    return float(l1_coefficient * np.mean(np.sum(np.abs(latents), axis=1)))


@shaped(latents="batch d_sae")
def l0(latents: Array) -> float:
    """Mean number of latents that are active in a sample.

    **Arguments:** `latents` [batch, d_sae].
    **Returns:** a number between 0 and d_sae.
    **Raises:** `ShapeError` when `latents` is not two-dimensional.
    **Source:** the field's usual measure of sparsity, e.g. Rajamanoharan et al. (2024).
    """
    return float(np.mean(np.sum(latents > 0, axis=1)))


@shaped(x_hat="batch d_in", x="batch d_in")
def fraction_of_variance_unexplained(x_hat: Array, x: Array) -> float:
    """Squared error as a fraction of the squared distance to the batch's mean (FVU).

    **Arguments:** `x_hat`, `x` [batch, d_in].
    **Returns:** 0 for a perfect reconstruction, 1 for one no better than the mean; can exceed 1.
    Undefined (nan or inf) when all samples are the same, since nothing varies.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** one minus the explained variance; Gao et al. (2024) call FVU the normalised MSE.
    """
    residual = np.sum((x_hat - x) ** 2)
    total = np.sum((x - x.mean(axis=0)) ** 2)
    return float(residual / total)


@shaped(x="batch d_in", W_enc="d_in d_sae", b_enc="d_sae", W_dec="d_sae d_in", b_dec="d_in")
def sae_loss(
    x: Array, W_enc: Array, b_enc: Array, W_dec: Array, b_dec: Array, l1_coefficient: float
) -> float:
    """Run the whole autoencoder on a batch: reconstruction loss plus L1 penalty.

    **Arguments:** `x` [batch, d_in]; `W_enc` [d_in, d_sae]; `b_enc` [d_sae];
    `W_dec` [d_sae, d_in]; `b_dec` [d_in]; `l1_coefficient`, the λ of the loss.
    **Returns:** a number, in squared units of `x`.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bricken et al. (2023). That decoder rows have length one is left to training.
    """
    latents = encode(x, W_enc, b_enc, b_dec)
    x_hat = decode(latents, W_dec, b_dec)
    return reconstruction_loss(x_hat, x) + l1_penalty(latents, l1_coefficient)


@shaped(A="n_a d", B="n_b d")
def cosine_similarities(A: Array, B: Array) -> Array:
    """Cosine of the angle between every row of `A` and every row of `B`.

    **Arguments:** `A` [n_a, d]; `B` [n_b, d]; no row is zero, and rows may have any length.
    **Returns:** [n_a, n_b], each entry between -1 and 1.
    **Raises:** `ShapeError` when the axes disagree.
    """
    A_unit = A / np.linalg.norm(A, axis=1, keepdims=True)
    B_unit = B / np.linalg.norm(B, axis=1, keepdims=True)
    return A_unit @ B_unit.T


@shaped(features="n_features d", dictionary="n_rows d")
def mmcs(features: Array, dictionary: Array) -> float:
    """Mean max cosine similarity: how well each true feature is found, on average.

    For every feature take the cosine of its best match in the dictionary, then average.

    **Arguments:** `features` [n_features, d], the ground truth; `dictionary` [n_rows, d].
    **Returns:** a number, at most 1; 1 when every feature has a parallel dictionary row.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Sharkey, Braun and Millidge (2022).
    """
    return float(np.mean(np.max(cosine_similarities(features, dictionary), axis=1)))


@shaped(x="batch d")
def principal_components(x: Array, n_components: int) -> Array:
    """Directions in which the samples vary most, largest variance first.

    **Arguments:** `x` [batch, d]; `n_components`, at most d.
    **Returns:** [n_components, d], orthogonal rows of unit length; the sign of a row is arbitrary.
    **Raises:** `ShapeError` when `x` is not two-dimensional.
    **Source:** Pearson (1901); in this form, any linear algebra text on the singular value
    decomposition.
    """
    centred = x - x.mean(axis=0)
    _, _, components = np.linalg.svd(centred, full_matrices=False)  # rows, by falling variance
    return components[:n_components]
