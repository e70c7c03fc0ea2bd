"""Inputs for the checks of chapter 09 that are about a run: its sizes, its steps, its illnesses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from saeedu import sick_runs
from saeedu.course.ch09_training_on_gpt2.draws import tensor
from saeedu.grading.exercise import Call
from saeedu.sae import SAE, ReLUSAE, TopKSAE
from saeedu.train_config import TrainConfig


def runs(rng: np.random.Generator) -> Iterator[Call]:
    """Sizes at which nothing divides evenly, and one at which everything does.

    The nearest whole number lies once below and once above each quotient, so that rounding to the
    nearest, down and up are three different things for activations and for contexts.
    """
    for passes, context, activations_up, contexts_up in (
        (3, 128, False, True),
        (4, 64, True, False),
        (7, 33, False, False),
    ):
        while True:
            n_steps, batch_size = (int(n) for n in rng.integers(100, 900, 2))
            over = n_steps * batch_size % passes / passes
            activations = n_steps * batch_size // passes + 1
            rest = activations % (context - 1)  # not near 0 or a half: one less changes nothing
            clear = 0 < over != 0.5 and rest > 2 and abs(2 * rest - context) > 2
            if clear and (over > 0.5, 2 * rest > context) == (activations_up, contexts_up):
                break
        d_in, d_sae = int(rng.integers(30, 90)), int(rng.integers(200, 900))
        yield Call((n_steps, batch_size, passes, context, d_in, d_sae))
    yield Call((100, 62, 2, 32, 16, 64), note="here every division comes out even")


def adam(parameters: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
    """Chapter 05's optimiser."""
    return torch.optim.Adam(parameters, lr=lr)


def sgd(parameters: Iterable[Tensor], lr: float) -> torch.optim.Optimizer:
    """Plain gradient descent, in which the length of a gradient matters at the first step too."""
    return torch.optim.SGD(parameters, lr=lr)


def steps(rng: np.random.Generator) -> Iterator[Call]:
    """Small SAEs of two kinds in the middle of their schedules; batches in a model's own units.

    The optimiser is given as a function that makes one: each SAE needs its own.
    """
    schedules = {"n_steps": 9, "lr_warmup_steps": 5, "l1_warmup_steps": 6, "lr_decay_steps": 3}
    # Adam divides a gradient's length away again, so clipping is tested with plain descent too.
    clipped = TrainConfig(**schedules, lr=0.03, max_grad_norm=0.7)
    clipped_less = TrainConfig(**schedules, lr=0.03, max_grad_norm=1.6)
    longer_limit = TrainConfig(**schedules, lr=0.002, max_grad_norm=900.0)
    unclipped = TrainConfig(n_steps=8, lr=0.02, l1_warmup_steps=7, lr_decay_steps=8)
    for architecture, optimizer, settings, step in (
        (ReLUSAE, adam, clipped, 1),
        (TopKSAE, sgd, clipped_less, 2),
        (ReLUSAE, sgd, clipped, 2),
        (TopKSAE, sgd, longer_limit, 1),
        (TopKSAE, adam, clipped, 2),
        (TopKSAE, sgd, unclipped, 3),
        (ReLUSAE, sgd, unclipped, 0),
    ):
        batch, d_in, d_sae = 9, 5, 12
        sae = _random_sae(architecture, d_in, d_sae, rng)
        x = tensor(6 * rng.standard_normal((batch, d_in)) + 4)
        yield Call(
            (sae, optimizer, x, float(rng.uniform(0.2, 0.3)), settings, step),
            axes={"batch": batch, "d_in": d_in, "d_sae": d_sae},
        )


def _random_sae(architecture: type[SAE], d_in: int, d_sae: int, rng: np.random.Generator) -> SAE:
    special = {"l1_coefficient": 0.8} if architecture is ReLUSAE else {"k": 4}
    sae = architecture(d_in, d_sae, seed=int(rng.integers(1_000)), **special).double()
    with torch.no_grad():
        sae.b_dec.copy_(tensor(rng.uniform(0.5, 1.0, d_in)))
        for name in sae.encoder_biases:
            getattr(sae, name).copy_(tensor(rng.uniform(0.1, 0.4, d_sae)))
        if architecture is ReLUSAE:
            sae.W_dec.mul_(tensor(rng.uniform(3.0, 12.0, (d_sae, 1))))
    return sae


def weights_of(sae: SAE) -> dict[str, Tensor]:
    """Copies of an SAE's weights by name."""
    return {name: parameter.detach().clone() for name, parameter in sae.named_parameters()}


def letters(rng: np.random.Generator) -> Iterator[Call]:
    """The runs of the gallery, one after the other: there is nothing to draw."""
    for letter in sick_runs.LETTERS:
        yield Call((letter,))
