from __future__ import annotations

import pytest
import torch
from torch import nn

from saeedu.module_hooks import module_outputs


def hooks_left(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


def test_the_outputs_are_those_that_the_modules_give_when_called_by_hand() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    x = torch.randn(5, 3)
    outputs = module_outputs(network, ["2", "0"], x)
    assert set(outputs) == {"0", "2"}
    torch.testing.assert_close(outputs["0"], x @ network[0].weight.T + network[0].bias)
    torch.testing.assert_close(outputs["2"], network(x))
    assert not outputs["2"].requires_grad
    assert hooks_left(network) == 0


def test_what_is_changed_in_place_later_was_kept_as_it_was() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True))
    outputs = module_outputs(network, ["0"], torch.randn(50, 3))
    assert (outputs["0"] < 0).any()


def test_no_hook_stays_when_the_network_raises() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2))
    with pytest.raises(RuntimeError):
        module_outputs(network, ["0"], torch.randn(5, 3))
    assert hooks_left(network) == 0


def test_an_unknown_name_raises_and_leaves_no_hook() -> None:
    network = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(AttributeError):
        module_outputs(network, ["0", "attn"], torch.randn(5, 3))
    assert hooks_left(network) == 0
