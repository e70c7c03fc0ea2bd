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
from scripts.standin.export import digest_of_export, export_model, weights_of_export
from scripts.standin.measure import MONITORED, Logits, held_out_loss, packed_loss, sample
from scripts.standin.network import Network
from scripts.standin.recipe import Recipe
from scripts.standin.tokens import encode_stories
from scripts.standin.training import BOS, CHECKPOINT

SHIPPED_TRAINING_STORIES = 9000
SEEN, UNSEEN = "stories-seen.txt.xz", "stories-held-out.txt.xz"
SAMPLES, TEMPERATURE = 5, 0.8
CURVE_EVERY, CURVE_MEAN = 500, 100


def ship(
    corpus: Path, run_folder: Path, to: Path, first: Path | None = None, average: bool = False
) -> None:
    """Write everything that ships, and its measurements.

    **Arguments:** `corpus`, the stories; `run_folder`, of a finished run; `to`, the folder to
    write; `first`, the folder of the export that the run began with, if it did; `average`, whether
    to ship the mean of its weights and the run's last ones.
    **Raises:** `CheckpointError` when the run is missing or not finished, or began otherwise.
    """
    network, state = finished_run(run_folder)
    begun_from = state["recipe"]["begun_from"]
    began = "" if first is None else digest_of_export(first)[: len(begun_from) or None]
    if began != begun_from:
        raise CheckpointError(
            f"the run in {run_folder} began with the weights {begun_from or 'that were drawn'}, "
            f"not with {began or 'drawn ones'}: say with --begin-with what it began with"
        )
    earlier = [] if first is None else runs_of(first)
    if average and first is not None:
        average_with(network, weights_of_export(first))
    texts, held_out_texts = split_stories(read_stories(corpus))
    tokenizer = Tokenizer.from_file(str(run_folder / "tokenizer.json"))
    export_model(network, tokenizer, to)
    write_stories(to / SEEN, texts[:SHIPPED_TRAINING_STORIES])
    write_stories(to / UNSEEN, held_out_texts)
    record = {
        "recipe": state["recipe"],
        "averaged": average and first is not None,
        "earlier_runs": earlier,
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


def runs_of(export: Path) -> list[dict[str, Any]]:
    """How an export was made. **Returns:** the recipe of each run, the first one first, and
    whether it was averaged with what it began with."""
    record = json.loads((export / "training.json").read_text(encoding="utf-8"))
    last = {"recipe": record["recipe"], "averaged": record.get("averaged", False)}
    return [*record.get("earlier_runs", []), last]


def average_with(network: Network, first: dict[str, Tensor]) -> None:
    """Replace a network's weights by the mean of them and those that its run began with.

    Both ends of a run that goes on from trained weights fit the stories well, each with accidents
    of its own; the loss stays low on the line between them, and their mean shares few of either's.

    **Arguments:** `network`, changed in place; `first`, the weights, by name.
    **Source:** Wortsman et al. (2022), "Robust fine-tuning of zero-shot models"; here with one
    half of each, which was not tuned.
    """
    mean = {name: (weight + first[name]) / 2 for name, weight in network.state_dict().items()}
    network.load_state_dict(mean)


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
