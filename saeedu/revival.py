"""Giving dead latents a new start in PyTorch, as chapter 05 does in NumPy."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.sae.base import SAE

ENCODER_SHARE = 0.2  # of the living encoder columns' mean norm: not so loud that it takes over


@torch.no_grad()
def revive(
    sae: SAE,
    optimizer: torch.optim.Optimizer,
    dead: Tensor,
    x: Tensor,
    generator: torch.Generator,
) -> None:
    """Point every dead latent at an input that the SAE explains badly, and let Adam forget it.

    Inputs are drawn with probability in proportion to the square of their error. A revived
    latent's decoder row takes the living rows' mean norm, its encoder column 0.2 times the living
    columns', its threshold the living thresholds' mean; its other numbers become zero.

    **Arguments:** `sae`; `optimizer`, its Adam; `dead` [d_sae], bool, with at least one alive;
    `x` [n, d_in], in the units that the SAE takes; `generator`, on the CPU, which draws them.
    **Raises:** `ValueError` when every latent is dead.
    **Source:** Bricken et al. (2023), appendix "Neuron resampling".
    """
    if dead.all():
        raise ValueError(
            f"all {len(dead)} latents are dead, so none is left to take a length from; lower the "
            "sparsity coefficient or the step size and start again"
        )
    centred = x - sae.b_dec
    errors = (sae(x) - x).square().sum(dim=1) * (centred.norm(dim=1) > 0)
    weights = (errors / errors.max().clamp_min(1e-30)).double().square().cpu()
    if not weights.sum() > 0:
        return  # nothing is left to explain
    chosen = torch.multinomial(weights, int(dead.sum()), replacement=True, generator=generator)
    directions = torch.nn.functional.normalize(centred[chosen.to(x.device)], dim=1)
    living = ~dead
    for name, parameter in sae.named_parameters():
        if name == "W_dec":
            new = directions * parameter[living].norm(dim=1).mean()
            _put(optimizer, parameter, dead, new)
        elif name == "W_enc":
            length = ENCODER_SHARE * parameter[:, living].norm(dim=0).mean()
            _put(optimizer, parameter.T, dead, length * directions, parameter)
        elif name != "b_dec":
            new = parameter[living].mean() if name == "threshold" else torch.zeros_like(errors[0])
            _put(optimizer, parameter, dead, new.expand(int(dead.sum())))


def _put(
    optimizer: torch.optim.Optimizer,
    rows: Tensor,
    dead: Tensor,
    new: Tensor,
    parameter: Tensor | None = None,
) -> None:
    """Write new values into rows, and zeros into what Adam remembers of them."""
    turned = parameter is not None
    rows[dead] = new
    state = optimizer.state[rows if parameter is None else parameter]
    for key in ("exp_avg", "exp_avg_sq"):
        if key in state:
            average = state[key].T if turned else state[key]
            average[dead] = 0
