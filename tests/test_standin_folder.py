"""The folder saeedu/standin/ holds what its card says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

import saeedu
from scripts.standin.card import model_card
from scripts.standin.corpus import read_stories
from scripts.standin.measure import held_out_loss
from scripts.standin.shipping import SEEN, UNSEEN
from scripts.standin.tokens import encode_stories
from scripts.standin.training import BOS

FOLDER = Path(saeedu.__file__).parent / "standin"
MEGABYTE = 1_000_000


def record() -> dict[str, object]:
    loaded: dict[str, object] = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    return loaded


def test_it_is_small_enough_to_ship() -> None:
    sizes = {file.name: file.stat().st_size for file in FOLDER.iterdir()}
    text = sizes.pop(SEEN) + sizes.pop(UNSEEN)
    assert text < 1.5 * MEGABYTE
    assert sum(sizes.values()) < 10 * MEGABYTE
    assert set(sizes) == {
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    }


def test_the_card_is_written_from_the_record() -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == model_card(record())


def test_the_weights_are_half_precision_and_finite() -> None:
    with safe_open(FOLDER / "model.safetensors", framework="pt") as file:
        for name in file.keys():  # noqa: SIM118
            weight = file.get_tensor(name)
            assert weight.dtype == torch.float16
            assert torch.isfinite(weight).all()


def test_no_held_out_story_is_among_those_it_saw() -> None:
    seen, unseen = read_stories(FOLDER / SEEN), read_stories(FOLDER / UNSEEN)
    assert not set(seen) & set(unseen)
    assert len(seen) == record()["shipped_training_stories"]
    held_out = record()["held_out"]
    assert isinstance(held_out, dict)
    assert len(unseen) == held_out["of_stories"]


def test_it_reads_stories_about_as_well_as_the_card_says() -> None:
    model = AutoModelForCausalLM.from_pretrained(FOLDER).eval()
    assert model.dtype == torch.float32
    texts = read_stories(FOLDER / UNSEEN)[:16]
    tokens = encode_stories(Tokenizer.from_file(str(FOLDER / "tokenizer.json")), texts)
    context = model.config.n_positions
    loss = held_out_loss(lambda ids: model(ids).logits, tokens, texts, context, BOS)
    held_out = record()["held_out"]
    assert isinstance(held_out, dict)
    assert loss.per_character == pytest.approx(held_out["per_character"], rel=0.15)


def test_the_tokenizer_gives_back_what_it_got() -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    text = 'Lily said, "Hi!"\nÉmile was 3 years old. 🦊'
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
    assert tokenizer.bos_token_id == tokenizer.eos_token_id == BOS
