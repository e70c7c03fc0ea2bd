"""What every sparse autoencoder has: four tensors, a decoder, and ways to change its units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from saeedu.shapes import ShapeError

INITIAL_ROW_NORM = 0.1


class LossTerms(NamedTuple):
    """A loss, its parts, and what the forward pass made on the way to it."""

    total: Tensor
    """What is minimised: `reconstruction + sparsity`."""
    reconstruction: Tensor
    """Mean over the batch of the squared error, summed over d_in."""
    sparsity: Tensor
    """The price of activity, its coefficient included."""
    latents: Tensor
    """[batch, d_sae]."""
    x_hat: Tensor
    """[batch, d_in]."""


class SAE(nn.Module, ABC):
    """A sparse autoencoder in PyTorch. Architectures differ in `encode` and in `loss`.

    The weights begin as small random decoder rows (norm 0.1), with the encoder their transpose,
    so that a fresh latent already reads the direction that it writes. The biases begin at zero;
    `start_from_mean` moves `b_dec` to where the data is.

    **Arguments:** `d_in`, the activations' size; `d_sae`, how many latents; `seed`, for the
    random rows.
    **Raises:** `ValueError` for a size below one.
    **Source:** Anthropic's April 2024 update, "Training SAEs", for the initial values.
    """

    architecture: str
    """The name of the architecture in SAELens' files."""

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
        self.W_enc = nn.Parameter(rows.T.clone())
        self.b_enc = nn.Parameter(torch.zeros(d_sae))
        self.b_dec = nn.Parameter(torch.zeros(d_in))

    def pre_acts(self, x: Tensor) -> Tensor:
        """What the encoder makes of activations before any latent is switched off.

        **Arguments:** `x` [batch, d_in].
        **Returns:** [batch, d_sae].
        **Raises:** `ShapeError` when the last axis is not d_in.
        """
        if x.shape[-1:] != (self.d_in,):
            raise ShapeError(f"x has shape {list(x.shape)}, but this SAE takes d_in = {self.d_in}")
        return (x - self.b_dec) @ self.W_enc + self.b_enc

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
        Only the biases carry units, so only they change.

        **Arguments:** `factor`, positive.
        **Raises:** `ValueError` when it is not.
        """
        if not factor > 0:
            raise ValueError(f"rescale: the factor must be positive, but it is {factor}")
        self.b_enc.mul_(factor)
        self.b_dec.mul_(factor)

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
        self.b_enc.mul_(norms)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(d_in={self.d_in}, d_sae={self.d_sae})"
