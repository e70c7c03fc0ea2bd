"""Contestants in processes of their own, which wait without working while another is timed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

Job = dict[str, Any]


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
            self.close()
            killed = " (probably for want of memory)" if code == -9 else ""
            raise WorkerError(f"{self.job['contestant']} stopped{killed}: {said}")
        return json.loads(answer)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate()
        self.stderr.close()
