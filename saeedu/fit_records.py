"""What goes into a training run and what comes out, with a word when it goes wrong."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import numpy as np

from saeedu.data import SparseFeatures
from saeedu.numpy_training import Parameters
from saeedu.resampling import Scheme
from saeedu.shapes import Array

SILENT_STEPS = 500  # without firing, after which the history and the warnings call a latent silent
DIVERGED = 1e3  # times the squared length of a typical sample


class DivergedError(ValueError):
    """A training's loss has grown beyond all bounds; the message says where and what to do."""


class TrainingWarning(UserWarning):
    """A training runs, and cannot do what it is meant to; the message says why."""


@dataclass(frozen=True)
class Settings:
    """How to train an SAE.

    **Raises:** `ValueError` for a size, rate or share that makes no sense.
    """

    d_sae: int
    l1_coefficient: float
    """The final λ, in units of `x`."""
    steps: int
    batch_size: int = 256
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    """Share of the steps over which λ rises to its final value."""
    cool_down: float = 0.3
    """Share of the steps, at the end, over which the learning rate falls to zero."""
    encoder_bias: float = 0.0
    """The value of every encoder bias at the start."""
    seed: int = 0
    """Of the initial weights and of resampling; the data have their own."""

    def __post_init__(self) -> None:
        for name in ("d_sae", "steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"Settings: {name} must be at least 1, not {getattr(self, name)}")
        if not (np.isfinite(self.l1_coefficient) and self.l1_coefficient >= 0):
            raise ValueError(
                f"Settings: l1_coefficient must be 0 or more, not {self.l1_coefficient}"
            )
        if not (np.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"Settings: learning_rate must be above 0, not {self.learning_rate}")
        for name in ("warm_up", "cool_down"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"Settings: {name} is a share of the steps, from 0 to 1, "
                    f"not {getattr(self, name)}"
                )


@dataclass(frozen=True)
class Resampling:
    """When to look for dead latents, and how to revive them."""

    scheme: Scheme
    every: int
    """Steps between two looks."""
    until: int
    """The last step at which to look: afterwards the revived must have time to settle."""
    silent_for: int
    """Steps without firing after which a latent counts as dead."""


@dataclass(frozen=True)
class Fit:
    """A trained SAE, and how it came about."""

    parameters: Parameters
    """In float64."""
    silence: Array
    """[d_sae], for how many steps each latent had not fired at the end."""
    history: dict[str, Array] = field(repr=False)
    """Arrays of one length, an entry every 16 steps: step, loss, reconstruction, l0, silent (the
    number of latents that had not fired for 500 steps) and revived (by resampling, in total)."""


class Log:
    """Writes the history of a run, and stops it when its loss has left all bounds."""

    def __init__(self, settings: Settings) -> None:
        self.revived = 0
        self._settings = settings
        self._entries: list[tuple[float, ...]] = []
        self._lengths: list[float] = []  # mean squared length of a sample, for each entry
        self._means: list[Array] = []  # mean sample, for each entry

    def add(
        self, step: int, x: Array, error: Array, latents: Array, silence: Array, l1_now: float
    ) -> None:
        """Note the state before a step.

        **Raises:** `DivergedError` when the loss is not finite, or absurdly large.
        """
        self._lengths.append(float(np.mean(np.sum(x**2, axis=1))))
        self._means.append(np.mean(x, axis=0))
        scale = max(self._lengths)
        reconstruction = float(np.sum(error**2)) / len(error)
        loss = reconstruction + l1_now * float(np.sum(latents)) / len(latents)
        if not np.isfinite(loss) or (scale and loss > DIVERGED * scale):
            raise DivergedError(
                f"fit: the training diverged: at step {step} the loss is {loss:.3g}, and a sample "
                f"has a squared length of {scale:.3g}; lower learning_rate "
                f"({self._settings.learning_rate:g})"
            )
        l0 = float(np.count_nonzero(latents)) / len(latents)
        silent = float(np.count_nonzero(silence >= SILENT_STEPS))
        self._entries.append((step, loss, reconstruction, l0, silent, self.revived))

    def conclude(self, silence: Array) -> None:
        """Warn when the run has ended in failure.

        **Warns:** `TrainingWarning` when no latent fires any more, or the latents do not help.
        """
        last = len(self._entries) - len(self._entries) // 4 - 1  # the last quarter, averaged
        _, _, error, l0, _, _ = np.mean(self._entries[last:], axis=0)
        # What is left when b_dec sits at the mean and no latent is ever on: the variance.
        without = float(np.mean(self._lengths) - np.sum(np.mean(self._means, axis=0) ** 2))
        given = (
            f"l1_coefficient ({self._settings.l1_coefficient:g}) or learning_rate "
            f"({self._settings.learning_rate:g})"
        )
        if l0 == 0 and silence.min() >= min(SILENT_STEPS, self._settings.steps):
            _warn(
                f"all {len(silence)} latents are dead: none has fired for the last "
                f"{int(silence.min())} steps; lower {given}"
            )
        elif self._settings.steps >= SILENT_STEPS and error > 0.9 * without:
            _warn(
                f"the SAE explains next to nothing: its error is {error:.3g}, without any latents "
                f"it would be {without:.3g}, and {l0:.3g} of {len(silence)} latents are on in a "
                f"sample; lower {given}"
            )

    def arrays(self) -> dict[str, Array]:
        """The history, an array for each thing noted."""
        names = ("step", "loss", "reconstruction", "l0", "silent", "revived")
        return dict(zip(names, np.array(self._entries).T, strict=True))


def warn_of_lost_causes(world: SparseFeatures, settings: Settings) -> None:
    """Warn of data and settings from which no features can be learnt, whatever the training does.

    **Warns:** `TrainingWarning`, once for each reason.
    """
    if settings.l1_coefficient == 0:
        _warn("l1_coefficient is 0: nothing asks for sparsity, so latents need not be features")
    if settings.batch_size == 1:
        _warn("batch_size is 1: every step follows one sample, so expect noise; try 64 or more")
    if world.density == 1:
        _warn("density is 1: every feature is in every sample, so sparsity gives no clue to them")
    if world.n_features == 1:
        _warn("there is one feature: all samples lie on one line, and one latent is enough")


def _warn(message: str) -> None:
    warnings.warn(f"fit: {message}", TrainingWarning, stacklevel=4)
