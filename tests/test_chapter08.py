"""Chapter 08: on a hub's model and small texts, its pictures, and answers that nobody listed."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from os import fsync, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from saeedu import stream_plots
from saeedu.course.ch08_inside_a_language_model.exercise_mix_and_deal import (
    EXERCISE as MIX_AND_DEAL,
)
from saeedu.grading import find_exercise, grade
from tests.chapter_script import output_of_chapter

Answer = Callable[..., Any]
SEEDS = [None, 1, 2]


def reference(name: str) -> Answer:
    return find_exercise(f"08.{name}").reference


@pytest.mark.slow
def test_the_cells_run_on_whatever_model_the_hub_cache_has(tmp_path: Path) -> None:
    assert "refused: the cache" in output_of_chapter("08", 300, tmp_path)


def test_lengths_are_a_median_and_a_band_at_each_depth() -> None:
    others = np.array([np.arange(1.0, 102.0), np.arange(2.0, 103.0)])
    first = np.array([[5.0, 6.0, 70.0], [9.0, 8.0, 7.0]])
    (axes,) = stream_plots.lengths_by_layer(others, first).axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[51.0, 52.0], [6.0, 8.0]]
    band = axes.collections[0].get_datalim(axes.transData)
    assert (band.y0, band.y1) == (6.0, 97.0)
    assert axes.get_yscale() == "log"


def test_every_part_of_the_stream_has_a_bar_and_the_sum_a_line() -> None:
    figure = stream_plots.parts_of_stream({"embedding": 2.0, "attention 0": 3.0}, total=4.5)
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [2.0, 3.0]
    assert list(axes.lines[0].get_xdata()) == [4.5, 4.5]


def test_each_way_of_dealing_has_a_panel_that_counts_its_rows() -> None:
    orders = {"as it comes": np.array([0, 0, 1, 1]), "mixed": np.array([1, 1, 1, 0])}
    panels = stream_plots.mixing(orders, rows_a_bin=2, contexts_a_bin=1).axes[:2]
    counts = [np.ma.filled(axes.collections[0].get_array(), 0).tolist() for axes in panels]
    assert counts == [[[2, 0], [0, 2]], [[0, 1], [2, 1]]]  # a row a context, a column a stretch
    assert [axes.get_title() for axes in panels] == list(orders)


def test_bytes_are_two_a_number() -> None:
    (axes,) = stream_plots.bytes_needed({"GPT-2 small": 768}, {"1 TB": 1e12}).axes
    tokens, sizes = axes.lines[0].get_data()
    assert sizes[0] / tokens[0] == 2 * 768
    ticks = dict(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True))
    assert ticks[1e9].get_text() == "1 GB"
    assert ticks[1e14].get_text() == "100 TB"
    assert "a hundred million" in [text.get_text() for text in axes.texts]


def test_the_diagram_names_all_hooks_of_the_stream() -> None:
    (axes,) = stream_plots.stream_diagram(5).axes
    words = " ".join(text.get_text() for text in axes.texts)
    for hook in ("blocks.5.hook_resid_pre", "hook_attn_out", "hook_mlp_out", "hook_resid_post"):
        assert hook in words


def rolled(kept: Any, new: Any, n_out: int, generator: Any) -> Any:
    rows = torch.cat([kept, new])
    rows = rows.roll(int(torch.randint(len(rows), (1,), generator=generator)), 0)
    return rows[:n_out], rows[n_out:]


def blocks_shuffled(kept: Any, new: Any, n_out: int, generator: Any) -> Any:
    blocks = torch.cat([kept, new]).split(5)
    order = torch.randperm(len(blocks), generator=generator)
    rows = torch.cat([blocks[i] for i in order])
    return rows[:n_out], rows[n_out:]


def by_pythons_random(kept: Any, new: Any, n_out: int, generator: Any) -> Any:
    order = list(range(len(kept) + len(new)))
    random.shuffle(order)
    rows = torch.cat([kept, new])[order]
    return rows[:n_out], rows[n_out:]


def a_copy_left_behind(file: Path, batches: Any) -> int:
    n_rows = int(reference("write_shard")(file, batches))
    file.with_name("copy.bin").write_bytes(file.read_bytes())
    return n_rows


def all_bytes_collected(file: Path, batches: Any) -> int:
    content, n_rows = b"", 0
    for batch in batches:
        content += batch.half().contiguous().numpy().tobytes()
        n_rows += len(batch)
    return int(reference("write_shard")(file, [torch.frombuffer(
        bytearray(content), dtype=torch.float16).view(n_rows, -1)]))  # fmt: skip


def with_imported_names(file: Path, batches: Any) -> int:
    n_rows = 0
    with open(f"{file}.new", "wb") as stream:
        for batch in batches:
            stream.write(batch.half().contiguous().numpy().tobytes())
            n_rows += len(batch)
        stream.flush()
        fsync(stream.fileno())
    replace(f"{file}.new", file)
    return n_rows


def by_a_dict_of_modules(network: Any, names: Any, x: Any) -> Any:
    """A wrong name is a KeyError here, which tells as much as an AttributeError."""
    modules = dict(network.named_modules())
    names_of = {modules[name]: name for name in names}
    seen = {}
    handles = [
        module.register_forward_hook(
            lambda module, inputs, output: seen.update({names_of[module]: output.detach().clone()})
        )
        for module in names_of
    ]
    try:
        network(x)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def hooks_that_change(network: Any, names: Any, x: Any) -> Any:
    def double(module: Any, inputs: Any, output: Any) -> Any:
        return output * 2

    handles = [network.get_submodule(name).register_forward_hook(double) for name in names]
    try:
        return reference("module_outputs")(network, names, x)
    finally:
        for handle in handles:
            handle.remove()


def lengths(x: Any) -> Any:
    return x.norm(dim=-1)


WRONG: list[tuple[str, str, Answer]] = [
    ("pack_documents", "shortest first", lambda d, c, b: reference("pack_documents")(
        sorted(d, key=len), c, b)),
    ("pack_documents", "last row lost", lambda d, c, b: reference("pack_documents")(d, c, b)[:-1]),
    ("module_outputs", "changes the network", hooks_that_change),
    ("module_outputs", "rounded", lambda n, k, x: {
        name: value.round(decimals=3)
        for name, value in reference("module_outputs")(n, k, x).items()
    }),
    ("read_contributions", "halved", lambda m, t, i: reference("read_contributions")(m, t, i) / 2),
    ("read_contributions", "layer 2 at most",
     lambda m, t, i: reference("read_contributions")(m, t, min(i, 2))),
    ("layer_norm", "eps squared", lambda x, eps=1e-5: reference("layer_norm")(x, eps**2)),
    ("layer_norm", "softmax", lambda x, eps=1e-5: x.softmax(dim=1)),
    ("find_outliers", "times the least", lambda x, f: lengths(x) > f * lengths(x).min()),
    ("find_outliers", "the longest tenth", lambda x, f: lengths(x) >= lengths(x).quantile(0.9)),
    ("find_outliers", "median of the later positions",
     lambda x, f: lengths(x) > f * lengths(x)[:, 1:].median(dim=1, keepdim=True).values),
    ("normalising_constant", "geometric mean",
     lambda x: x.shape[1] ** 0.5 / float(lengths(x).log().mean().exp())),
    ("normalising_constant", "rounded", lambda x: round(reference("normalising_constant")(x), 2)),
    ("mix_and_deal", "rolled", rolled),
    ("mix_and_deal", "blocks", blocks_shuffled),
    ("mix_and_deal", "Python's random", by_pythons_random),
    ("mix_and_deal", "one too few", lambda *a: (lambda o, k: (o[:-1], k))(
        *reference("mix_and_deal")(*a))),
    ("write_shard", "a copy left behind", a_copy_left_behind),
    ("write_shard", "nothing returned",
     lambda f, b: print(reference("write_shard")(f, b))),
    ("read_rows", "from the end", lambda f, d, r: reference("read_rows")(f, d, r.flip(0))),
    ("read_rows", "maps joined", lambda files, d, rows: torch.from_numpy(np.concatenate(
        [np.memmap(f, "<f2", mode="r").reshape(-1, d) for f in files])[rows].astype("f4"))),
    ("read_rows", "joined by PyTorch", lambda files, d, rows: torch.cat(
        [torch.from_numpy(np.memmap(f, "<f2", mode="c").reshape(-1, d)) for f in files]
     )[rows].float()),
    ("write_shard", "all bytes collected", all_bytes_collected),
    ("read_rows", "sorted and unique", lambda f, d, r: reference("read_rows")(f, d, r.unique())),
]  # fmt: skip

RIGHT: list[tuple[str, str, Answer]] = [
    ("pack_documents", "int32", lambda d, c, b: reference("pack_documents")(d, c, b).int()),
    ("layer_norm", "group norm",
     lambda x, eps=1e-5: torch.nn.functional.group_norm(x, 1, eps=eps)),
    ("layer_norm", "vmap", lambda x, eps=1e-5: torch.vmap(
        lambda r: (r - r.mean()) / (((r - r.mean()) ** 2).mean() + eps) ** 0.5)(x)),
    ("find_outliers", "not at most", lambda x, f: ~(lengths(x) <= f * lengths(x).nanmedian())),
    ("normalising_constant", "NumPy",
     lambda x: np.sqrt(x.shape[1]) / np.linalg.norm(x.numpy(), axis=1).mean()),
    ("mix_and_deal", "the last ones", lambda *a: reference("mix_and_deal")(
        a[0], a[1], len(a[0]) + len(a[1]) - a[2], a[3])[::-1]),
    ("mix_and_deal", "float32", lambda *a: [p.float() for p in reference("mix_and_deal")(*a)]),
    ("write_shard", "NumPy's integer", lambda f, b: np.int64(reference("write_shard")(f, b))),
    ("write_shard", "names imported from os", with_imported_names),
    ("module_outputs", "a dict of modules", by_a_dict_of_modules),
    ("module_outputs", "in a copy of the network",
     lambda n, k, x: reference("module_outputs")(copy.deepcopy(n), k, x)),
]  # fmt: skip


def names(cases: list[tuple[str, str, Answer]]) -> list[str]:
    return [f"{exercise}-{name}" for exercise, name, _ in cases]


@pytest.mark.parametrize(("exercise", "name", "answer"), WRONG, ids=names(WRONG))
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wrong_answer_of_no_list_is_rejected(
    exercise: str, name: str, answer: Answer, seed: int | None
) -> None:
    assert grade(f"08.{exercise}", answer, seed=seed).status in ("wrong", "raised")


@pytest.mark.parametrize(("exercise", "name", "answer"), RIGHT, ids=names(RIGHT))
@pytest.mark.parametrize("seed", SEEDS)
def test_an_unusual_right_answer_passes(
    exercise: str, name: str, answer: Answer, seed: int | None
) -> None:
    verdict = grade(f"08.{exercise}", answer, seed=seed)
    assert verdict.status == "passed", verdict.message


def test_luck_does_not_fail_a_right_shuffle() -> None:
    """Sixty draws of four rounds each: chance as strict as this must let all of them by."""
    for seed in range(60):
        verdict = grade(MIX_AND_DEAL, lambda *a: MIX_AND_DEAL.reference(*a), seed=seed)
        assert verdict.status == "passed", seed
