"""Cards to be read blind: the top contexts of latents and of random directions, in one pile.

`python -m scripts.blind_cards write --to DIR` trains chapter 09's SAE on the model that "auto"
finds, draws live latents and as many random directions of the densities of other latents, and
writes DIR/cards.txt and DIR/key.json. A reader writes names.json beside them, {"1": "a name",
"2": "", ...}, with "" for a card without a name. `... score --to DIR` then counts.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import torch

from saeedu.activations import collect_activations, pack_tokens
from saeedu.analysis import Contexts, context_view, random_directions, read_features
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.sae import build_sae
from saeedu.text import load_text
from saeedu.train_config import TrainConfig
from saeedu.training import train

LIVE = 10  # times that a latent fired, at least
KINDS = ("latent", "random direction")


def main() -> None:
    """Write the pile, or count what a reader named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("do", choices=("write", "score"))
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--each", type=int, default=50, help="cards of each kind")
    parser.add_argument("--model", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.do == "write":
        write(options.to, options.model, options.each, options.seed)
    else:
        key = json.loads((options.to / "key.json").read_text())
        names = json.loads((options.to / "names.json").read_text("utf-8"))
        for kind, (named, of) in score(key, names).items():
            print(f"{kind}: {named} of {of} named")


def write(
    folder: Path, model_name: str, each: int, seed: int, n_steps: int = 700, tokens: int = 200_000
) -> None:
    """Train, read, shuffle, and write cards.txt and key.json into `folder`.

    `tokens`: at most so many are trained on, and at most so many read.
    """
    model = load_language_model(model_name)
    hook, context = model.suggested_hook, min(128, model.context)
    train_text, reading_text = load_text(model.suggested_text).split(held_out=0.3, seed=seed)
    x = collect_activations(model, pack_tokens(model, train_text, context, tokens), hook).x
    sae = build_sae(model.d_model, 16 * model.d_model, sparsity="top_k", k=32, seed=seed)
    decay = n_steps // 4
    config = TrainConfig(n_steps, 512, lr=2e-3, l1_warmup_steps=0, lr_decay_steps=decay, seed=seed)
    train(sae, x, config)

    contexts = pack_tokens(model, reading_text, context, tokens).split(16)
    reading = read_features(model, sae, contexts, hook)
    live = (reading.counts >= LIVE).nonzero()[:, 0]
    generator = torch.Generator().manual_seed(seed)
    drawn = live[torch.randperm(len(live), generator=generator)[: 2 * each]]
    control = random_directions(x[:20_000], reading.density[drawn[each:]], seed)
    control_top = read_features(model, control, contexts, hook).top
    examples = [(KINDS[0], reading.top, int(latent)) for latent in drawn[:each]]
    examples += [(KINDS[1], control_top, row) for row in range(len(drawn) - each)]

    cards, key = [], {}
    for number, i in enumerate(torch.randperm(len(examples), generator=generator).tolist(), 1):
        kind, top, row = examples[i]
        cards.append(_card(model, top, row, f"Card {number}"))
        key[str(number)] = kind
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cards.txt").write_text("\n\n".join(cards) + "\n", "utf-8")
    (folder / "key.json").write_text(json.dumps(key, indent=1) + "\n")
    print(f"{len(live)} live latents; {len(cards)} cards in {folder / 'cards.txt'}")


def score(key: dict[str, str], names: dict[str, str]) -> dict[str, tuple[int, int]]:
    """How many cards of each kind have a name, and how many there are.

    **Raises:** `ValueError` when a card was left out.
    """
    if missing := sorted(set(key) - set(names), key=int):
        raise ValueError(f'names.json says nothing of card {missing[0]}; write "" for no name')
    named = Counter(kind for number, kind in key.items() if names[number].strip())
    return {kind: (named[kind], count) for kind, count in Counter(key.values()).items()}


def _card(model: LanguageModel, top: Contexts, row: int, title: str) -> str:
    """The examples as plain text, the strongest of them scaled to 1: sizes give nothing away."""
    one = top.rows([row])
    largest = one.values.max().clamp(min=1e-9)
    one = one._replace(values=one.values / largest, activations=one.activations / largest)
    return context_view(model, one, 0, title).text


if __name__ == "__main__":
    main()
