"""Running a learner's notebook without a browser, and reading off how its exercises went."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import tempfile
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CHECK_CALL = re.compile(r"\bcheck\(\s*[\"'](\d\d\.\w+)[\"']")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


class NotANotebookError(ValueError):
    """A file that cannot be run as a notebook; the message says why and what to do."""


@dataclass(frozen=True)
class Row:
    """How one exercise went."""

    exercise: str
    status: str
    """As of a verdict, or "not_reached" when its test cell never ran to its end."""
    mistake: str | None
    message: str


@dataclass
class NotebookReport:
    """How one notebook went."""

    notebook: str
    chapter: str | None
    exercises: list[Row] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    """Cells that raised: {"cell": number among all cells, from 1, "error": its last line}."""
    problem: str | None = None
    """Why the run did not come to its end, when it did not."""

    @property
    def failed(self) -> bool:
        """Whether a learner has something to mend."""
        bad = any(row.status not in ("passed", "not_attempted") for row in self.exercises)
        return bad or self.problem is not None or bool(self.errors and not self.exercises)

    def as_json(self) -> dict[str, Any]:
        """The report as plain data, with two counts for whoever keeps a list."""
        passed = sum(row.status == "passed" for row in self.exercises)
        return {**asdict(self), "passed": passed, "total": len(self.exercises)}


def read_notebook(path: Path) -> Any:
    """Read a notebook file.

    **Arguments:** `path`.
    **Returns:** an nbformat notebook of version 4.
    **Raises:** `NotANotebookError`; `OSError` when the file cannot be read.
    """
    import nbformat

    if path.is_dir():
        raise NotANotebookError(f"{path} is a folder; give a notebook, such as {path}/*.ipynb")
    if not path.exists():
        raise NotANotebookError(f"{path} does not exist; check the spelling")
    try:
        data = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        reason = f"it is not JSON: {str(error)[:80]}"
        raise NotANotebookError(f"{path} is not a notebook ({reason}); give an .ipynb file") from (
            error
        )
    if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
        raise NotANotebookError(f"{path} is not a notebook (no cells); give an .ipynb file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids, of an older Jupyter, run all right
            notebook = nbformat.reads(json.dumps(data), as_version=4)
            nbformat.validate(notebook)
    except Exception as error:  # nbformat raises its own, jsonschema's, KeyError, AttributeError
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise NotANotebookError(
            f"{path} is not a valid notebook ({reason}); open and save it in JupyterLab"
        ) from error
    return notebook


def run_notebook(path: Path, timeout: int) -> NotebookReport:
    """Run a notebook in its own folder, in a kernel of its own, and leave the file as it is.

    The learner's progress is not touched: the kernel's `SAEEDU_HOME` is a temporary folder.

    **Arguments:** `path`; `timeout`, in seconds a cell.
    **Returns:** the report. Every cell runs, also after one that raised.
    **Raises:** `NotANotebookError`; `OSError` when the file cannot be read.
    """
    notebook = read_notebook(path)
    chapter = _chapter(notebook, path)
    report = NotebookReport(str(path), chapter)
    with tempfile.TemporaryDirectory(prefix="saeedu-check-") as scratch:
        ledger = Path(scratch) / "ledger.jsonl"
        environment = {**os.environ, "SAEEDU_LEDGER": str(ledger), "SAEEDU_HOME": scratch}
        environment.pop("SAEEDU_STRICT", None)
        report.problem = _execute(notebook, path.resolve().parent, timeout, environment)
        lines = ledger.read_text("utf-8").splitlines() if ledger.exists() else []
    verdicts = {line["exercise"]: line for line in map(json.loads, lines)}  # the last one counts
    report.errors = [
        {"cell": number, "error": error}
        for number, cell in enumerate(notebook.cells, start=1)
        if (error := _error_of(cell))
    ]
    for exercise_id in _expected(notebook, chapter, verdicts):
        report.exercises.append(_row(exercise_id, verdicts, notebook, report.problem))
    return report


def _execute(notebook: Any, folder: Path, timeout: int, environment: dict[str, str]) -> str | None:
    """Run all cells; a sentence when the run broke off."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    running = {"cell": 0}

    def remember(cell: Any, cell_index: int) -> None:
        running["cell"] = cell_index + 1

    quiet = logging.getLogger("saeedu.headless")
    quiet.addHandler(logging.NullHandler())
    quiet.propagate = False
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",  # the learner's own kernel name need not exist here
        allow_errors=True,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=remember,
        log=quiet,
    )
    try:
        # What the kernel prints about itself is no business of the learner's.
        client.execute(env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except CellTimeoutError:
        return (
            f"cell {running['cell']} did not finish within {timeout} s, and the run stopped "
            f"there; look for a loop without an end, or allow more with --timeout"
        )
    except DeadKernelError:
        return (
            f"the kernel died in cell {running['cell']}; it may have run out of memory, "
            f"or the cell may have ended the process"
        )
    except NoSuchKernel:
        return "no Python kernel is installed; run pip install ipykernel"
    except RuntimeError as error:  # the kernel did not start
        return f"the kernel did not start ({str(error).splitlines()[0]}); run saeedu doctor"
    return None


def _chapter(notebook: Any, path: Path) -> str | None:
    digits = notebook.metadata.get("saeedu", {}).get("chapter")
    named = re.match(r"(\d\d)_", path.name)
    return str(digits) if digits else named[1] if named else None


def _expected(notebook: Any, chapter: str | None, verdicts: dict[str, Any]) -> list[str]:
    """Ids that should have come up: the chapter's, and any other that the notebook checks."""
    from saeedu.grading.registry import chapters, exercises_of

    ids: list[str] = []
    if chapter in chapters():
        # A chapter that needs torch, where there is none: its test cells name the exercises.
        with contextlib.suppress(ImportError):
            ids += [exercise.id for exercise in exercises_of(str(chapter))]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ids += CHECK_CALL.findall(cell.source)
    return list(dict.fromkeys([*ids, *verdicts]))


def _row(exercise_id: str, verdicts: dict[str, Any], notebook: Any, problem: str | None) -> Row:
    if line := verdicts.get(exercise_id):
        return Row(exercise_id, line["status"], line["mistake"], line["message"])
    stub, test = _cells_of(exercise_id, notebook)
    if test is None:
        message = "its test cell is missing; copy it from a fresh notebook"
    elif error := _error_of(stub) or _error_of(test):
        message = error
    else:
        message = problem or "its test cell did not run"
    return Row(exercise_id, "not_reached", None, message)


def _cells_of(exercise_id: str, notebook: Any) -> tuple[Any, Any]:
    """The exercise's own cell and its test cell, or None for each that is gone."""
    test = None
    stub = None
    before = None
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        about = cell.metadata.get("saeedu", {})
        if about.get("exercise") == exercise_id and about.get("role") == "stub":
            stub = cell
        if exercise_id in CHECK_CALL.findall(cell.source):
            test = cell
            stub = stub or before
        before = cell
    return stub, test


def _error_of(cell: Any) -> str | None:
    """The last line of what a cell raised, with its line in the cell where Python says it."""
    if cell is None or cell.cell_type != "code":
        return None
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            value = ESCAPES.sub("", str(output.evalue)).strip()
            first = value.splitlines()[0] if value else ""
            return f"{output.ename}: {first}" if first else str(output.ename)
    return None
