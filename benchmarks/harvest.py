"""Activations harvested per second at GPT-2's size: this package beside SAELens and bare blocks.

python -m benchmarks.harvest: a GPT-2 of full size with random weights is put into a made-up hub
cache, so that every contestant loads it as it would load the real one. Each lives in a process of
its own; they take turns, in an order that rotates, each turn being half a shuffle buffer of
activations. Printed are tokens read per second and ratios, over all turns together.

Contestants: `source`, `LanguageModelSource` through its buffer; `collect`, `collect_activations`;
`bare`, Hugging Face's own embedding and blocks in a loop, with nothing after them; `sae-lens`,
its ActivationsStore with buffer and batches of the same sizes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import PeersError, peers_python
from benchmarks.workers import Worker, WorkerError

OURS = ("source", "collect", "bare")
PEER = "sae-lens"
SIZES = {"gpt2": {}, "tiny": {"n_layer": 9, "n_embd": 32, "n_head": 2}}
"""What `GPT2Config` is told; nothing for GPT-2 small."""
HOOK = "blocks.8.hook_resid_pre"
CONTEXT = 128
CONTEXTS_PER_BATCH = 16


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="gpt2")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--batches", type=int, default=4, help="batches of contexts in a turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-peers", action="store_true", help="only this package and bare")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    options = parser.parse_args(arguments)
    try:
        python = None if options.without_peers else peers_python()
        results = measure(
            SIZES[options.size], options.turns, options.batches, options.threads, python
        )
    except (PeersError, WorkerError, OSError) as error:
        sys.exit(f"harvest: {error}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(report(results))


def measure(
    size: dict[str, int],
    turns: int,
    batches: int,
    threads: int,
    peers: Path | None,
    contestants: Sequence[str] = (*OURS, PEER),
    program: str = "harvest_worker.py",
) -> dict[str, Any]:
    """All contestants, interleaved.

    **Arguments:** `size`, of `SIZES`; `turns` of each contestant; `batches` of contexts in a turn;
    `threads` of each; `peers`, the Python of the other libraries, or None to leave them out;
    `contestants`, by the names that `program` has for them.
    **Returns:** for each contestant the tokens of a turn and the milliseconds of each.
    **Raises:** `WorkerError` when a contestant stops.
    """
    workers: list[Worker] = []
    with tempfile.TemporaryDirectory() as folder:
        make_gpt2(Path(folder), size)
        job = {
            "hub": folder,
            "hook": HOOK,
            "context": CONTEXT,
            "contexts_per_batch": CONTEXTS_PER_BATCH,
            "batches": batches,
            "threads": threads,
        }
        try:
            for name in contestants:
                python = peers if name == PEER else sys.executable
                if python:
                    workers.append(Worker(python, job | {"contestant": name}, program))
            for turn in range(turns):
                shift = turn % len(workers)
                for worker in workers[shift:] + workers[:shift]:
                    worker.times.append(worker.ask("step"))
            tokens = [worker.ask("finish")["tokens"] for worker in workers]
        finally:
            for worker in workers:
                worker.close()
    return {
        worker.job["contestant"]: {"tokens_a_turn": n, "ms": worker.times}
        for worker, n in zip(workers, tokens, strict=True)
    }


def make_gpt2(cache: Path, size: dict[str, int]) -> None:
    """A GPT-2 with random weights where the hub's cache would have the real one."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    from tests.lm_fixtures import documents, make_hub_cache

    folder = make_hub_cache(cache, "gpt2")  # for its tokenizer
    torch.manual_seed(0)
    config = GPT2Config(**size, n_ctx=1024)  # TransformerLens reads n_ctx, as the real file has it
    GPT2LMHeadModel(config).save_pretrained(folder)
    (cache / "documents.json").write_text(json.dumps(documents(3000)))


def rates(results: dict[str, Any]) -> dict[str, float]:
    """Tokens per second of each contestant, over all of its turns together."""
    return {
        name: 1000 * len(result["ms"]) * result["tokens_a_turn"] / sum(result["ms"])
        for name, result in results.items()
    }


def report(results: dict[str, Any]) -> str:
    """A table, and what the two targets of this benchmark came to."""
    lines = [f"{'':>12}{'tokens/s':>12}{'a turn, ms':>12}{'bare / it':>12}"]
    rate = rates(results)
    for name, result in results.items():
        median = statistics.median(result["ms"])
        lines.append(
            f"{name:>12}{rate[name]:>12,.0f}{median:>12,.0f}{rate['bare'] / rate[name]:>12.2f}"
        )
    if PEER in rate:
        for name in ("source", "collect"):
            lines.append(f"{name} / {PEER}: {rate[name] / rate[PEER]:.2f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
