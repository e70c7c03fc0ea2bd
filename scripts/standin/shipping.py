"""From a finished run to the folder that ships: export it, measure the export, write its card."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.standin.card import model_card
from scripts.standin.checkpoints import CheckpointError, load_checkpoint
from scripts.standin.corpus import read_stories, split_stories, write_stories
from scripts.standin.export import export_model
from scripts.standin.measure import MONITORED, Logits, held_out_loss, packed_loss, sample
from scripts.standin.network import Network
from scripts.standin.recipe import Recipe
from scripts.standin.tokens import encode_stories
from scripts.standin.training import BOS, CHECKPOINT

SHIPPED_TRAINING_STORIES = 9000
SEEN, UNSEEN = "stories-seen.txt.xz", "stories-held-out.txt.xz"
SAMPLES, TEMPERATURE = 5, 0.8
CURVE_EVERY, CURVE_MEAN = 500, 100


def ship(corpus: Path, run_folder: Path, to: Path) -> None:
    """Write everything that ships, and its measurements.

    **Arguments:** `corpus`, the stories; `run_folder`, of a finished run; `to`, the folder to
    write.
    **Raises:** `CheckpointError` when the run is missing or not finished.
    """
    network, state = finished_run(run_folder)
    texts, held_out_texts = split_stories(read_stories(corpus))
    tokenizer = Tokenizer.from_file(str(run_folder / "tokenizer.json"))
    export_model(network, tokenizer, to)
    write_stories(to / SEEN, texts[:SHIPPED_TRAINING_STORIES])
    write_stories(to / UNSEEN, held_out_texts)
    record = {
        "recipe": state["recipe"],
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "training_stories": len(texts),
        "training_characters": sum(map(len, texts)),
        "training_tokens": sum(map(len, encode_stories(tokenizer, texts))),
        "training_loss": curve(state["losses"]),
        "monitored_stories": min(MONITORED, len(held_out_texts)),
        "monitored": {step: round(loss, 4) for step, loss in state["measured"].items()},
        "shipped_training_stories": min(SHIPPED_TRAINING_STORIES, len(texts)),
        **measurements(to, held_out_texts),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (to / "training.json").write_text(text, encoding="utf-8")
    (to / "README.md").write_text(model_card(record), encoding="utf-8")


def finished_run(folder: Path) -> tuple[Network, dict[str, Any]]:
    """Read a run's last checkpoint.

    **Returns:** the network, and the checkpoint's state.
    **Raises:** `CheckpointError` when there is none, or it has steps to go.
    """
    found = load_checkpoint(folder / CHECKPOINT)
    if found is None:
        raise CheckpointError(f"{folder} has no {CHECKPOINT}: train first")
    tensors, state = found
    recipe = Recipe.from_dict(state["recipe"])
    if len(state["losses"]) != recipe.steps:
        raise CheckpointError(f"the run in {folder} stands at step {len(state['losses'])}")
    network = Network(recipe.shape)
    mine = {k.removeprefix("network."): v for k, v in tensors.items() if k[:8] == "network."}
    network.load_state_dict(mine)
    return network, state


def curve(losses: list[float]) -> dict[str, float]:
    """The training loss at every so many steps, each the mean of the steps before it."""
    steps = range(CURVE_EVERY, len(losses) + 1, CURVE_EVERY)
    if not steps or steps[-1] != len(losses):
        steps = [*steps, len(losses)]
    means = {step: losses[max(0, step - CURVE_MEAN) : step] for step in steps}
    return {str(step): round(sum(part) / len(part), 4) for step, part in means.items()}


def measurements(folder: Path, held_out_texts: list[str]) -> dict[str, Any]:
    """Measure an exported model, loaded as anyone would load it.

    **Arguments:** `folder`, of the export; `held_out_texts`, stories that it never saw.
    **Returns:** entries of the record.
    """
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    context = model.config.n_positions

    def logits(tokens: Tensor) -> Tensor:
        return model(tokens).logits

    held_out = encode_stories(Tokenizer.from_file(str(folder / "tokenizer.json")), held_out_texts)
    loss = held_out_loss(logits, held_out, held_out_texts, context, BOS)
    return {
        "held_out": {
            **dataclasses.asdict(loss),
            "of_stories": len(held_out),
            "per_token": loss.per_token,
            "per_character": loss.per_character,
            "per_character_with_end": loss.per_character_with_end,
            "packed_per_token": packed_loss(logits, held_out, context, BOS),
        },
        "samples": samples(logits, tokenizer, context),
    }


def samples(logits: Logits, tokenizer: Any, context: int) -> list[str]:
    """A few stories that the model makes up from nothing, with seeds 0, 1, 2, ..."""
    made = [sample(logits, [BOS], context, BOS, TEMPERATURE, seed)[1:] for seed in range(SAMPLES)]
    return [tokenizer.decode(tokens) for tokens in made]
