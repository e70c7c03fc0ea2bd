"""Answers to chapter 09 that nobody listed: wrong ones must fail, unusual right ones pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from saeedu import sick_runs
from saeedu.grading import grade
from saeedu.grading.values import describe
from saeedu.run_sizes import RunSizes
from saeedu.sae import ReLUSAE, TopKSAE

SEEDS = [None, 1, 2]
Answer = Callable[..., Any]
CAUSES = list(sick_runs.CAUSES)


def sums(n: int, b: int, p: int, c: int, d: int, s: int) -> tuple[int, ...]:
    a = math.ceil(n * b / p)
    return a, math.ceil(a / (c - 1)), 4 * d * a, 16 * (2 * d * s + s + d)


def step_of(*calls: str) -> Answer:
    """A training step that makes these calls in this order."""

    def step(sae: Any, opt: Any, batch: Any, scale: Any, config: Any, n: int) -> Any:
        terms: Any = None
        for call in calls:
            match call:
                case "loss":
                    terms = sae.loss(batch * scale, config.l1_scale(n))
                case "clear":
                    opt.zero_grad()
                case "back":
                    terms.total.backward()
                case "adjust":
                    sae.adjust_gradients()
                case "clip" if config.max_grad_norm is not None:
                    torch.nn.utils.clip_grad_norm_(sae.parameters(), config.max_grad_norm)
                case "clip to 1" if config.max_grad_norm is not None:
                    torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
                case "rate":
                    opt.param_groups[0]["lr"] = config.lr_at(n)
                case "rate again":
                    opt.param_groups[0]["lr"] *= config.lr_at(n) / config.lr
                case "step":
                    opt.step()
                case "after":
                    sae.after_step(terms)
        return terms

    return step


ALL = ("loss", "clear", "back", "adjust", "clip", "rate", "step", "after")


def per_token(a: Any, x: Any) -> Any:
    return 1 - ((x - a) ** 2).sum(1) / ((x - x.mean(0)) ** 2).sum(1)


def axes_of(x: Any) -> Any:
    return torch.linalg.svd(x - x.mean(0), full_matrices=False).Vh


WRONG: list[tuple[str, Answer]] = [
    ("run_sizes", lambda *a: RunSizes(*sums(*a)[::-1])),
    ("run_sizes", lambda *a: sums(*a)[:3]),
    ("run_sizes", lambda *a: RunSizes(*sums(*a)[:2], sums(*a)[2] // 2, sums(*a)[3])),
    ("run_sizes", lambda *a: RunSizes(*sums(*a)[:3], sums(*a)[3] * 5 // 4)),
    ("run_sizes", lambda n, b, p, c, d, s: RunSizes(*sums(n, b, p, c, s, d))),
    ("take_step", step_of(*ALL, "step")),
    ("take_step", step_of("clear", "loss", "rate", "step", "back", "adjust", "clip", "after")),
    (
        "take_step",
        step_of("loss", "clear", "back", "adjust", "clip", "rate again", "step", "after"),
    ),
    ("take_step", step_of("loss", "clear", "back", "clip", "rate", "step", "adjust", "after")),
    ("take_step", lambda sae, o, x, c, g, n: step_of(*ALL)(sae, o, x - x.mean(0), c, g, n)),
    ("take_step", lambda *a: float(step_of(*ALL)(*a).total.detach())),
    ("diagnose", lambda run: CAUSES["ABCDEFGH".index(run)]),
    ("diagnose", lambda run: ""),
    ("diagnose", lambda run: run),
    ("diagnose", lambda run: sick_runs.CAUSES),
    ("diagnose", lambda run: sick_runs.diagnose(run) if run < "H" else "dead"),
    ("explained_variance_saelens_legacy", lambda a, x: per_token(x, a).mean()),
    ("explained_variance_saelens_legacy", lambda a, x: 100 * per_token(a, x).mean()),
    ("explained_variance_saelens_legacy", lambda a, x: per_token(a, x).clamp(-1, 1).mean()),
    ("explained_variance_saelens_legacy", lambda a, x: per_token(a, x)[1:].mean()),
    ("relative_reconstruction_bias", lambda a, x: a.sum() / x.sum()),
    ("relative_reconstruction_bias", lambda a, x: (a / x).mean()),
    ("relative_reconstruction_bias", lambda a, x: (a**2).mean() / (a * x).sum()),
    ("relative_reconstruction_bias", lambda a, x: a.abs().sum() / x.abs().sum()),
    ("pca_reconstruction", lambda t, x, k: x),
    ("pca_reconstruction", lambda t, x, k: t.mean(0).expand_as(x)),
    ("pca_reconstruction", lambda t, x, k: t.mean(0) + (x - t.mean(0)) @ axes_of(t)[:k].T),
    ("pca_reconstruction", lambda t, x, k: (x - t.mean(0)) @ axes_of(x)[:k].T @ axes_of(t)[:k]),
    ("replace_except_bos", lambda a, r, t, b: torch.where((t > b)[..., None], r, a)),
    ("replace_except_bos", lambda a, r, t, b: (a + r) / 2),
    ("replace_except_bos", lambda a, r, t, b: r + a * (t == b)[..., None]),
    ("replace_except_bos", lambda a, r, t, b: torch.where((t[:, :1] == b)[..., None], a, r)),
]

MENDS: list[tuple[str, Answer, str]] = [
    ("run_sizes", sums, "RunSizes(activations, contexts"),
    ("run_sizes", lambda *a: list(sums(*a)), "RunSizes(activations, contexts"),
    ("run_sizes", lambda *a: RunSizes(*map(float, sums(*a))), "type float"),
    ("take_step", step_of("clear", "loss", "adjust", "back", "clip", "rate", "step", "after"),
     "in the wrong place"),
    ("take_step", step_of("clear", "loss", "back", "clip", "rate", "step", "adjust", "after"),
     "in the wrong place"),
    ("take_step", step_of("clear", "loss", "rate", "step", "back", "adjust", "clip", "after"),
     "before `backward()`"),
    ("take_step", step_of("loss", "rate", "step", "clear", "back", "adjust", "clip", "after"),
     "First backward, then step"),
    ("take_step", step_of("loss", "back", "clip", "adjust", "rate", "step", "after"),
     "optimizer.zero_grad()"),
    ("take_step", step_of(*ALL[:-1], "loss", "after"), "as they were *before* it"),
    ("take_step", step_of(*ALL, "loss"), "as they were *before* the step"),
    ("take_step", step_of("clear", "loss", "back", "adjust", "clip to 1", "rate", "step", "after"),
     "length of 1"),
    ("pca_reconstruction", lambda t, x, k: (
        t.mean(0) + (x - t.mean(0)) @ axes_of(t)[-k:].T @ axes_of(t)[-k:]), "downwards"),
    ("cross_entropy_recovered", lambda c, s, z: np.clip((z - s) / (z - c), 0, 1), "You clip"),
    ("cross_entropy_recovered", lambda c, s, z: max(0, min(1, (z - s) / (z - c))), "You clip"),
    ("replace_except_bos", lambda a, r, t, b: torch.where((t == t[0, 0])[..., None], a, r),
     "bos_token_id"),
]  # fmt: skip

RIGHT: list[tuple[str, Answer]] = [
    ("run_sizes", lambda *a: RunSizes(*sums(*a))),
    ("run_sizes", lambda *a: RunSizes(*np.array(sums(*a)))),
    ("take_step", step_of("rate", "clear", "loss", "back", "adjust", "clip", "step", "after")),
    ("take_step", step_of(*ALL, "clear")),
    ("take_step", lambda sae, o, x, c, g, n: step_of(*ALL)(sae, o, c * x, 1.0, g, n)),
    ("diagnose", lambda run: sick_runs.diagnose(run).upper()),
    ("diagnose", lambda run: f" {sick_runs.diagnose(run)}\n"),
    ("explained_variance_saelens_legacy", lambda a, x: per_token(a.float(), x.float()).mean()),
    ("explained_variance_saelens_legacy", lambda a, x: np.mean(per_token(a, x).numpy())),
    ("relative_reconstruction_bias", lambda a, x: torch.trace(a @ a.T) / torch.trace(a @ x.T)),
    ("relative_reconstruction_bias", lambda a, x: float(a.flatten() @ a.flatten() / (x * a).sum())),
    ("pca_reconstruction", lambda t, x, k: (
        t.mean(0) + (x - t.mean(0)) @ (axes_of(t)[:k].T @ axes_of(t)[:k]))),
    ("replace_except_bos", lambda a, r, t, b: a + (r - a) * (t != b)[..., None]),
    ("replace_except_bos", lambda a, r, t, b: r.masked_scatter((t == b)[..., None], a[t == b])),
]  # fmt: skip


def name_of(case: Any) -> str:
    return case if isinstance(case, str) else ""


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("exercise", "answer"), WRONG, ids=name_of)
def test_a_wrong_answer_of_no_list_is_rejected_with_something_to_act_on(
    exercise: str, answer: Answer, seed: int | None
) -> None:
    verdict = grade(f"09.{exercise}", answer, seed=seed)
    assert verdict.status in ("wrong", "raised")
    assert len(verdict.message) > 25


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("exercise", "answer", "words"), MENDS, ids=name_of)
def test_a_wrong_answer_is_told_what_to_mend(
    exercise: str, answer: Answer, words: str, seed: int | None
) -> None:
    verdict = grade(f"09.{exercise}", answer, seed=seed)
    assert not verdict.passed
    assert words in verdict.message
    assert "No common slip" not in verdict.message


def test_counts_that_are_nearly_right_are_not_told_of_rounding_errors() -> None:
    verdict = grade("09.run_sizes", lambda *a: RunSizes(*sums(*a)[:3], sums(*a)[3] + 16))
    assert "float32 keeps" not in verdict.message
    assert "training_bytes" in verdict.message  # the field's name, not its place


def test_an_sae_among_the_arguments_is_called_what_it_is() -> None:
    assert describe(TopKSAE(5, 12, 4)) == "a TopKSAE"
    assert describe(ReLUSAE(5, 12, 0.8)) == "ReLUSAE(d_in=5, d_sae=12, l1_coefficient=0.8)"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("exercise", "answer"), RIGHT, ids=name_of)
def test_an_unusual_right_answer_passes(exercise: str, answer: Answer, seed: int | None) -> None:
    verdict = grade(f"09.{exercise}", answer, seed=seed)
    assert verdict.passed, f"{verdict.message}\n{verdict.details}"


def test_a_wrong_diagnosis_never_gives_the_right_one_away() -> None:
    for cause in CAUSES:
        message = grade("09.diagnose", lambda run, cause=cause: cause).message
        assert not any(other in message for other in CAUSES if other != cause)


def test_a_single_wrong_diagnosis_is_answered_with_what_it_would_have_shown() -> None:
    verdict = grade("09.diagnose", lambda run: sick_runs.diagnose(run) if run < "H" else CAUSES[0])
    assert "7 of 8" in verdict.message or verdict.mistake is not None
