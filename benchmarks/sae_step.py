"""A training step of this package beside those of the libraries that one would otherwise use.

python -m benchmarks.sae_step: every contestant lives in a process of its own and they take turns,
one step each, in an order that rotates; the others meanwhile wait in a blocking read. Printed are
medians, the bare dense encoder product as the floor, and ratios (medians of each round's ratio,
so that a machine that slows down slows both sides). `--readme` writes the tables of
benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import sae_step_report
from benchmarks.machine import machine
from benchmarks.peers import PeersError, peers_python
from benchmarks.workers import Job, Worker, WorkerError

FULL_SIZES = [(768, 4_096, 1_024), (768, 16_384, 2_048), (768, 24_576, 4_096)]
SIZES = {"full": FULL_SIZES, "small": [(768, 2_048, 256)], "tiny": [(16, 64, 32)]}
K = 32
L0 = 64
# The state's name, k, decoder rows' norm, and the mean number of latents to set off (None: the
# biases stay at zero, where each architecture begins).
STATES: dict[str, dict[str, Any]] = {
    "top_k": {"k": K, "row_norm": 1.0, "l0": None},
    "relu_l0_64": {"k": 0, "row_norm": 0.1, "l0": L0},
    "relu_initial": {"k": 0, "row_norm": 0.1, "l0": None},
}
# The forms of torch.addmm, of which the fastest counts as the floor; and the same product from
# oneDNN, which is no form of addmm but is shown.
FORMS = ("fresh", "reused", "chunks", "oneDNN")
OURS = ("saeedu", "plain")
PEERS = ("sae-lens", "dictionary_learning")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", choices=SIZES, default="full")
    parser.add_argument("--states", nargs="+", choices=STATES, default=list(STATES))
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-peers", action="store_true", help="only this package and plain")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results here")
    parser.add_argument("--readme", action="store_true", help="write the README's tables")
    parser.add_argument("--from", type=Path, metavar="FILE", dest="earlier", help="do not measure")
    options = parser.parse_args(arguments)
    if options.repeats < 1 or options.threads < 1:
        parser.error("--repeats and --threads must be at least 1")
    try:
        if options.earlier:
            results = json.loads(options.earlier.read_text())
        else:
            python = None if options.without_peers else peers_python()
            results = measure(
                SIZES[options.sizes], options.states, options.repeats, options.threads, python
            )
    except (PeersError, WorkerError, OSError) as error:
        sys.exit(f"sae_step: {error}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    print(sae_step_report.text(results))
    if options.readme:
        sae_step_report.write_readme(results)


def measure(
    sizes: list[tuple[int, int, int]],
    states: list[str],
    repeats: int,
    threads: int,
    peers: Path | None,
) -> dict[str, Any]:
    """All sizes and states in turn.

    **Arguments:** `sizes`, each (d_in, d_sae, batch); `states`, of `STATES`; `repeats`, timed
    steps of each contestant; `threads` of each; `peers`, the Python of the other libraries.
    **Returns:** what `--json` writes; benchmarks/README.md says what its fields mean.
    **Raises:** `WorkerError` when a contestant stops.
    """
    results: dict[str, Any] = {"machine": machine(threads), "repeats": repeats, "cases": []}
    if peers:
        results["versions"] = json.loads(
            subprocess.check_output(
                [str(peers), "-c", _VERSIONS, *PEERS], text=True, stderr=subprocess.DEVNULL
            )
        )
    for size in sizes:
        for state in states:
            print(f"{size[0]} -> {size[1]}, batch {size[2]}, {state} ...", file=sys.stderr)
            results["cases"].append(measure_case(size, state, repeats, threads, peers))
    return results


def measure_case(
    size: tuple[int, int, int], state: str, repeats: int, threads: int, peers: Path | None
) -> dict[str, Any]:
    """All contestants at one size in one state, interleaved."""
    workers: list[Worker] = []
    with tempfile.TemporaryDirectory() as folder:
        job = prepare(size, state, threads, Path(folder) / "x.npy")
        runners: list[tuple[Path | str, Job]] = [
            (sys.executable, job | {"contestant": name}) for name in OURS
        ]
        runners += [(sys.executable, job | {"contestant": "product", "form": f}) for f in FORMS]
        if peers:
            names = PEERS if state != "top_k" else (*PEERS, "sae-lens sparse")
            runners += [(peers, job | {"contestant": name}) for name in names]
        try:
            for python, its_job in runners:
                workers.append(Worker(python, its_job))
            if len({worker.torch for worker in workers}) > 1:
                raise WorkerError("the contestants do not have the same torch; remove the peers'")
            for turn in range(repeats):
                shift = turn % len(workers)
                for worker in workers[shift:] + workers[:shift]:
                    worker.times.append(worker.ask("step"))
            ends = {worker: worker.ask("finish") for worker in workers}
        finally:
            for worker in workers:
                worker.close()
    forms = {w.job["form"]: w for w in workers if w.job["contestant"] == "product"}
    floor = min(
        (worker for form, worker in forms.items() if form != "oneDNN"),
        key=lambda worker: statistics.median(worker.times),
    )
    shown = [w for w in workers if w not in forms.values()] + [floor, forms["oneDNN"]]
    ours = workers[0]
    d_in, d_sae, batch = size
    case: dict[str, Any] = {"d_in": d_in, "d_sae": d_sae, "batch": batch, "state": state}
    case["contestants"] = {}
    for worker in shown:
        name = worker.job["contestant"]
        if name == "product":
            name += ", oneDNN" if worker is not floor else ""
            case.setdefault("floor_form", floor.job["form"])
        median = statistics.median(worker.times)
        case["contestants"][name] = {
            "ms": median,
            "all_ms": worker.times,
            "tokens_per_s": 1e3 * batch / median,
            **ends[worker],
            "over_saeedu": ratio(worker.times, ours.times),
            "over_product": ratio(worker.times, floor.times),
        }
    return case


def ratio(above: list[float], below: list[float]) -> float:
    """The median of each round's ratio."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def prepare(size: tuple[int, int, int], state: str, threads: int, file: Path) -> Job:
    """Write the activations to a file, and find the bias at which enough latents are off.

    The activations are sums of a few of 4 d_in random directions, plus noise, with mean length
    sqrt(d_in).
    """
    import numpy as np
    import torch

    from benchmarks.sae_step_contestants import rows_in_blocks

    d_in, d_sae, batch = size
    settings = STATES[state]
    generator = torch.Generator().manual_seed(1)
    directions = torch.randn(4 * d_in, d_in, generator=generator)
    x = 0.3 * d_in**0.5 * torch.randn(batch, d_in, generator=generator)
    for _ in range(10):
        strengths = torch.rand(batch, 1, generator=generator)
        x += strengths * directions[torch.randint(4 * d_in, (batch,), generator=generator)]
    x *= d_in**0.5 / x.norm(dim=1).mean()
    np.save(file, x.numpy())
    row_norm = settings["row_norm"]
    bias = 0.0
    if settings["l0"]:
        n_active = round(min(settings["l0"], d_sae / 8) * batch)
        largest = torch.empty(0)
        for _, rows in rows_in_blocks(d_in, d_sae, row_norm):
            largest = torch.cat([largest, (x @ rows.T).flatten()])
            largest = largest.topk(min(n_active, len(largest)), sorted=False).values
        bias = -largest.min().item()
    sizes = {"d_in": d_in, "d_sae": d_sae, "batch": batch, "threads": threads}
    return {**sizes, "k": settings["k"], "row_norm": row_norm, "b_enc": bias, "x": str(file)}


_VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""

if __name__ == "__main__":
    main()
