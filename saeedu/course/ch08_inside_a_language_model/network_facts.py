"""What a check finds out about `module_outputs`: what was read, and what is left in the network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from saeedu import module_hooks
from saeedu.course.ch08_inside_a_language_model.facts import up_to_the_first_slip
from saeedu.grading.exercise import Call, Implementation

MISSING = "blocks.9.attn"
"""A name that none of the networks has."""


def outputs_and_what_is_left(implementation: Implementation, call: Call) -> dict[str, Any]:
    """What was read, and whether the network is as it was, also after an error."""
    right = {
        "what a module handed on": "its own output",
        "outputs": module_hooks.module_outputs(*call.args),
        "outputs with gradients": "none",
        "your hooks left in the network": 0,
        "hooks of others": "still there",
        "modes (train or eval)": "as before",
        "parameters' requires_grad": "as before",
        "PyTorch computes gradients afterwards": "yes",
        "the network's own error comes out": "yes",
        "your hooks left after the network raised": 0,
        "a name that the network does not have": "raises",
        "your hooks left after such a name": 0,
    }
    with torch.enable_grad():  # and back, whatever the attempt leaves
        return up_to_the_first_slip(right, findings(implementation, call, right["outputs"]))


def findings(
    implementation: Implementation, call: Call, expected: Any
) -> Iterator[tuple[str, Any]]:
    """One fact after the other, the most telling first."""
    network, names, x = call.args
    listener = Listener(network)
    modes = [module.training for module in network.modules()]
    tracked = [parameter.requires_grad for parameter in network.parameters()]
    others = hooks_in(network)

    outputs = implementation(network, names, x)
    yield "what a module handed on", listener.handed_on
    yield "outputs", outputs
    yield "outputs with gradients", "some" if with_gradients(outputs) else "none"
    yield "your hooks left in the network", len(hooks_in(network) - others)
    yield "hooks of others", "still there" if others <= hooks_in(network) else "gone"
    same = modes == [module.training for module in network.modules()]
    yield "modes (train or eval)", "as before" if same else "others than before"
    same = tracked == [parameter.requires_grad for parameter in network.parameters()]
    yield "parameters' requires_grad", "as before" if same else "others than before"
    yield "PyTorch computes gradients afterwards", "yes" if torch.is_grad_enabled() else "no"

    came_out = "no" if names else "yes"  # with none to read, it need not run
    try:
        implementation(network, names, x[:, :2])  # the network raises: the input is too narrow
    except RuntimeError:
        came_out = "yes"
    yield "the network's own error comes out", came_out
    yield "your hooks left after the network raised", len(hooks_in(network) - others)

    told = "is passed over"
    try:
        implementation(network, [*names, MISSING], x)
    except Exception:  # an AttributeError, or the KeyError of a dict of modules
        told = "raises"
    yield "a name that the network does not have", told
    yield "your hooks left after such a name", len(hooks_in(network) - others)


class Listener:
    """Hooks of somebody else, who looks whether modules hand on what they made."""

    def __init__(self, network: nn.Module) -> None:
        self.handed_on = "its own output"
        self._made: dict[nn.Module, Any] = {}
        self._last: dict[nn.Module, Any] = {}
        for module in network.modules():
            module.register_forward_pre_hook(self._begin)
            module.register_forward_hook(self._note)

    def _begin(self, module: nn.Module, inputs: Any) -> None:
        if module in self._last:  # the module raised the last time
            self._last[module].remove()
        # Registered now, it comes after all hooks of the attempt, and sees what these made of it.
        self._last[module] = module.register_forward_hook(self.look)

    def _note(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._made[module] = output

    def look(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """Compare what the module hands on with what it made."""
        self._last.pop(module).remove()
        if output is not self._made.pop(module):
            self.handed_on = "another tensor"


def hooks_in(network: nn.Module) -> set[tuple[int, str, int]]:
    """All hooks that are registered in a network: module, kind, and the hook's number."""
    kinds = ("_forward_hooks", "_forward_pre_hooks")
    return {
        (place, kind, number)
        for place, module in enumerate(network.modules())
        for kind in kinds
        for number, hook in getattr(module, kind).items()
        if getattr(hook, "__func__", None) is not Listener.look  # where a module has raised
    }


def with_gradients(outputs: Any) -> bool:
    """Whether one of the outputs hangs on what made it."""
    tensors = outputs.values() if isinstance(outputs, dict) else ()
    return any(isinstance(value, Tensor) and value.requires_grad for value in tensors)
