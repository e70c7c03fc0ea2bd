"""Gradient descent for any set of batched parameters; used where `train_toy` does not fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from saeedu.shapes import Array
from saeedu.toy_training import Adam

Parameters = tuple[Array, ...]


def descend(
    start: Parameters, gradients: Callable[[Parameters], Parameters], n_steps: int, lr: float
) -> Parameters:
    """Follow the gradients with Adam, the learning rate falling along half a cosine to nothing.

    **Arguments:** `start`, arrays, left unchanged; `gradients`, from the parameters to their
    gradients, in the same order; it draws its own samples, anew at each call; `n_steps`; `lr`,
    the first learning rate.
    **Returns:** the parameters at the end.
    **Raises:** `ValueError` for settings that cannot be; `FloatingPointError`, naming the step,
    when a parameter is no longer a finite number.
    **Source:** Kingma and Ba (2015) for Adam.
    """
    if n_steps < 1:
        raise ValueError(f"descend: n_steps must be at least 1, but it is {n_steps}")
    if not (lr > 0 and np.isfinite(lr)):
        raise ValueError(f"descend: lr must be a positive number, but it is {lr}")
    parameters = start
    adams = [Adam(parameter) for parameter in parameters]
    with np.errstate(over="ignore", invalid="ignore"):  # said below, with the step
        for step in range(n_steps):
            rate = lr * (1 + np.cos(np.pi * step / n_steps)) / 2
            directions = [
                adam.direction(gradient)
                for adam, gradient in zip(adams, gradients(parameters), strict=True)
            ]
            parameters = tuple(
                parameter - rate * direction
                for parameter, direction in zip(parameters, directions, strict=True)
            )
            if not all(np.all(np.isfinite(parameter)) for parameter in parameters):
                raise FloatingPointError(
                    f"descend: a parameter is no longer a finite number after step {step + 1}; "
                    f"lr={lr:g} is too large, try a tenth"
                )
    return parameters
