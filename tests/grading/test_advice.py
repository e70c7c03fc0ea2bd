"""PyTorch's and NumPy's own errors, as they come today, are each given a sentence of ours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from saeedu.grading.advice import raised_advice

SINGLE, DOUBLE = torch.ones(2, 3), torch.ones(4, 3, dtype=torch.float64)
WHERE = torch.tensor([0, 1])


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (lambda: DOUBLE.index_add(0, WHERE, SINGLE), "differ in type"),
        (lambda: DOUBLE.scatter(1, WHERE[:, None], SINGLE), "differ in type"),
        (lambda: DOUBLE.index_put((WHERE,), SINGLE), "differ in type"),
        (lambda: DOUBLE @ SINGLE.T, "differ in type"),
        (lambda: torch.einsum("bd,nd->bn", SINGLE, DOUBLE), "differ in type"),
        (lambda: DOUBLE[SINGLE[:, 0]], "whole numbers"),
        (lambda: DOUBLE.scatter(1, DOUBLE, DOUBLE), "whole numbers"),
        (lambda: DOUBLE @ DOUBLE, "inner axes"),
        (lambda: DOUBLE + torch.ones(5), "from the right"),
        (lambda: np.ones((2, 3)) @ np.ones((2, 3)), "inner axes"),
        (lambda: np.ones((2, 3)) + np.ones(2), "from the right"),
        (lambda: dict[str, int]()["no such key"], ""),
    ],
)
def test_advice_on_what_a_library_raises(fail: Callable[[], object], words: str) -> None:
    with pytest.raises((RuntimeError, LookupError, ValueError)) as caught:
        fail()
    advice = raised_advice(caught.value)
    assert words in advice if words else advice == ""


def test_only_a_not_implemented_error_of_ones_own_is_to_be_taken_out() -> None:
    with pytest.raises(NotImplementedError) as caught:
        torch.nn.ModuleList()(SINGLE)
    assert "a library that you called" in raised_advice(caught.value)
    with pytest.raises(NotImplementedError) as caught:
        raise NotImplementedError("to do")
    assert "take that line out" in raised_advice(caught.value)
