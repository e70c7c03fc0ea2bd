"""Transformers alone as the oracle for what a hook reads and what an edit there does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import GPT2LMHeadModel

SITES = ("hook_resid_pre", "hook_attn_out", "mlp.hook_post", "hook_mlp_out", "hook_resid_post")


def modules_of(original: GPT2LMHeadModel, block: int) -> dict[str, nn.Module]:
    """For each site the module of transformers whose output it is."""
    own = original.transformer.h[block]
    return {
        "hook_resid_pre": original.transformer.h[block - 1],
        "hook_attn_out": own.attn,
        "mlp.hook_post": own.mlp.act,
        "hook_mlp_out": own.mlp,
        "hook_resid_post": own,
    }


@contextmanager
def hooked(module: nn.Module, change: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Put `change` of a module's output in its place."""

    def hook(_module: nn.Module, _args: Any, output: Any) -> Any:
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    handle = module.register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def in_our_units(site: str, raw: Tensor) -> Tensor:
    """What is written into the residual stream is centred; neurons are as they are."""
    return raw if site == "mlp.hook_post" else raw - raw.mean(dim=-1, keepdim=True)
