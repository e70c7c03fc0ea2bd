"""The files that install the course agree with each other, and installing stays light."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent


def pins(lines: list[str]) -> dict[str, str]:
    found = {}
    for line in lines:
        if "==" in line and not line.startswith("#"):
            name, version = line.strip().split("==")
            found[canonicalize_name(name)] = version
    return found


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def constraints() -> dict[str, str]:
    return pins((ROOT / "constraints.txt").read_text("utf-8").splitlines())


def requirements(project: dict[str, Any]) -> list[Requirement]:
    extras = project["optional-dependencies"]
    return [Requirement(text) for text in project["dependencies"] + extras["lm"] + extras["dev"]]


def test_every_requirement_has_a_tested_version_that_satisfies_it(
    project: dict[str, Any], constraints: dict[str, str]
) -> None:
    for requirement in requirements(project):
        version = constraints[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} but tested {version}"


def test_conda_installs_the_same_as_pip(
    project: dict[str, Any], constraints: dict[str, str]
) -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    listed = pins(pip)
    assert listed.keys() == {canonicalize_name(r.name) for r in requirements(project)}
    assert listed == {name: constraints[name] for name in listed}
    assert pip[:2] == ["-c constraints.txt", "-e ."]
    python = next(entry for entry in conda if entry.startswith("python="))
    assert Requirement(f"python{project['requires-python']}").specifier.contains(
        Version(python.removeprefix("python=") + ".0")
    )


def test_the_packages_the_course_promises_are_installed_by_it(project: dict[str, Any]) -> None:
    promised = {"jupyterlab", "torch", "numpy", "matplotlib", "ipywidgets", "circuitsvis",
                "transformer-lens", "nbmake"}  # fmt: skip
    assert promised <= {canonicalize_name(r.name) for r in requirements(project)}
    base = {canonicalize_name(Requirement(text).name) for text in project["dependencies"]}
    assert not base & {"torch", "transformer-lens", "transformers", "circuitsvis", "datasets"}


def fresh_process(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_saeedu_imports_neither_torch_nor_matplotlib() -> None:
    heavy = ("torch", "matplotlib", "IPython", "transformer_lens")
    code = f"import saeedu, sys; print([m for m in {heavy!r} if m in sys.modules])"
    assert fresh_process(code) == "[]"


def test_the_numpy_chapters_never_import_torch() -> None:
    code = """
import sys
from saeedu.grading.registry import chapters, exercises_of
from saeedu.grading import grade
ids = [e.id for chapter in chapters() if chapter <= "05" for e in exercises_of(chapter)]
for id in ids:
    grade(id, lambda *args: None)
from saeedu import progress
progress()
print(len(ids) > 15, "torch" in sys.modules)
"""
    assert fresh_process(code).splitlines()[-1] == "True False"


def test_only_the_language_model_module_imports_transformer_lens() -> None:
    importing = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "saeedu").rglob("*.py")
        if re.search(r"^\s*(from|import) transformer_lens", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == ["saeedu/language_model.py"]


def test_the_library_never_imports_the_course() -> None:
    importing = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "saeedu").rglob("*.py")
        # The builder is the course's own tool: it may.
        if path.relative_to(ROOT / "saeedu").parts[0] not in ("course", "builder")
        and re.search(r"^\s*(from|import) saeedu\.course", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == []
