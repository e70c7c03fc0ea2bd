"""From text to a trained SAE, at GPT-2's size: this package beside SAELens' training runner.

python -m benchmarks.end_to_end: as in benchmarks.harvest, a GPT-2 of full size with random weights
lies in a made-up hub cache. A turn is a whole run on a loaded model: an untrained TopK SAE with
4,096 latents and k = 32, a shuffle buffer filled, and steps of 1,024 activations until all are
used. Nothing is evaluated, logged or saved. SAELens' buffer and batches have the sizes of ours; all
else is as either has it by default.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from benchmarks.harvest import PEER, SIZES, measure, rates
from benchmarks.peers import PeersError, peers_python
from benchmarks.workers import WorkerError


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="gpt2")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--batches", type=int, default=16, help="batches of contexts in a turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-peers", action="store_true", help="only this package")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    options = parser.parse_args(arguments)
    try:
        results = measure(
            SIZES[options.size],
            options.turns,
            options.batches,
            options.threads,
            None if options.without_peers else peers_python(),
            contestants=("saeedu", PEER),
            program="end_to_end_worker.py",
        )
    except (PeersError, WorkerError, OSError) as error:
        sys.exit(f"end_to_end: {error}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    rate = rates(results)
    print(f"{'':>12}{'activations/s':>15}{'a run, ms':>12}")
    for name, result in results.items():
        print(f"{name:>12}{rate[name]:>15,.0f}{statistics.median(result['ms']):>12,.0f}")
    if PEER in rate:
        print(f"saeedu / {PEER}: {rate['saeedu'] / rate[PEER]:.2f}")


if __name__ == "__main__":
    main()
