"""Train the stand-in language model that ships in saeedu/standin/, and write it there.

`python -m scripts.train_standin train --corpus stories.txt.xz` trains, and goes on where it was
when it was stopped, at any moment. `... export --corpus stories.txt.xz` then measures the result
and writes weights, tokenizer, sample text and model card.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer

from scripts.standin.checkpoints import write_atomically
from scripts.standin.corpus import read_stories, split_stories
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
    parser.add_argument("--threads", type=int, default=2)
    recipe = Recipe()
    parser.add_argument("--decline", type=decline_from, default=recipe.decline)
    for name in ("warmup", "rows", "muon_lr", "adam_lr", "weight_decay", "seed"):
        default = getattr(recipe, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args(arguments))
    torch.set_num_threads(options.pop("threads"))
    job, corpus, folder, to = (options.pop(name) for name in ("job", "corpus", "folder", "to"))
    if job == "train":
        train(corpus, folder, Recipe(**options))
    else:
        from scripts.standin.shipping import ship  # needs transformers, which training does not

        ship(corpus, folder, to)
    return 0


def train(corpus: Path, folder: Path, recipe: Recipe) -> Run:
    """Train, or go on training.

    **Arguments:** `corpus`, the stories; `folder`, for the tokenizer and the checkpoint; `recipe`.
    **Returns:** the finished run.
    """
    texts, held_out_texts = split_stories(read_stories(corpus))
    tokenizer = tokenizer_of_run(folder, texts, recipe.shape.vocabulary)
    held_out_texts = held_out_texts[:MONITORED]
    held_out = encode_stories(tokenizer, held_out_texts)

    def measure(network: Network) -> float:
        with torch.autocast("cpu", torch.bfloat16):
            loss = held_out_loss(network, held_out, held_out_texts, recipe.shape.context, BOS)
        return loss.per_character

    run = Run(recipe, encode_stories(tokenizer, texts), folder)
    run.train(measure)
    return run


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
