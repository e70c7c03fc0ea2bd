"""What every sparse autoencoder has: an encoder, a decoder, and ways to change its units."""

from __future__ import annotations

import difflib
import inspect
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor, nn

from saeedu.shapes import ShapeError

INITIAL_ROW_NORM = 0.1


class LossTerms(NamedTuple):
    """A loss, its parts, and what the forward pass made on the way to it."""

    total: Tensor
    """What is minimised: `reconstruction + sparsity` and every auxiliary term."""
    reconstruction: Tensor
    """Mean over the batch of the squared error, summed over d_in."""
    sparsity: Tensor
    """The price of activity, its coefficient included; zero where k fixes the activity."""
    x_hat: Tensor
    """[batch, d_in]."""
    active: Tensor
    """[d_sae], whole numbers: in how many of the batch's samples each latent is above zero."""
    auxiliary: dict[str, Tensor] = {}  # noqa: RUF012 - a NamedTuple's default, never written to
    """Further terms by name, their coefficients included."""

    @property
    def l0(self) -> float:
        """Mean number of active latents per sample."""
        return self.active.sum().item() / len(self.x_hat)


class SAE(nn.Module, ABC):
    """A sparse autoencoder in PyTorch. Architectures differ in `encode` and in `loss`.

    The weights begin as small random decoder rows (norm 0.1), with the encoder their transpose,
    so that a fresh latent already reads the direction that it writes. The biases begin at zero;
    `start_from_mean` moves `b_dec` to where the data is.

    In memory, `W_enc` is stored latent by latent, as `W_dec` is: the sparse backward pass then
    reads and writes whole rows.

    **Arguments:** `d_in`, the activations' size; `d_sae`, how many latents; `seed`, for the
    random rows.
    **Raises:** `ValueError` for a size below one.
    **Source:** Anthropic's April 2024 update, "Training SAEs", for the initial values.
    """

    architecture: str
    """The name of the architecture in SAELens' files."""

    encoder_biases: tuple[str, ...] = ("b_enc",)
    """The parameters that are added to pre-activations, and so carry their units."""

    def __init__(self, d_in: int, d_sae: int, seed: int = 0) -> None:
        super().__init__()
        if d_in < 1 or d_sae < 1:
            raise ValueError(f"an SAE needs d_in and d_sae of at least 1, not {d_in} and {d_sae}")
        self.d_in = d_in
        self.d_sae = d_sae
        generator = torch.Generator().manual_seed(seed)
        rows = torch.randn(d_sae, d_in, generator=generator)
        rows *= INITIAL_ROW_NORM / rows.norm(dim=1, keepdim=True)
        self.W_dec = nn.Parameter(rows)
        self.W_enc = nn.Parameter(rows.clone().T)
        for name in self.encoder_biases:
            self.register_parameter(name, nn.Parameter(torch.zeros(d_sae)))
        self.b_dec = nn.Parameter(torch.zeros(d_in))

    def centred(self, x: Tensor) -> Tensor:
        """The activations as the encoder sees them, x - b_dec.

        **Arguments:** `x` [batch, d_in]; further axes in front are kept.
        **Returns:** of the shape of `x`.
        **Raises:** `ShapeError` when the last axis is not d_in; `TypeError` when the numbers are
        not of the weights' type; `ValueError` when one is not finite.
        """
        if x.shape[-1:] != (self.d_in,):
            raise ShapeError(f"x has shape {list(x.shape)}, but this SAE takes d_in = {self.d_in}")
        if x.dtype != self.b_dec.dtype:
            wanted = str(self.b_dec.dtype).removeprefix("torch.")
            raise TypeError(
                f"x holds {str(x.dtype).removeprefix('torch.')} numbers, but this SAE's weights "
                f"are {wanted}: pass x.to(torch.{wanted})"
            )
        # One sum finds any NaN or infinity, without a [batch, d_in] mask.
        if not torch.isfinite(x.detach().sum()) and not torch.isfinite(x.detach()).all():
            broken = (~torch.isfinite(x.detach())).any(dim=-1).flatten().nonzero()[:, 0]
            raise ValueError(
                f"x has numbers that are not finite, first in sample {int(broken[0])} "
                f"({len(broken)} of {x[..., 0].numel()} samples): look at where it was collected"
            )
        return x - self.b_dec

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """Turn activations into latents, [batch, d_in] to [batch, d_sae]."""

    def decode(self, latents: Tensor) -> Tensor:
        """Rebuild activations as a weighted sum of the decoder's rows, plus the bias.

        **Arguments:** `latents` [batch, d_sae].
        **Returns:** `x_hat` [batch, d_in].
        """
        return latents @ self.W_dec + self.b_dec

    def forward(self, x: Tensor) -> Tensor:
        """Encode and decode.

        **Arguments:** `x` [batch, d_in]; further axes in front are kept.
        **Returns:** `x_hat`, of the shape of `x`.
        """
        return self.decode(self.encode(x))

    @abstractmethod
    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """The training loss of a batch; `sparsity_scale` is the warm-up's factor, from 0 to 1."""

    def adjust_gradients(self) -> None:
        """What an architecture does between the backward pass and the optimiser's step."""

    def after_step(self, terms: LossTerms, samples: int | None = None) -> None:
        """What an architecture does once the optimiser has taken its step.

        **Arguments:** `terms` of the step; `samples`, how many `terms.active` was counted over,
        when that is more than this process's batch.
        """

    def settings(self) -> dict[str, Any]:
        """The constructor's arguments beyond the sizes: what `from_config` needs to rebuild it."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SAE:
        """A fresh SAE from `d_in`, `d_sae` and the architecture's own settings.

        **Arguments:** `config`, such as `{"d_in": 768, "d_sae": 4096, "k": 32}`.
        **Raises:** `TypeError` for a setting that this architecture does not have; `ValueError`
        for a value that cannot be meant.
        """
        known = list(inspect.signature(cls).parameters)
        for name in config.keys() - set(known):
            near = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{cls.__name__} has no setting {name!r}; it has {known}.{meant}")
        return cls(**config)

    def save(
        self,
        folder: str | Path,
        model_name: str | None = None,
        hook_name: str | None = None,
        context_size: int | None = None,
        dataset_path: str = "",
    ) -> Path:
        """Save the SAE as a folder that SAELens opens too: see `saeedu.sae.save_sae`."""
        from saeedu.sae.files import save_sae

        return save_sae(self, folder, model_name, hook_name, context_size, dataset_path)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Load an SAE of this class: `SAE.load` takes any, `TopKSAE.load` only a TopKSAE.

        **Raises:** `SAEFileError` as `saeedu.sae.load_sae`, or when the SAE is of another class.
        """
        from saeedu.sae.files import SAEFileError, load_sae

        sae = load_sae(folder)
        if not isinstance(sae, cls):
            raise SAEFileError(
                f"{folder} holds a {type(sae).__name__}, not a {cls.__name__}; SAE.load takes any"
            )
        return sae

    @torch.no_grad()
    def start_from_mean(self, x: Tensor) -> None:
        """Put `b_dec` at the mean of some activations, before training.

        The decoder's rows then have only the differences from the mean to explain.

        **Arguments:** `x` [n, d_in].
        """
        self.b_dec.copy_(x.mean(dim=0))

    @torch.no_grad()
    def rescale(self, factor: float) -> None:
        """Change units: make this an SAE for activations `factor` times as large.

        `rescale(c)` turns f into an SAE with f'(c x) = c f(x), whose latents are c times as large.
        Only what is added to activations or pre-activations carries units, so only that changes.

        **Arguments:** `factor`, positive.
        **Raises:** `ValueError` when it is not.
        """
        if not factor > 0:
            raise ValueError(f"rescale: the factor must be positive, but it is {factor}")
        for name in (*self.encoder_biases, "b_dec"):
            getattr(self, name).mul_(factor)

    @torch.no_grad()
    def fold_decoder_norms(self) -> None:
        """Give every decoder row unit norm, and its length to the encoder.

        No reconstruction changes. A latent's value becomes the length of what it adds to the
        output, so latents can be compared. A row of zeros stays as it is.
        """
        norms = self.W_dec.norm(dim=1)
        norms = torch.where(norms > 0, norms, torch.ones_like(norms))
        self.W_dec.div_(norms[:, None])
        self.W_enc.mul_(norms)
        for name in self.encoder_biases:
            getattr(self, name).mul_(norms)

    def __repr__(self) -> str:
        settings = "".join(f", {name}={value}" for name, value in self.settings().items())
        return f"{type(self).__name__}(d_in={self.d_in}, d_sae={self.d_sae}{settings})"


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """Mean over the batch of the squared error, summed over d_in: the course's reconstruction loss.

    **Arguments:** `x_hat`, `x` [batch, d_in].
    """
    return ((x_hat - x) ** 2).sum(dim=1).mean()


def require_not_negative(name: str, value: float) -> None:
    """Refuse a coefficient below zero, or one that is not a number.

    **Raises:** `ValueError`, naming it.
    """
    if not value >= 0:
        raise ValueError(f"{name} must not be negative, but it is {value}")
