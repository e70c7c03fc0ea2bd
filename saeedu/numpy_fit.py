"""The training loop of chapter 05, with its arithmetic fused into one fast step.

`FusedStep` computes what `sae_gradients`, `adam_step` and `decoder_step` compute, in buffers that
are made once. All parameters lie in one flat array, so that Adam updates all of them together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saeedu.data import SparseFeatures
from saeedu.fit_records import Fit, Log, Resampling, Settings, warn_of_lost_causes
from saeedu.numpy_training import Parameters, initial_parameters, l1_warm_up
from saeedu.shapes import Array

STEPS_AN_ENTRY = 16  # of the history
INPUTS_TO_RESAMPLE_FROM = 4096


class FusedStep:
    """One training step in buffers made once: gradients, Adam, unit rows.

    **Arguments:** `start`, parameters to begin with (copied); `batch_size`; `dtype`, float32 for
    speed or float64 for comparison.
    """

    def __init__(self, start: Parameters, batch_size: int, dtype: Any = np.float32) -> None:
        self._shapes = [part.shape for part in start]
        self._theta = np.concatenate([np.ravel(part) for part in start]).astype(dtype)
        self._gradient, self._mean, self._square, self._spare = (
            np.zeros_like(self._theta) for _ in range(4)
        )
        d_in, d_sae = start.W_enc.shape
        self.latents = np.empty((batch_size, d_sae), dtype)
        self.error = np.empty((batch_size, d_in), dtype)
        self._centred = np.empty((batch_size, d_in), dtype)
        self._d_latents = np.empty((batch_size, d_sae), dtype)
        self._ones = np.ones(batch_size, dtype)
        self.parameters, self.gradients, self.mean, self.mean_square = (
            self._parts(flat) for flat in (self._theta, self._gradient, self._mean, self._square)
        )
        self.taken = 0
        """Steps taken so far."""

    def _parts(self, flat: Array) -> Parameters:
        """Views of a flat array, in the shapes of the four parameters."""
        ends = np.cumsum([np.prod(shape) for shape in self._shapes])
        pieces = np.split(flat, ends[:-1])
        return Parameters(
            *[piece.reshape(shape) for piece, shape in zip(pieces, self._shapes, strict=True)]
        )

    def compute_gradients(self, x: Array, l1_coefficient: float) -> None:
        """Run forward and backward; `latents`, `error` and `gradients` hold the results.

        **Arguments:** `x` [batch_size, d_in], in this step's dtype; `l1_coefficient`, the λ.
        """
        W_enc, b_enc, W_dec, b_dec = self.parameters
        d = self.gradients
        np.subtract(x, b_dec, out=self._centred)
        np.dot(self._centred, W_enc, out=self.latents)
        self.latents += b_enc
        np.maximum(self.latents, 0, out=self.latents)
        np.dot(self.latents, W_dec, out=self.error)
        self.error -= self._centred  # x_hat - x: b_dec is in both and cancels
        d_x_hat = 2 / len(x) * self.error
        np.dot(self.latents.T, d_x_hat, out=d.W_dec)
        np.dot(d_x_hat, W_dec.T, out=self._d_latents)
        self._d_latents += l1_coefficient / len(x)
        self._d_latents *= self.latents > 0
        np.dot(self._centred.T, self._d_latents, out=d.W_enc)
        np.dot(self._ones, self._d_latents, out=d.b_enc)
        np.dot(self._ones, d_x_hat, out=d.b_dec)
        # Summed over samples before the product, the encoder's path needs no [batch, d_in] array.
        np.subtract(d.b_dec, W_enc @ d.b_enc, out=d.b_dec)

    def update(self, learning_rate: float) -> None:
        """Take one step of Adam along the gradients, the decoder's rows staying at unit length.

        **Arguments:** `learning_rate`, in units of the parameters.
        """
        self.taken += 1
        W_dec, d_W_dec = self.parameters.W_dec, self.gradients.W_dec
        d_W_dec -= np.einsum("ji,ji->j", d_W_dec, W_dec)[:, None] * W_dec  # rows are unit vectors
        self._mean *= 0.9
        self._mean += np.multiply(self._gradient, 0.1, out=self._spare)
        self._square *= 0.999
        np.multiply(self._gradient, self._gradient, out=self._spare)
        self._spare *= 0.001
        self._square += self._spare
        np.sqrt(self._square, out=self._spare)
        self._spare *= 1 / np.sqrt(1 - 0.999**self.taken)
        self._spare += 1e-8
        np.divide(self._mean, self._spare, out=self._spare)
        self._spare *= learning_rate / (1 - 0.9**self.taken)
        self._theta -= self._spare
        W_dec /= np.sqrt(np.einsum("ji,ji->j", W_dec, W_dec))[:, None]

    def fired(self) -> NDArray[np.bool_]:
        """Which latents were on in any sample of the last batch, [d_sae]."""
        return np.dot(self._ones, self.latents) > 0

    def replace(self, parameters: Parameters, mean: Parameters, mean_square: Parameters) -> None:
        """Overwrite the parameters and Adam's averages, as resampling does."""
        for ours, theirs in (
            (self.parameters, parameters),
            (self.mean, mean),
            (self.mean_square, mean_square),
        ):
            for part, new in zip(ours, theirs, strict=True):
                part[...] = new


def fit(
    world: SparseFeatures,
    settings: Settings,
    resampling: Resampling | None = None,
    dtype: Any = np.float32,
) -> Fit:
    """Train an SAE on a stream of new samples.

    **Arguments:** `world`, whose samples are drawn (its stream moves on); `settings`;
    `resampling`, of dead latents, none when left out; `dtype`, of the arithmetic.
    **Returns:** the trained SAE and its history.
    **Raises:** `DivergedError`, a `ValueError`, when the loss has grown beyond all bounds.
    **Warns:** `TrainingWarning` for settings or data from which no features can be learnt.
    """
    warn_of_lost_causes(world, settings)
    rng = np.random.default_rng(settings.seed)
    start = initial_parameters(world.d_model, settings.d_sae, rng)
    start = start._replace(b_enc=start.b_enc + settings.encoder_bias)
    stepper = FusedStep(start, settings.batch_size, dtype)
    silence = np.zeros(settings.d_sae)
    log = Log(settings)
    warm_up_steps = round(settings.warm_up * settings.steps)
    for step in range(1, settings.steps + 1):
        x = world.sample(settings.batch_size).x.astype(dtype)
        l1_now = l1_warm_up(step, warm_up_steps, settings.l1_coefficient)
        with np.errstate(over="ignore", invalid="ignore"):  # the log looks for infinities
            stepper.compute_gradients(x, l1_now)
            silence += 1
            silence[stepper.fired()] = 0
            if step % STEPS_AN_ENTRY == 1 or step == settings.steps:
                log.add(step, x, stepper.error, stepper.latents, silence, l1_now)
            stepper.update(_learning_rate(step, settings))
        if resampling and step % resampling.every == 0 and step <= resampling.until:
            dead = silence >= resampling.silent_for
            if dead.any() and not dead.all():
                state = (stepper.parameters, stepper.mean, stepper.mean_square)
                inputs = world.sample(INPUTS_TO_RESAMPLE_FROM).x
                stepper.replace(*resampling.scheme(*state, dead, inputs, l1_now, rng))
                silence[dead] = 0
                log.revived += int(dead.sum())
    log.conclude(silence)
    final = Parameters(*[part.astype(np.float64) for part in stepper.parameters])
    return Fit(final, silence, log.arrays())


def _learning_rate(step: int, settings: Settings) -> float:
    """Constant, then falling in a straight line that would reach zero one step after the last."""
    if settings.cool_down == 0:
        return settings.learning_rate
    left = (settings.steps - step + 1) / (settings.cool_down * settings.steps)
    return settings.learning_rate * min(1.0, left)
