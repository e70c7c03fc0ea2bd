"""The pile of cards is fair, and the count is a count."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from scripts import blind_cards


@pytest.mark.slow  # trains an SAE on the bundled model
def test_a_pile_holds_both_kinds_alike_and_gives_nothing_away(tmp_path: Path) -> None:
    blind_cards.write(tmp_path, "stand-in", each=6, seed=1, n_steps=30, tokens=6_000)
    key = json.loads((tmp_path / "key.json").read_text())
    assert Counter(key.values()) == {"latent": 6, "random direction": 6}
    kinds = list(key.values())
    assert kinds != sorted(kinds)  # shuffled
    text = (tmp_path / "cards.txt").read_text("utf-8")
    cards = text.strip().split("\n\n")
    assert [card.split("\n")[0] for card in cards] == [f"Card {number}" for number in key]
    assert "latent" not in text
    for card in cards:
        strengths = [float(number) for number in re.findall(r"^ *(\d\.\d\d) ", card, re.MULTILINE)]
        assert strengths[0] == 1  # a card's scale does not tell its kind
        assert strengths == sorted(strengths, reverse=True)


def test_names_are_counted_by_kind() -> None:
    key = {"1": "latent", "2": "random direction", "3": "latent", "4": "random direction"}
    names = {"1": "dogs", "2": " ", "3": "", "4": "the end"}
    assert blind_cards.score(key, names) == {"latent": (1, 2), "random direction": (1, 2)}
    with pytest.raises(ValueError, match="nothing of card 3"):
        blind_cards.score(key, {"1": "", "2": "", "4": ""})
