"""Exercise 07.gated_latents: one path says whether, the other how strongly."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.sae import gated


def exp_forgotten(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products * r_mag + b_mag) * (gate > 0), torch.relu(gate)


def never_gated(products, b_gate, r_mag, b_mag):
    return torch.relu(products * r_mag.exp() + b_mag), torch.relu(products + b_gate)


def times_the_gate(products, b_gate, r_mag, b_mag):
    gate = torch.relu(products + b_gate)
    return torch.relu(products * r_mag.exp() + b_mag) * gate, gate


def magnitude_not_rectified(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return (products * r_mag.exp() + b_mag) * (gate > 0), torch.relu(gate)


def gate_bias_in_the_magnitude(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(gate * r_mag.exp() + b_mag) * (gate > 0), torch.relu(gate)


def bias_scaled_too(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu((products + b_mag) * r_mag.exp()) * (gate > 0), torch.relu(gate)


def gates_not_rectified(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products * r_mag.exp() + b_mag) * (gate > 0), gate


def gates_as_zeros_and_ones(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    on = (gate > 0).to(products.dtype)
    return torch.relu(products * r_mag.exp() + b_mag) * on, on


def swapped(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(gate), torch.relu(products * r_mag.exp() + b_mag) * (gate > 0)


def soft_gate(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products * r_mag.exp() + b_mag) * torch.sigmoid(gate), torch.relu(gate)


def biases_exchanged(products, b_gate, r_mag, b_mag):
    gate = products + b_mag
    return torch.relu(products * r_mag.exp() + b_gate) * (gate > 0), torch.relu(gate)


def gate_without_its_bias(products, b_gate, r_mag, b_mag):
    magnitudes = torch.relu(products * r_mag.exp() + b_mag)
    return magnitudes * (products > 0), torch.relu(products + b_gate)


def inverted(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products * r_mag.exp() + b_mag) * (gate < 0), torch.relu(gate)


def open_at_zero(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products * r_mag.exp() + b_mag) * (gate >= 0), torch.relu(gate)


def no_magnitude_bias(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products * r_mag.exp()) * (gate > 0), torch.relu(gate)


def gates_detached(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products * r_mag.exp() + b_mag) * (gate > 0), torch.relu(gate).detach()


def latents_detached(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return (torch.relu(products * r_mag.exp() + b_mag) * (gate > 0)).detach(), torch.relu(gate)


def stretched_the_other_way(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    return torch.relu(products / r_mag.exp() + b_mag) * (gate > 0), torch.relu(gate)


def with_where(products, b_gate, r_mag, b_mag):
    gate = products + b_gate
    magnitude = (torch.exp(r_mag) * products + b_mag).clamp(min=0)
    return torch.where(gate > 0, magnitude, torch.zeros_like(magnitude)), gate.clamp(min=0)


def with_heaviside(products, b_gate, r_mag, b_mag):
    gate = b_gate + products
    on = torch.heaviside(gate.detach(), torch.zeros((), dtype=gate.dtype))
    magnitude = torch.relu(products * torch.e**r_mag + b_mag)
    return on * magnitude, gate * on


def by_masks(products, b_gate, r_mag, b_mag):
    gates = torch.maximum(products + b_gate, torch.zeros_like(products))
    magnitudes = products * r_mag.exp() + b_mag
    return magnitudes * ((gates > 0) & (magnitudes > 0)), gates


EXERCISE = Exercise(
    id="07.gated_latents",
    title="Whether, and how strongly",
    reference=gated.gated_latents,
    minutes=10,
    difficulty=2,
    hints=(
        "Compute two pre-activations from the one product. The first gets `b_gate`. The second is "
        "stretched by the exponential of `r_mag`, and gets `b_mag`.",
        "Of the first you need the sign, to open or close, and its ReLU, for the loss. Of the "
        "second you need the ReLU.",
        "`latents = relu(magnitude) * (gate > 0)`. A comparison gives true and false, and "
        "multiplying by it keeps or clears. Return `latents` and `relu(gate)`.",
    ),
    check=Check(
        draws.gates,
        tested="three batches in which the paths disagree: both outputs, and all gradients; and "
        "a gate at exactly 0",
        observe=draws.with_gradients("products", "b_gate", "r_mag", "b_mag"),
    ),
    mistakes=(
        Mistake(
            exp_forgotten,
            "You stretch by `r_mag` itself. It is the logarithm of the stretch: take `exp`, which "
            "makes it positive whatever `r_mag` is.",
        ),
        Mistake(
            never_gated,
            "The gate never closes: your latents are the magnitudes alone. Clear them where the "
            "gate pre-activation is not positive.",
        ),
        Mistake(
            times_the_gate,
            "You multiply by the gate's value. The gate says only whether: multiply by 0 or 1. "
            "With its value in the product, what shrinks the gate shrinks the latent again.",
        ),
        Mistake(
            magnitude_not_rectified,
            "A magnitude can be negative while its gate is open. A latent is never negative: ReLU.",
        ),
        Mistake(
            gate_bias_in_the_magnitude,
            "`b_gate` has got into the magnitude. The paths share the product, nothing else.",
        ),
        Mistake(
            bias_scaled_too,
            "You stretch `b_mag` too. The stretch applies to the product; the bias is added after.",
        ),
        Mistake(
            gates_not_rectified,
            "The second output needs its ReLU: a closed gate must not count as negative activity.",
        ),
        Mistake(
            gates_as_zeros_and_ones,
            "The second output is 0 or 1. Return the ReLU of the gate pre-activations: a step has "
            "no slope, and the loss needs one.",
        ),
        Mistake(swapped, "The two outputs are exchanged: latents first, then the gates."),
        Mistake(
            soft_gate,
            "A sigmoid opens halfway, and never closes: then no latent is exactly zero, and "
            "nothing is sparse. Use a step: `gate > 0`.",
        ),
        Mistake(
            biases_exchanged, "`b_gate` and `b_mag` are exchanged: each belongs to its own path."
        ),
        Mistake(
            gate_without_its_bias,
            "The latents open and close by the product alone. The gate's bias decides too: compare "
            "`products + b_gate` with zero.",
        ),
        Mistake(inverted, "The gate works the wrong way round: positive means open."),
        Mistake(
            open_at_zero,
            "A gate at exactly 0 is closed: compare with `>`. Else a latent could be on whose gate "
            "pays nothing.",
        ),
        Mistake(
            no_magnitude_bias,
            "`b_mag` has no effect on the latents. It is added to the stretched product.",
        ),
        Mistake(
            gates_detached,
            "The numbers are right, but the gates send no gradient back: something is detached. "
            "Their ReLU is the only way in which `b_gate` can learn.",
        ),
        Mistake(
            latents_detached,
            "The numbers are right, but the latents send no gradient back: something is detached.",
        ),
        Mistake(
            stretched_the_other_way,
            "You divide by the exponential of `r_mag`. It stretches: multiply.",
        ),
    ),
    alternatives=(with_where, with_heaviside, by_masks),
    why="Two questions, two paths: sparsity can press on the one without shrinking the other.",
)
