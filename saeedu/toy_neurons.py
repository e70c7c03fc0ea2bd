"""Toy models with a ReLU on the hidden layer, so that hidden dimensions are neurons (chapter 02).

Shapes as in `toy_model`. Row k of an instance of `W` holds the weights of neuron k.
"""

from __future__ import annotations

import numpy as np

from saeedu.shapes import Array, shaped
from saeedu.toy_model import grad_outputs
from saeedu.toy_training import ToyModel


@shaped(x="n_instances batch n", W="n_instances m n", b="n_instances n")
def neuron_forward(x: Array, W: Array, b: Array) -> Array:
    """Squeeze n features into m neurons and read them back: a ReLU on both layers.

    **Arguments:** `x` [n_instances, batch, n]; `W` [n_instances, m, n]; `b` [n_instances, n].
    **Returns:** x_hat [n_instances, batch, n], in the units of `x`, never negative:
    relu(W^T relu(W x) + b) for each sample.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Elhage et al. (2022), "Superposition in a Privileged Basis".
    """
    neurons = np.maximum(x @ W.transpose(0, 2, 1), 0)  # [n_instances, batch, m]
    return np.maximum(neurons @ W + b[:, None, :], 0)


@shaped(x="n_instances batch n", W="n_instances m n", b="n_instances n")
def neuron_gradients(x: Array, W: Array, b: Array, importance: Array) -> tuple[Array, Array]:
    """Gradients of the loss of the model with neurons, with respect to `W` and `b`.

    The model is x_hat = relu(W^T relu(W x) + b) for each sample. The loss is the mean over the
    batch of the sum over features of importance times squared error.

    **Arguments:** `x` [n_instances, batch, n]; `W` [n_instances, m, n]; `b` [n_instances, n];
    `importance` [n] or [n_instances, n].
    **Returns:** `(dW, db)`, of the shapes of `W` and `b`, in loss units per unit of each.
    **Raises:** `ShapeError` when the axes disagree; `ValueError` for a negative importance.
    **Source:** derived in chapter 02; at a kink the ReLU's slope is taken as zero.
    """
    neurons = np.maximum(x @ W.transpose(0, 2, 1), 0)  # [n_instances, batch, m]
    x_hat = np.maximum(neurons @ W + b[:, None, :], 0)
    d_out = grad_outputs(x_hat, x, importance) * (x_hat > 0)
    d_neurons = d_out @ W.transpose(0, 2, 1) * (neurons > 0)  # a silent neuron passes nothing
    dW = neurons.transpose(0, 2, 1) @ d_out + d_neurons.transpose(0, 2, 1) @ x
    return dW, d_out.sum(axis=1)


NEURONS = ToyModel(neuron_forward, neuron_gradients)
"""For `train_toy`: the model with a ReLU on its hidden layer."""


@shaped(W="n_instances m n")
def selectivity(W: Array) -> Array:
    """How far each neuron belongs to one feature: 1 for a monosemantic neuron.

    Features are never negative, so that only positive weights turn a neuron on. For each neuron:
    the largest of its positive weights, squared, divided by the sum of the squares of all its
    positive weights. A neuron without a positive weight belongs to no feature: its entry is 0.

    **Arguments:** `W` [n_instances, m, n], a neuron a row.
    **Returns:** [n_instances, m], between 1/n and 1, or 0 for a neuron without positive weights.
    **Raises:** `ShapeError` when `W` does not have three axes.
    **Source:** chapter 02; Elhage et al. (2022) show the same as a picture of stacked weights.
    """
    squared = np.maximum(W, 0) ** 2  # a negative weight can only silence the neuron
    total = squared.sum(axis=2)
    return squared.max(axis=2) / np.where(total > 0, total, 1)
