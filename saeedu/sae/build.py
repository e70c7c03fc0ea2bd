"""Any architecture by name, and an encoder by itself."""

from __future__ import annotations

import difflib
from typing import Any

from torch import Tensor, nn

from saeedu.sae.base import SAE
from saeedu.sae.batch_top_k import BatchTopKSAE
from saeedu.sae.gated import GatedSAE
from saeedu.sae.jump_relu import JumpReLUSAE, TanhJumpReLUSAE
from saeedu.sae.matryoshka import MatryoshkaSAE
from saeedu.sae.relu import ReLUSAE, UnitRowReLUSAE
from saeedu.sae.top_k import TopKSAE

SPARSITY: dict[str, type[SAE]] = {
    "l1": ReLUSAE,
    "l1_unit_rows": UnitRowReLUSAE,
    "top_k": TopKSAE,
    "batch_top_k": BatchTopKSAE,
    "gated": GatedSAE,
    "jump_relu": JumpReLUSAE,
    "jump_relu_tanh": TanhJumpReLUSAE,
    "matryoshka": MatryoshkaSAE,
}


def build_sae(d_in: int, d_sae: int, sparsity: str = "l1", **settings: Any) -> SAE:
    """A fresh SAE: `build_sae(d_in=256, d_sae=4096, sparsity="top_k", k=32)`.

    **Arguments:** `d_in`; `d_sae`; `sparsity`, a key of `SPARSITY`; `settings` of that
    architecture, such as `l1_coefficient` for "l1" and `k` for "top_k".
    **Raises:** `ValueError` for an unknown kind of sparsity or a value that cannot be meant;
    `TypeError` for a setting that the architecture does not have.
    """
    if sparsity not in SPARSITY:
        near = difflib.get_close_matches(str(sparsity), SPARSITY, n=1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"sparsity is {sparsity!r}, but must be one of {list(SPARSITY)}.{meant}")
    return SPARSITY[sparsity].from_config({"d_in": d_in, "d_sae": d_sae, **settings})


class EncoderOnly(nn.Module):
    """An SAE's encoder as a module whose output is the latents; the weights are shared."""

    def __init__(self, sae: SAE) -> None:
        super().__init__()
        self.sae = sae

    def forward(self, x: Tensor) -> Tensor:
        """Latents [batch, d_sae] of activations [batch, d_in]."""
        return self.sae.encode(x)


def encoder_only(sae: SAE) -> EncoderOnly:
    """Just the sparse activations: a module from [batch, d_in] to latents [batch, d_sae].

    **Arguments:** `sae`, whose weights it shares.
    """
    return EncoderOnly(sae)
