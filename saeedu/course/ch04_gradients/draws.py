"""The inputs on which chapter 04 tests an attempt: drawn so that no slip can hide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from saeedu.grading.exercise import Call
from saeedu.shapes import Array

# batch, d_in, d_sae: all different, and never a batch of two, for which 2 / batch is 1 and both
# factors can be forgotten without a trace.
SIZES = ((7, 3, 5), (4, 6, 9), (5, 8, 3), (11, 4, 6))


class Moment(NamedTuple):
    """All that is known of a small SAE after one forward pass and half of the backward pass."""

    x: Array
    x_hat: Array
    pre_acts: Array
    latents: Array
    d_latents: Array
    d_pre_acts: Array
    W_enc: Array
    W_dec: Array
    b_dec: Array


def draw_moment(rng: np.random.Generator, sizes: tuple[int, int, int]) -> Moment:
    """An SAE with random weights, none of them zero, decoder rows of any length but one.

    **Arguments:** `sizes`, of batch, d_in and d_sae.
    """
    batch, d_in, d_sae = sizes
    x = rng.normal(size=(batch, d_in)) + 1
    W_enc = rng.normal(size=(d_in, d_sae))
    W_dec = rng.normal(size=(d_sae, d_in))
    # Lengths on both sides of one: a formula that is right for unit rows only must show.
    W_dec *= rng.uniform(0.4, 2.5, size=(d_sae, 1)) / np.linalg.norm(W_dec, axis=1, keepdims=True)
    b_enc, b_dec = rng.normal(size=d_sae), rng.normal(size=d_in)
    pre_acts = (x - b_dec) @ W_enc + b_enc
    latents = np.maximum(pre_acts, 0)
    d_latents = rng.normal(size=(batch, d_sae))
    return Moment(
        x=x,
        x_hat=latents @ W_dec + b_dec,
        pre_acts=pre_acts,
        latents=latents,
        d_latents=d_latents,
        d_pre_acts=np.where(pre_acts > 0, d_latents, 0.0),
        W_enc=W_enc,
        W_dec=W_dec,
        b_dec=b_dec,
    )


def calls_with(
    arguments: Callable[[Moment], tuple[Any, ...]],
) -> Callable[[np.random.Generator], Iterable[Call]]:
    """A `draw` for a check: one call for each of `SIZES`, with these arguments of the moment."""

    def draw(rng: np.random.Generator) -> Iterator[Call]:
        for sizes in SIZES:
            axes = dict(zip(("batch", "d_in", "d_sae"), sizes, strict=True))
            yield Call(arguments(draw_moment(rng, sizes)), axes)

    return draw


def draw_latents(rng: np.random.Generator) -> Iterator[Call]:
    """Latents and a coefficient, a new one each time; one is faint, in one call one is dead."""
    for number, sizes in enumerate(SIZES):
        latents = draw_moment(rng, sizes).latents
        note = "at [0, 0] a latent is on, but faintly"
        latents[0, 0] = 1e-10
        if number == 1:
            latents[:, 2] = 0
            note += "; latent 2 never fires"
        axes = {"batch": sizes[0], "d_sae": sizes[2]}
        yield Call((latents, float(rng.uniform(0.2, 0.8))), axes, note)


def draw_around_the_kink(rng: np.random.Generator) -> Iterator[Call]:
    """Pre-activations of both signs, zero and barely above, met by gradients of both signs."""
    for sizes in SIZES:
        moment = draw_moment(rng, sizes)
        d_latents = np.abs(moment.d_latents) + 0.1
        d_latents[1::2] *= -1
        pre_acts = moment.pre_acts.copy()
        pre_acts[:2, 0] = 0.0
        pre_acts[2, 0] = 1e-10
        axes = {"batch": sizes[0], "d_sae": sizes[2]}
        note = "pre_acts is exactly zero at [0, 0] and [1, 0], and just above zero at [2, 0]"
        yield Call((d_latents, pre_acts), axes, note)


@dataclass(frozen=True, eq=False)
class Bowl:
    """A steep bowl with ripples, `½ (v - c)ᵀ H (v - c) + Σ sin 2v`, of an array of one shape.

    Its curvature is large beside its slope, so that a one-sided difference is visibly off, and
    its third derivative is small, so that a central difference is not. No entry can be left
    nudged without a change to the slope along the others.
    """

    hessian: Array
    centre: Array

    def __call__(self, at: Array) -> float:
        """The height at `at`, which must have the shape that the function was drawn for."""
        if np.shape(at) != self.centre.shape:
            raise ValueError(
                f"f was called with an array of shape {list(np.shape(at))}, but it is a function "
                f"of arrays of shape {list(self.centre.shape)}, like `at`"
            )
        away = np.asarray(at - self.centre, dtype=np.float64).ravel()
        return float(0.5 * away @ self.hessian @ away + np.sin(2 * np.asarray(at)).sum())

    def exact_gradient(self, at: Array) -> Array:
        """The slope, from calculus: H (v - c) + 2 cos 2v."""
        away = np.asarray(at - self.centre, dtype=np.float64).ravel()
        return (self.hessian @ away).reshape(self.centre.shape) + 2 * np.cos(2 * np.asarray(at))

    def __repr__(self) -> str:
        return f"<a smooth function of an array of shape {list(self.centre.shape)}>"


def draw_functions(rng: np.random.Generator) -> Iterator[Call]:
    """Functions whose gradient is known exactly, of arrays of one, two and three axes."""
    for shape, whole_numbers in (((5,), False), ((3, 4), False), ((2, 3, 2), False), ((4,), True)):
        size = int(np.prod(shape))
        mixing = rng.normal(size=(size, size))
        hessian = 40 * np.eye(size) + 8 * mixing @ mixing.T
        at = rng.integers(2, 9, shape) if whole_numbers else rng.uniform(0.5, 1.5, shape)
        centre = at - rng.choice([-1, 1], shape) * rng.uniform(0.02, 0.1, shape)
        note = "`at` holds whole numbers of an integer dtype" if whole_numbers else ""
        # Once with eps given, since later cells give it; and so wide that whoever leaves it
        # unused, or steps to one side, is visibly off.
        eps = (0.05,) if len(shape) == 3 else ()
        note = "eps is given, and large" if eps else note
        yield Call((Bowl(hessian, centre), at, *eps), note=note)
