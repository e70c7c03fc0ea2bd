"""From a finished run to the folder that ships: export it, measure the export, write its card."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts.standin.card import model_card
from scripts.standin.checkpoints import CheckpointError, load_checkpoint
from scripts.standin.corpus import read_stories, split_stories, write_stories
from scripts.standin.export import digest_of_export, export_model
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
    corpus: Path,
    run_folder: Path,
    to: Path,
    first: Path | None = None,
    others: Sequence[Path] = (),
) -> None:
    """Write everything that ships, and its measurements.

    **Arguments:** `corpus`, the stories; `run_folder`, of a finished run; `to`, the folder to
    write; `first`, the folder of the export that the run began with, if it did; `others`, folders
    of further runs that began with it, to ship the mean of all their last weights.
    **Raises:** `CheckpointError` when a run is missing or not finished, or began otherwise.
    """
    network, state = finished_run(run_folder)
    ends = [(network, state), *map(finished_run, others)]
    for folder, (_, end) in zip([run_folder, *others], ends, strict=True):
        must_begin_with(first, end["recipe"]["begun_from"], folder)
    if others:
        average([each for each, _ in ends])
    texts, held_out_texts = split_stories(read_stories(corpus))
    tokenizer = Tokenizer.from_file(str(run_folder / "tokenizer.json"))
    export_model(network, tokenizer, to)
    write_stories(to / SEEN, texts[:SHIPPED_TRAINING_STORIES])
    write_stories(to / UNSEEN, held_out_texts)
    record = {
        "recipe": state["recipe"],
        "averaged_with": [end["recipe"] for _, end in ends[1:]],
        "earlier_runs": [] if first is None else runs_of(first),
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


def must_begin_with(first: Path | None, begun_from: str, run_folder: Path) -> None:
    """**Raises:** `CheckpointError` unless a run began with an export's weights.

    **Arguments:** `first`, the folder of the export, or None for drawn weights; `begun_from`, from
    the run's recipe; `run_folder`, for the message.
    """
    given = "" if first is None else digest_of_export(first)[: len(begun_from) or None]
    if given != begun_from:
        raise CheckpointError(
            f"the run in {run_folder} began with {begun_from or 'drawn weights'}, not with "
            f"{given or 'drawn weights'}: say with --begin-with what it began with"
        )


def runs_of(export: Path) -> list[dict[str, Any]]:
    """How an export was made.

    **Returns:** one entry a run, the first run first: its `recipe`, and in `averaged_with` those
    of the runs beside it that it was averaged with.
    """
    record = json.loads((export / "training.json").read_text(encoding="utf-8"))
    last = {name: record.get(name, []) for name in ("recipe", "averaged_with")}
    return [*record.get("earlier_runs", []), last]


def average(networks: Sequence[Network]) -> None:
    """Give the first of some networks the mean of all their weights.

    Runs that go on from the same trained weights end in the same wide valley of the loss, each
    with accidents of its own in how it learnt its stories by heart. The mean has fewer.

    **Arguments:** `networks`, of the same shape; the first is changed.
    **Source:** Wortsman et al. (2022), "Model soups", the uniform one.
    """
    weights = [network.state_dict() for network in networks]
    mean = {name: torch.stack([each[name] for each in weights]).mean(0) for name in weights[0]}
    networks[0].load_state_dict(mean)


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
