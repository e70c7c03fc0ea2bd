"""The inputs on which chapter 05 tests an attempt: drawn so that no slip can hide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from saeedu.grading.exercise import Call
from saeedu.numpy_training import Parameters
from saeedu.shapes import Array
from saeedu.warmup import unit_rows

# batch, d_in, d_sae: all different, and never a batch of two, for which 2 / batch is 1.
SIZES = ((7, 3, 5), (4, 6, 9), (5, 8, 3), (11, 4, 6))


def draw_parameters(rng: np.random.Generator, d_in: int, d_sae: int) -> Parameters:
    """An SAE with decoder rows of unit length, an encoder of its own, and no bias at zero."""
    return Parameters(
        W_enc=rng.normal(size=(d_in, d_sae)),
        b_enc=rng.normal(size=d_sae),
        W_dec=unit_rows(rng.normal(size=(d_sae, d_in))),
        b_dec=rng.normal(size=d_in),
    )


def draw_adam(rng: np.random.Generator) -> Iterator[Call]:
    """A training in its middle and at its start, gradients so small that ε counts, and none."""
    for shape, step, size, note in (
        ((5, 3), 3, 1.0, ""),
        ((4,), 1, 1.0, "the first step, yet with averages that are not zero"),
        ((2, 6), 40, 1e-7, "gradients of about 1e-7"),
        ((3, 4), 700, 1.0, "the first row has never had a gradient"),
    ):
        gradient = size * rng.normal(size=shape)
        mean = size * rng.normal(size=shape)
        mean_square = size**2 * rng.uniform(0.5, 2, size=shape)
        if step == 700:
            gradient[0], mean[0], mean_square[0] = 0, 0, 0
        rate = float(rng.uniform(0.1, 0.4))
        parameter = rng.normal(size=shape)
        yield Call((parameter, gradient, mean, mean_square, step, rate), note=note)


def draw_decoder_steps(rng: np.random.Generator) -> Iterator[Call]:
    """Decoders with unit rows, large gradients, averages that are not zero."""
    for (_, d_in, d_sae), step in zip(SIZES, (4, 1, 30, 900), strict=True):
        shape = (d_sae, d_in)
        W_dec = unit_rows(rng.normal(size=shape))
        gradient, mean = 3 * rng.normal(size=shape) + 1, rng.normal(size=shape)
        mean_square = rng.uniform(0.5, 4, size=shape)
        rate = float(rng.uniform(0.1, 0.3))
        axes = {"d_in": d_in, "d_sae": d_sae}
        yield Call((W_dec, gradient, mean, mean_square, step, rate), axes)


def draw_batches(rng: np.random.Generator) -> Iterator[Call]:
    """Whole SAEs with a batch and a λ each."""
    for batch, d_in, d_sae in SIZES:
        x = rng.normal(size=(batch, d_in)) + 0.5
        axes = {"batch": batch, "d_in": d_in, "d_sae": d_sae}
        yield Call((x, draw_parameters(rng, d_in, d_sae), float(rng.uniform(0.3, 0.9))), axes)


def draw_warm_ups(rng: np.random.Generator) -> Iterator[Call]:
    """Steps before, at and after the end of the warm-up, and a training without one."""
    for step, warm_up_steps, note in (
        (3, 10, ""),
        (1, 7, "the first step"),
        (12, 12, "the last step of the warm-up"),
        (45, 20, "after the warm-up"),
        (1, 0, "no warm-up"),
    ):
        # Above 1, so that a cap at 1 shows.
        yield Call((step, warm_up_steps, float(rng.uniform(1.2, 2.5))), note=note)


def draw_silences(rng: np.random.Generator) -> Iterator[Call]:
    """Counts of many steps; latents on in all samples, in one, and in none."""
    for batch, _, d_sae in SIZES:
        silence = rng.integers(2, 900, d_sae)
        latents = rng.uniform(0.1, 2, (batch, d_sae)) * (rng.random((batch, d_sae)) < 0.5)
        latents[:, 0] = rng.uniform(0.1, 1, batch)  # always on
        latents[:, 1] = 0  # never on
        latents[:, 2] = 0  # on once, in the middle, and barely
        latents[batch // 2, 2] = 1e-3
        note = "latent 0 is on in every sample, latent 1 in none, latent 2 in one"
        yield Call((silence, latents), {"batch": batch, "d_sae": d_sae}, note)


def draw_losses(rng: np.random.Generator) -> Iterator[Call]:
    """Losses of many sizes, one of them zero, whose sum is not one."""
    for count in (4, 9, 6, 23):
        losses = rng.gamma(0.8, 2.0, count) + 0.3
        losses[rng.integers(count)] = 0
        yield Call((losses,), {"n": count}, "one input has no loss")


def draw_revivals(rng: np.random.Generator) -> Iterator[Call]:
    """SAEs with several dead latents and long columns, and new directions of many lengths."""
    for (d_in, d_sae), n_dead in zip(((4, 7), (6, 9), (8, 5), (3, 11)), (2, 5, 3, 4), strict=True):
        parameters = draw_parameters(rng, d_in, d_sae)
        parameters.W_enc[...] *= rng.uniform(0.5, 4, d_sae)
        averages = [
            Parameters(*[rng.uniform(0.1, 1, part.shape) for part in parameters]) for _ in range(2)
        ]
        dead = np.zeros(d_sae, dtype=bool)
        dead[rng.choice(d_sae, n_dead, replace=False)] = True
        parameters.W_enc[:, dead] *= 3  # a mean over all columns must differ from the living's
        directions = rng.normal(size=(n_dead, d_in)) * rng.uniform(2, 5, (n_dead, 1))
        axes = {"d_in": d_in, "d_sae": d_sae, "n_dead": n_dead}
        yield Call((parameters, *averages, dead, directions), axes)


def draw_similarities(rng: np.random.Generator) -> Iterator[Call]:
    """Cosines in which features compete, with more latents than features and with fewer."""
    for n_features, d_sae in ((5, 8), (7, 4), (6, 9), (9, 3)):
        cosines = rng.uniform(-0.6, 0.5, (n_features, d_sae))
        # Two features want one latent. Greed gives it to the keener one; the largest sum would
        # not. The keener feature comes second, so that going row by row gives something else.
        first, second = sorted(rng.choice(n_features, 2, replace=False))
        wanted, other = rng.choice(d_sae, 2, replace=False)
        cosines[second, [wanted, other]] = 0.95, 0.85
        cosines[first, [wanted, other]] = 0.90, -0.3
        # The last pair that is left over must be taken although its cosine is negative.
        lonely = next(i for i in range(n_features) if i not in (first, second))
        if n_features <= d_sae:
            cosines[lonely] = -rng.uniform(0.2, 0.9, d_sae)
        note = "fewer latents than features" if d_sae < n_features else "a feature with no friend"
        if n_features == 6:  # finite numbers are promised, not cosines: some are below -1
            cosines[lonely] = -rng.uniform(0.4, 0.9, d_sae)
            cosines *= 3
            note = "similarities that are no cosines: a feature has nothing above -1"
        yield Call((cosines,), {"n_features": n_features, "d_sae": d_sae}, note)


def draw_present(rng: np.random.Generator, batch: int, n: int) -> Array:
    """True coefficients in which every feature is present somewhere and absent somewhere."""
    present = rng.random((batch, n)) < 0.4
    for i in range(n):
        present[[i % batch, (i + 3) % batch], i] = True
        present[(i + 1) % batch, i] = False
    return present * rng.uniform(0.2, 1.0, (batch, n))


def draw_responses(rng: np.random.Generator) -> Iterator[Call]:
    """True coefficients and latents of the same samples, some latents off."""
    for batch, n_features, d_sae in ((9, 4, 6), (12, 5, 3), (8, 6, 7), (15, 3, 8)):
        coefficients = draw_present(rng, batch, n_features)
        latents = np.maximum(rng.normal(size=(batch, d_sae)) + 0.4, 0)
        axes = {"batch": batch, "n_features": n_features, "d_sae": d_sae}
        yield Call((coefficients, latents), axes)


def draw_reports(rng: np.random.Generator) -> Iterator[Call]:
    """Latents that shrink their feature, each by its own factor, fire falsely, and miss some."""
    for batch, n in ((14, 4), (9, 5), (21, 3), (12, 7)):
        coefficients = draw_present(rng, batch, n)
        slopes = rng.uniform(0.4, 1.3, n)
        latents = coefficients * slopes + 0.15 * np.abs(rng.normal(size=(batch, n)))
        # Misses: `draw_present` has every feature i in sample i % batch, and in another one.
        latents[np.arange(n) % batch, np.arange(n)] = 0
        note = "each latent is off in some sample that holds its feature"
        yield Call((coefficients, latents), {"batch": batch, "n": n}, note)
