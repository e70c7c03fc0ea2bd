"""Chapter 03's loss in PyTorch, and the gradients that autograd finds for it."""

from __future__ import annotations

import numpy as np
import torch

from saeedu.numpy_training import Parameters
from saeedu.shapes import Array, shaped


@shaped(x="batch d_in")
def autograd_gradients(x: Array, parameters: Parameters, l1_coefficient: float) -> Parameters:
    """Gradients of the whole loss with respect to all four parameters, found by PyTorch.

    The loss is chapter 03's: squared error, summed over d_in and averaged over the batch, plus
    `l1_coefficient` times the mean over the batch of the summed latents.

    **Arguments:** `x` [batch, d_in] and `parameters`, NumPy arrays in float64; `l1_coefficient`,
    the λ of the loss.
    **Returns:** gradients as `Parameters`, NumPy arrays in the shapes of the parameters.
    **Raises:** `ShapeError` when `x` is not two-dimensional.
    **Source:** the loss is that of Bricken et al. (2023).
    """
    samples = torch.tensor(x)
    tensors = [torch.tensor(part, requires_grad=True) for part in parameters]
    W_enc, b_enc, W_dec, b_dec = tensors
    latents = torch.relu((samples - b_dec) @ W_enc + b_enc)
    x_hat = latents @ W_dec + b_dec
    loss = ((x_hat - samples) ** 2).sum(dim=1).mean() + l1_coefficient * latents.sum(dim=1).mean()
    loss.backward()
    return Parameters(*[np.asarray(tensor.grad) for tensor in tensors])
