"""Train the stand-in language model that ships in saeedu/standin/, and write it there.

`python -m scripts.train_standin train --corpus stories.txt.xz` trains, and goes on where it was
when it was stopped, at any moment. `... export --corpus stories.txt.xz` then measures the result
and writes weights, tokenizer, sample text and model card. With `--begin-with saeedu/standin` a new
run takes up the weights of an export, to train them further; its `--decline` should then begin
lower, such as 0:.3,5000:0, with another `--seed` for another order of the stories. `export` needs
the same `--begin-with`, and with `--average` ships the mean of several runs' last weights: runs
that began with the same ones and differ in their `--seed`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer

from scripts.standin.checkpoints import write_atomically
from scripts.standin.corpus import read_stories, split_stories
from scripts.standin.export import digest_of_export, weights_of_export
from scripts.standin.measure import MONITORED, held_out_loss
from scripts.standin.network import Network
from scripts.standin.recipe import Recipe, decline_from
from scripts.standin.tokens import encode_stories, train_tokenizer
from scripts.standin.training import BOS, Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two jobs; **Returns:** the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.train_standin", description=__doc__)
    parser.add_argument("job", choices=["train", "export"])
    parser.add_argument("--corpus", type=Path, default=Path("stories.txt.xz"))
    parser.add_argument("--folder", type=Path, default=Path("runs/standin"), help="of the run")
    parser.add_argument("--to", type=Path, default=Path("saeedu/standin"), help="of the export")
    parser.add_argument("--begin-with", type=Path, metavar="EXPORT", help="whose weights to train")
    parser.add_argument(
        "--average", type=Path, nargs="+", default=[], metavar="FOLDER", help="of runs beside it"
    )
    parser.add_argument("--threads", type=int, default=2)
    recipe = Recipe()
    parser.add_argument("--decline", type=decline_from, default=recipe.decline)
    for name in ("warmup", "rows", "muon_lr", "adam_lr", "weight_decay", "dropout", "seed"):
        default = getattr(recipe, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args(arguments))
    torch.set_num_threads(options.pop("threads"))
    job, corpus, folder, to = (options.pop(name) for name in ("job", "corpus", "folder", "to"))
    first, others = options.pop("begin_with"), options.pop("average")
    if job == "train":
        train(corpus, folder, Recipe(**options), first)
    else:
        from scripts.standin.shipping import ship  # needs transformers, which training does not

        ship(corpus, folder, to, first, others)
    return 0


def train(corpus: Path, folder: Path, recipe: Recipe, export: Path | None = None) -> Run:
    """Train, or go on training.

    **Arguments:** `corpus`, the stories; `folder`, for the tokenizer and the checkpoint; `recipe`;
    `export`, the folder of an exported model whose weights to begin with, by default none.
    **Returns:** the finished run.
    """
    first = None
    if export is not None:
        recipe, first = begun_from(export, recipe), weights_of_export(export)
        if not (folder / "tokenizer.json").exists():
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / "tokenizer.json", (export / "tokenizer.json").read_bytes())
    texts, held_out_texts = split_stories(read_stories(corpus))
    tokenizer = tokenizer_of_run(folder, texts, recipe.shape.vocabulary)
    held_out_texts = held_out_texts[:MONITORED]
    held_out = encode_stories(tokenizer, held_out_texts)

    def measure(network: Network) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            loss = held_out_loss(network, held_out, held_out_texts, recipe.shape.context, BOS)
        return loss.per_character

    run = Run(recipe, encode_stories(tokenizer, texts), folder, first)
    run.train(measure)
    return run


def begun_from(export: Path, recipe: Recipe) -> Recipe:
    """The recipe of a run that trains an export's weights further.

    **Arguments:** `export`, the folder, with the training.json that says how it was made; `recipe`.
    **Returns:** the recipe, with which weights these are and how many tokens they have seen.
    """
    digest = digest_of_export(export)
    record = json.loads((export / "training.json").read_text(encoding="utf-8"))
    earlier = Recipe.from_dict(record["recipe"])
    return dataclasses.replace(recipe, begun_from=digest[:16], earlier_tokens=earlier.tokens)


def tokenizer_of_run(folder: Path, texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """The tokenizer in a run's folder, learned first when there is none.

    **Arguments:** `folder`; `texts` to learn from; `vocabulary`, its entries.
    **Returns:** the tokenizer.
    """
    path = folder / "tokenizer.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = train_tokenizer(texts, vocabulary)
        write_atomically(path, tokenizer.to_str().encode("utf-8"))
    return Tokenizer.from_file(str(path))


if __name__ == "__main__":
    sys.exit(main())
