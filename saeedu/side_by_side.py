"""Many small SAEs of one architecture, trained side by side: seeds and prices as one more axis.

On a toy a training step costs more in overhead than in arithmetic, so a comparison over seeds
trains all of its SAEs at once. Every tensor has an axis `runs` in front, along which
`torch.func.vmap` takes the loss of one SAE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from saeedu.activations import normalising_constant
from saeedu.sae.base import INITIAL_ROW_NORM
from saeedu.train_config import TrainConfig
from saeedu.zoo import Architecture


@dataclass(frozen=True)
class Trained:
    """Several SAEs of one architecture."""

    architecture: Architecture
    weights: Mapping[str, Tensor]
    """Each with an axis `runs` in front, in normalised units."""
    scale: Tensor
    """[runs, 1, 1]: what each run's data was multiplied by."""

    @torch.no_grad()
    def latents(self, x: Tensor) -> Tensor:
        """What each latent adds to the output, in units of x: values times row norms.

        **Arguments:** `x` [runs, n, d_in], in its own units.
        **Returns:** [runs, n, d_sae].
        """
        z = vmap(self.architecture.latents)(dict(self.weights), x * self.scale)
        return z * self.weights["W_dec"].norm(dim=2)[:, None] / self.scale

    @torch.no_grad()
    def x_hat(self, x: Tensor) -> Tensor:
        """Reconstructions, [runs, n, d_in], in units of x."""
        return self.latents(x) @ self.rows() + self.weights["b_dec"][:, None] / self.scale

    @torch.no_grad()
    def rows(self) -> Tensor:
        """Decoder rows at unit norm, [runs, d_sae, d_in]."""
        return torch.nn.functional.normalize(self.weights["W_dec"], dim=2)


def train_side_by_side(
    architecture: Architecture,
    x: Tensor,
    d_sae: int,
    prices: Sequence[float],
    config: TrainConfig,
    seeds: Sequence[int],
) -> Trained:
    """Train one SAE for each run, all at once, as `saeedu.training.train` would each of them.

    **Arguments:** `architecture`; `x` [runs, n, d_in], each run's data; `d_sae`; `prices` and
    `seeds` (of the initial weights), one for each run; `config`.
    **Returns:** the `Trained` SAEs.
    **Raises:** `ValueError` when prices or seeds do not count as many runs as x.
    """
    runs, n, d_in = x.shape
    if not len(prices) == len(seeds) == runs:
        raise ValueError(
            f"x holds data of {runs} runs, but there are {len(prices)} prices and {len(seeds)} "
            "seeds; give one of each for a run"
        )
    scale = torch.tensor([normalising_constant(data) for data in x])[:, None, None]
    x = x * scale
    weights = initial_weights(architecture, d_in, d_sae, seeds)
    weights["b_dec"] = x.mean(dim=1)
    for tensor in weights.values():
        tensor.requires_grad_()
    optimizer = torch.optim.Adam(weights.values(), lr=config.lr, fused=True)
    price = torch.tensor(prices)
    generator = torch.Generator().manual_seed(config.seed)
    all_losses = vmap(architecture.loss)
    for step in range(config.n_steps):
        chosen = torch.randint(n, (config.batch_size,), generator=generator)
        losses = all_losses(weights, x[:, chosen], price * config.l1_scale(step))
        for group in optimizer.param_groups:
            group["lr"] = config.lr_at(step)
        optimizer.zero_grad()
        losses.sum().backward()  # no run's loss depends on another's weights
        if architecture.unit_rows:
            _project_off_rows(weights["W_dec"])
        optimizer.step()
        if architecture.unit_rows:
            _scale_rows_back(weights["W_dec"])
        if "threshold" in weights:
            weights["threshold"].data.clamp_(min=0)
    return Trained(architecture, {name: w.detach() for name, w in weights.items()}, scale)


def initial_weights(
    architecture: Architecture, d_in: int, d_sae: int, seeds: Sequence[int]
) -> dict[str, Tensor]:
    """The weights with which the architecture's class in `saeedu.sae` begins, for each seed.

    **Returns:** tensors by name, each with the seeds' axis in front.
    """
    norm = 1.0 if architecture.unit_rows else INITIAL_ROW_NORM
    rows = []
    for seed in seeds:
        random = torch.randn(d_sae, d_in, generator=torch.Generator().manual_seed(seed))
        rows.append(norm * torch.nn.functional.normalize(random, dim=1))
    W_dec = torch.stack(rows)
    return {
        "W_dec": W_dec,
        "W_enc": W_dec.transpose(1, 2).contiguous(),
        "b_dec": torch.zeros(len(seeds), d_in),
        **{
            name: torch.full((len(seeds), d_sae), start)
            for name, start in architecture.vectors.items()
        },
    }


@torch.no_grad()
def _project_off_rows(W_dec: Tensor) -> None:
    assert W_dec.grad is not None
    W_dec.grad -= torch.linalg.vecdot(W_dec.grad, W_dec)[..., None] * W_dec


@torch.no_grad()
def _scale_rows_back(W_dec: Tensor) -> None:
    W_dec /= W_dec.norm(dim=-1, keepdim=True)
