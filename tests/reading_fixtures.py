"""A made-up stream of latents, and a made-up dictionary that fires on chosen tokens."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor

from saeedu.latent_stream import LatentBatch

D_SAE, CONTEXT, BOS = 7, 9, 0


def stream(seed: int, n_contexts: int = 30) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens of few kinds, so that wordings repeat, and latents of few values, so that they tie."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(1, 4, (n_contexts, CONTEXT), generator=generator)
    tokens[:, 0] = BOS
    tokens[::3, 5] = BOS  # where another text begins
    latents = torch.randint(-6, 7, (n_contexts, CONTEXT, D_SAE), generator=generator).clamp(0) / 2
    latents[:, :, 5] *= torch.rand(n_contexts, CONTEXT, generator=generator) < 0.02  # rare
    latents[:, :, 6] = 0  # dead
    kept = tokens != BOS
    latents[~kept] = 0
    return tokens, latents, kept


def batches(seed: int, cuts: list[int], n_contexts: int = 30) -> list[LatentBatch]:
    """The stream in pieces that end at the given contexts."""
    tokens, latents, kept = stream(seed, n_contexts)
    edges = [0, *cuts, n_contexts]
    return [
        LatentBatch.of(tokens[a:b], latents[a:b], kept[a:b], a)
        for a, b in itertools.pairwise(edges)
    ]


@dataclass(frozen=True)
class FiresAlong:
    """Latent j is how far an activation lies along row j, above threshold j."""

    W_dec: Tensor
    thresholds: Tensor

    @property
    def d_sae(self) -> int:
        return len(self.W_dec)

    def encode(self, x: Tensor) -> Tensor:
        return torch.relu(x @ self.W_dec.T - self.thresholds)
