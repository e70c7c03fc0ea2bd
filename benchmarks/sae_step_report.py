"""The results of benchmarks.sae_step as text and as the README's tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- sae_step: begin -->", "<!-- sae_step: end -->"
STATES = {
    "top_k": "TopK, k = 32",
    "relu_l0_64": "ReLU with L1, L0 about 64",
    "relu_initial": "ReLU with L1, at initialisation",
}
HEADINGS = ("", "ms", "tokens/s", "peak MiB", "L0", "/ saeedu", "/ product")


def text(results: dict[str, Any]) -> str:
    """The tables for a terminal."""
    lines = [describe(results)]
    for case in results["cases"]:
        lines += ["", title(case)]
        for first, *others in [HEADINGS, *rows(case)]:
            lines.append(f"{first:>22}" + "".join(f"{cell:>12}" for cell in others))
    return "\n".join(lines)


def markdown(results: dict[str, Any]) -> str:
    """The tables for the README."""
    lines = [describe(results)]
    for case in results["cases"]:
        lines += ["", f"**{title(case)}**", "", "| " + " | ".join(HEADINGS) + " |"]
        lines.append("|---|" + "---:|" * (len(HEADINGS) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in rows(case)]
    return "\n".join(lines)


def write_readme(results: dict[str, Any], readme: Path = README) -> None:
    """Put the tables between the README's markers.

    **Raises:** `ValueError` when the markers are not there.
    """
    page = readme.read_text()
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme.name} has no lines {BEGIN} and {END} to write between")
    readme.write_text(f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}")


def describe(results: dict[str, Any]) -> str:
    """The machine and the versions, in a sentence."""
    machine = results["machine"]
    versions = results.get("versions", {}) | {"torch": machine["torch"]}
    return (
        f"{machine['processor']}; {machine['cores']} cores, {machine['threads']} threads, "
        f"{machine['memory_gib']} GiB; {machine['system']}, Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + f". Medians of {results['repeats']} interleaved steps."
    )


def title(case: dict[str, Any]) -> str:
    """What is measured in one table."""
    return f"{case['d_in']} -> {case['d_sae']:,}, batch {case['batch']:,}: {STATES[case['state']]}"


def rows(case: dict[str, Any]) -> list[tuple[str, ...]]:
    """The table's cells, the fastest contestant first."""
    by_time = sorted(case["contestants"].items(), key=lambda pair: pair[1]["ms"])
    return [
        (
            name,
            f"{result['ms']:,.4g}",
            f"{result['tokens_per_s']:,.0f}",
            f"{result['peak_mib']:,.0f}",
            f"{result['l0']:,.4g}",
            f"{result['over_saeedu']:.2f}",
            f"{result['over_product']:.2f}",
        )
        for name, result in by_time
    ]
