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
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from benchmarks import sae_step_report
from benchmarks.peers import PeersError, peers_python

Job = dict[str, Any]
FULL_SIZES = [(768, 4_096, 1_024), (768, 16_384, 2_048), (768, 24_576, 4_096)]
SIZES = {"full": FULL_SIZES, "small": [(768, 2_048, 256)], "tiny": [(16, 64, 32)]}
K = 32
L0 = 64
# The state's name, k, decoder rows' norm, and the mean number of latents to set off (None: the
# biases stay at zero, where each architecture begins).
STATES = {
    "top_k": {"k": K, "row_norm": 1.0, "l0": None},
    "relu_l0_64": {"k": 0, "row_norm": 0.1, "l0": L0},
    "relu_initial": {"k": 0, "row_norm": 0.1, "l0": None},
}
FORMS = ("fresh", "reused", "chunks")
OURS = ("saeedu", "plain")
PEERS = ("sae-lens", "dictionary_learning")


class WorkerError(RuntimeError):
    """A contestant's process ended without an answer."""


class Worker:
    """A contestant's process.

    **Arguments:** `python`, its interpreter; `job`, its first line; `program`, a file beside this.
    """

    def __init__(self, python: Path | str, job: Job, program: str = "sae_step_worker.py") -> None:
        self.job = job
        self.times: list[float] = []
        self.stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed by `close`
        script = Path(__file__).with_name(program)
        environment = os.environ | {
            "OMP_NUM_THREADS": str(job["threads"]),
            "OMP_WAIT_POLICY": "PASSIVE",
            "KMP_BLOCKTIME": "0",
            "HF_HUB_OFFLINE": "1",
            "WANDB_MODE": "disabled",
        }
        environment.pop("PYTHONPATH", None)
        if job["contestant"] == "saeedu":
            environment["PYTHONPATH"] = str(script.parent.parent)
        self.process = subprocess.Popen(
            [str(python), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
            env=environment,
        )
        self.torch = self.ask(job)["torch"]

    def ask(self, request: Any) -> Any:
        """Send one line, wait for one line."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            code = self.process.wait()
            self.stderr.seek(0)
            errors = [
                line for line in self.stderr.read().splitlines() if re.match(r"\w*Error", line)
            ]
            said = errors[-1][:300] if errors else f"exit code {code}"
            killed = " (probably for want of memory)" if code == -9 else ""
            raise WorkerError(f"{self.job['contestant']} stopped{killed}: {said}")
        return json.loads(answer)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.stderr.close()


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
            ends = [worker.ask("finish") for worker in workers]
        finally:
            for worker in workers:
                worker.close()
    floor = min(
        (worker for worker in workers if worker.job["contestant"] == "product"),
        key=lambda worker: statistics.median(worker.times),
    )
    ours = workers[0]
    d_in, d_sae, batch = size
    case: dict[str, Any] = {"d_in": d_in, "d_sae": d_sae, "batch": batch, "state": state}
    case["contestants"] = {}
    for worker, end in zip(workers, ends, strict=True):
        name = worker.job["contestant"]
        if name == "product" and worker is not floor:
            continue
        median = statistics.median(worker.times)
        case["contestants"][name] = {
            "ms": median,
            "all_ms": worker.times,
            "tokens_per_s": 1e3 * batch / median,
            "peak_mib": end["peak_mib"],
            "l0": end["l0"],
            "over_saeedu": ratio(worker.times, ours.times),
            "over_product": ratio(worker.times, floor.times),
        } | ({"form": worker.job["form"]} if name == "product" else {})
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

    from benchmarks.sae_step_worker import rows_in_blocks

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
    row_norm: Any = settings["row_norm"]
    bias = 0.0
    if settings["l0"]:
        n_active = round(min(float(settings["l0"]), d_sae / 8) * batch)
        largest = torch.empty(0)
        for _, rows in rows_in_blocks(d_in, d_sae, row_norm):
            largest = torch.cat([largest, (x @ rows.T).flatten()])
            largest = largest.topk(min(n_active, len(largest)), sorted=False).values
        bias = -largest.min().item()
    k: Any = settings["k"]
    sizes = {"d_in": d_in, "d_sae": d_sae, "batch": batch, "threads": threads}
    return {**sizes, "k": k, "row_norm": row_norm, "b_enc": bias, "x": str(file)}


def machine(threads: int) -> dict[str, Any]:
    """The machine in words, without a name that would single it out."""
    import torch

    return {
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "threads": threads,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        facts = dict(
            tuple(part.strip() for part in line.split(":", 1))
            for line in cpuinfo.read_text().splitlines()
            if ":" in line
        )
        if "model name" in facts:
            return f"{facts['model name']}, family {facts.get('cpu family', 'unknown')}"
    return platform.processor() or platform.machine()


_VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""

if __name__ == "__main__":
    main()
