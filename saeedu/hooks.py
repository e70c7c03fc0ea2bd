"""The places in a language model that can be read and replaced, by their TransformerLens names."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from saeedu.products import FastProducts
from saeedu.shapes import ShapeError

Edits = Mapping[str, Callable[[Tensor], Tensor]]
"""For each hook a function from the activation there to what takes its place."""

SITES = {
    "hook_resid_pre": "the residual stream as it enters the block",
    "hook_attn_out": "what attention adds to the residual stream",
    "mlp.hook_post": "the MLP's neurons, after their activation function",
    "hook_mlp_out": "what the MLP adds to the residual stream",
    "hook_resid_post": "the residual stream as it leaves the block",
}
"""The hooks of one block, in the order in which GPT-2 computes them."""

RESIDUAL = ("hook_resid_pre", "hook_resid_post")


class HookName(NamedTuple):
    """A hook name taken apart: `"blocks.8.hook_mlp_out"` is block 8, site `hook_mlp_out`."""

    block: int
    site: str


def parse_hook(hook: str, n_blocks: int, model_name: str) -> HookName:
    """Take a hook name apart, and refuse one that the model does not have.

    **Arguments:** `hook`, such as `"blocks.8.hook_resid_pre"`; `n_blocks`, how many the model has;
    `model_name`, for the error.
    **Returns:** its `HookName`.
    **Raises:** `ValueError`, with the names there are.
    """
    match = re.fullmatch(r"blocks\.(\d+)\.(.+)", hook)
    if match is None or match[2] not in SITES or int(match[1]) >= n_blocks:
        *most, last = SITES
        raise ValueError(
            f"no hook {hook!r} in {model_name}: use blocks.L.{', '.join(most)} or {last} "
            f"with L from 0 to {n_blocks - 1}"
        )
    return HookName(int(match[1]), match[2])


def read_hooks(bridge: Any, tokens: Tensor, hooks: Sequence[str]) -> dict[str, Tensor]:
    """Run a model until every hook has been passed, and no further.

    **Arguments:** `bridge`, a `TransformerBridge`; `tokens` [batch, context], on its device;
    `hooks`, names that it has.
    **Returns:** for each hook its activation, without gradients.
    """
    seen: dict[str, Tensor] = {}

    def reader(name: str) -> Callable[..., None]:
        def read(activation: Tensor, hook: Any) -> None:
            seen[name] = activation
            if len(seen) == len(readers):
                raise _AllSeen

        return read

    readers = [(name, reader(name)) for name in dict.fromkeys(hooks)]
    if readers:
        with torch.no_grad(), FastProducts(), contextlib.suppress(_AllSeen):
            bridge.run_with_hooks(tokens, return_type=None, fwd_hooks=readers)
    return seen


def run_with_edits(bridge: Any, tokens: Tensor, edits: Edits) -> Tensor:
    """Run a whole model while activations are replaced.

    **Arguments:** `bridge` and `tokens` as for `read_hooks`; `edits`, at hooks that it has.
    **Returns:** logits [batch, context, vocabulary], without gradients.
    **Raises:** `ShapeError` when an edit changes the shape.
    """
    editors = [(name, _editor(name, replace)) for name, replace in edits.items()]
    with torch.no_grad(), FastProducts():
        return bridge.run_with_hooks(tokens, return_type="logits", fwd_hooks=editors)


class _AllSeen(Exception):
    """Not an error, but the way out of a forward pass once there is nothing more to read."""


def _editor(name: str, replace: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    def edit(activation: Tensor, hook: Any) -> Tensor:
        edited = replace(activation)
        if edited.shape != activation.shape:
            raise ShapeError(
                f"the edit at {name} turned {list(activation.shape)} into "
                f"{list(edited.shape)}; it must keep the shape"
            )
        return edited

    return edit
