from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saeedu.sampling import sample_tokens

LOGITS = torch.tensor([2.0, 0.0, 1.0, -1.0])
END = 3


def fixed(tokens: Tensor) -> Tensor:
    return LOGITS.expand(len(tokens), 4)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_come_as_often_as_their_probabilities_say(temperature: float) -> None:
    start = torch.zeros(20_000, 1, dtype=torch.long)
    drawn = sample_tokens(fixed, start, 1, temperature, seed=0, end_token_id=END)[:, 1]
    expected = (LOGITS / temperature).exp() / (LOGITS / temperature).exp().sum()
    frequencies = torch.bincount(drawn, minlength=4) / 20_000
    # Four standard errors of a frequency near one half: 0.014.
    torch.testing.assert_close(frequencies, expected, atol=0.014, rtol=0)


def test_temperature_zero_takes_the_likeliest() -> None:
    start = torch.tensor([[1], [2]])
    assert sample_tokens(fixed, start, 3, 0, 0, END).tolist() == [[1, 0, 0, 0], [2, 0, 0, 0]]


def test_each_token_is_drawn_given_all_before_it() -> None:
    """A made-up model that counts: after 0 1 2 comes 3 = the length so far."""

    def counting(tokens: Tensor) -> Tensor:
        return 50.0 * torch.nn.functional.one_hot(torch.full((len(tokens),), tokens.shape[1]), 9)

    start = torch.tensor([[0]])
    assert sample_tokens(counting, start, 5, 1, 0, end_token_id=8).tolist() == [[0, 1, 2, 3, 4, 5]]


def test_a_text_that_has_ended_stays_ended_and_all_ended_is_the_end() -> None:
    def first_row_ends_at_once(tokens: Tensor) -> Tensor:
        wanted = torch.tensor([END, END if tokens.shape[1] >= 3 else 1])
        if tokens.shape[1] == 2:
            wanted[0] = 0  # ignored: this row is over
        return 50.0 * torch.nn.functional.one_hot(wanted, 4)

    got = sample_tokens(first_row_ends_at_once, torch.tensor([[0], [0]]), 9, 0, 0, END)
    assert got.tolist() == [[0, END, END, END], [0, 1, 1, END]]


def test_no_new_tokens_are_no_new_tokens() -> None:
    start = torch.tensor([[1, 2]])
    assert torch.equal(sample_tokens(fixed, start, 0, 1, 0, END), start)


@pytest.mark.parametrize(
    ("n", "temperature", "message"),
    [
        (-1, 1.0, "max_new_tokens is -1"),
        (1, -0.1, "temperature is -0.1"),
        (1, float("nan"), "temperature is nan"),
    ],
)
def test_numbers_that_cannot_be_meant_are_refused(n: int, temperature: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sample_tokens(fixed, torch.tensor([[0]]), n, temperature, 0, END)
