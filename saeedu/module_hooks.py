"""Reading a PyTorch network from inside, with nothing but PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


def module_outputs(network: nn.Module, names: Sequence[str], x: Tensor) -> dict[str, Tensor]:
    """Run a network on an input, and read what some of the modules inside it return.

    The network is left as it was: no hook of ours stays in it, also when it raises.

    **Arguments:** `network`; `names` of modules inside it, as `network.get_submodule` takes them,
    e.g. `"blocks.1.mlp"`, each of which returns one tensor; `x`, the network's input.
    **Returns:** for each name what that module returned, as it was at that moment and without
    gradients: a later operation in place does not reach it.
    **Raises:** `AttributeError` for a name that the network does not have.
    **Source:** `torch.nn.Module.register_forward_hook`; TransformerLens and nnsight rest on it.
    """
    seen: dict[str, Tensor] = {}

    def reader(name: str) -> Callable[..., None]:
        def read(module: nn.Module, inputs: Any, output: Tensor) -> None:
            seen[name] = output.detach().clone()

        return read

    modules = {name: network.get_submodule(name) for name in names}
    handles = [module.register_forward_hook(reader(name)) for name, module in modules.items()]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen
