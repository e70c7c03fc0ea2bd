"""Train an SAE on a real language model, as chapter 09 does, and print what came of it as JSON.

    python benchmarks/first_real_run.py

Give `--model` and `--text` for others than what chapter 09 would take, `--save` to keep the SAE.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import torch

from saeedu.activations import collect_activations, pack_tokens
from saeedu.language_model import load_language_model
from saeedu.metrics import evaluate_cross_entropy, evaluate_reconstruction
from saeedu.sae import ReLUSAE, save_sae
from saeedu.text import load_text
from saeedu.training import TrainConfig, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="auto")
    parser.add_argument("--text", default="auto")
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--eval-tokens", type=int, default=4_096)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--d-sae", type=int, default=2_048)
    parser.add_argument("--l1", type=float, default=1.0)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", default=None, help="a folder for the SAE")
    args = parser.parse_args()

    seconds: dict[str, float] = {}
    clock = time.perf_counter()

    def lap(name: str) -> None:
        nonlocal clock
        seconds[name] = round(time.perf_counter() - clock, 1)
        clock = time.perf_counter()

    model = load_language_model(args.model)
    lap("load")
    train_text, held_out_text = load_text(args.text).split(held_out=0.1, seed=args.seed)
    hook = model.suggested_hook
    tokens = pack_tokens(model, train_text, args.context, args.tokens)
    eval_tokens = pack_tokens(model, held_out_text, args.context, args.eval_tokens)
    lap("tokenize")
    activations = collect_activations(model, tokens, hook)
    lap("collect")
    held_out = collect_activations(model, eval_tokens, hook)
    lap("collect_held_out")
    sae = ReLUSAE(model.d_model, args.d_sae, args.l1, seed=args.seed)
    config = TrainConfig(
        n_steps=args.steps,
        batch_size=args.batch_size,
        lr=args.lr,
        l1_warmup_steps=args.steps // 5,
        lr_decay_steps=args.steps // 5,
        seed=args.seed,
    )
    history = train(sae, activations.x, config)
    lap("train")
    reconstruction = evaluate_reconstruction(sae, held_out.x)
    cross_entropy = evaluate_cross_entropy(model, sae, eval_tokens, hook)
    lap("evaluate")
    if args.save:
        save_sae(sae, args.save, model.name, hook, args.context, train_text.name)
    result: dict[str, Any] = {
        **vars(args),
        "model": model.name,
        "hook": hook,
        "text": train_text.name,
        "threads": torch.get_num_threads(),
        "activations": len(activations.x),
        "epochs": round(args.steps * args.batch_size / len(activations.x), 1),
        "held_out_activations": len(held_out.x),
        "l0": round(reconstruction.l0, 1),
        "l0_train": round(history.l0[-1], 1),
        "explained_variance": round(reconstruction.explained_variance, 4),
        "explained_variance_train": round(history.explained_variance[-1], 4),
        "silent_in_last_tenth": round(1 - history.fired.float().mean().item(), 4),
        "cross_entropy_clean": round(cross_entropy.clean, 4),
        "cross_entropy_sae": round(cross_entropy.with_sae, 4),
        "cross_entropy_zero": round(cross_entropy.zero_ablated, 4),
        "cross_entropy_recovered": round(cross_entropy.recovered, 4),
        "seconds": seconds,
        "seconds_in_all": round(sum(seconds.values()), 1),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
