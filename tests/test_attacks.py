"""Answers that nobody listed: strong wrong ones must fail, unusual right ones must pass."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from saeedu.grading import find_exercise, grade

SEEDS = [None, 1, 2]
Answer = Callable[..., Any]


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def svd(x: Any) -> Any:
    return np.linalg.svd(x - x.mean(axis=0), full_matrices=False)


def central(f: Any, at: Any, eps: float, below: float = 1.0) -> Any:
    at = np.asarray(at, dtype=float)
    steps = eps * np.eye(at.size).reshape(at.size, *at.shape)
    slopes = [(f(at + step) - f(at - below * step)) / (eps * (1 + below)) for step in steps]
    return np.array(slopes).reshape(at.shape)


WRONG: list[tuple[str, str, Answer]] = [
    ("00.centre", "sum over d", lambda x: x - x.sum(axis=0) / x.shape[1]),
    ("00.centre", "size of the mean", lambda x: x - np.abs(x.mean(axis=0))),
    ("00.centre", "in place", lambda x: np.subtract(x, x.mean(axis=0), out=x)),
    ("00.row_lengths", "precedence", lambda x: (x**2).sum(axis=1) ** 1 / 2),
    (
        "00.unit_rows",
        "only long rows",
        lambda x: x / np.maximum(1, np.linalg.norm(x, axis=1)[:, None]),
    ),
    ("00.unit_rows", "epsilon", lambda x: x / (np.linalg.norm(x, axis=1)[:, None] + 1e-3)),
    (
        "03.encode",
        "leaky",
        lambda x, E, b, c: (lambda p: np.where(p > 0, p, p / 100))((x - c) @ E + b),
    ),
    ("03.encode", "clipped at 6", lambda x, E, b, c: np.clip((x - c) @ E + b, 0, 6)),
    ("03.encode", "ReLU twice", lambda x, E, b, c: relu(relu((x - c) @ E) + b)),
    ("03.decode", "bias for active rows", lambda z, D, b: z @ D + b * (z.sum(axis=1) > 0)[:, None]),
    ("03.reconstruction_loss", "n - 1", lambda h, x: ((h - x) ** 2).sum() / (len(x) - 1)),
    ("03.reconstruction_loss", "error centred", lambda h, x: np.var(h - x, axis=0).sum()),
    ("03.l1_penalty", "live samples", lambda z, c: c * z.sum() / np.any(z, axis=1).sum()),
    ("03.l0", "isclose", lambda z: (~np.isclose(z, 0)).sum(axis=1).mean()),
    ("03.l0", "integer division", lambda z: (z > 0).sum() // len(z)),
    (
        "03.fraction_of_variance_unexplained",
        "clipped",
        lambda h, x: min(1.0, ((h - x) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()),
    ),
    (
        "03.fraction_of_variance_unexplained",
        "ddof",
        lambda h, x: ((h - x) ** 2).mean(axis=0).sum() / x.var(axis=0, ddof=1).sum(),
    ),
    (
        "03.sae_loss",
        "tied weights",
        lambda x, E, b, D, c, price: (
            lambda z: ((z @ D + c - x) ** 2).sum(axis=1).mean() + price * z.sum(axis=1).mean()
        )(relu((x - c) @ D.T + b)),
    ),
    ("03.cosine_similarities", "clipped", lambda A, B: np.clip(unit(A) @ unit(B).T, 0, 1)),
    ("03.mmcs", "clipped", lambda f, d: relu(unit(f) @ unit(d).T).max(axis=1).mean()),
    (
        "03.mmcs",
        "largest in size",
        lambda f, d: (lambda c: c[np.arange(len(f)), np.abs(c).argmax(axis=1)].mean())(
            unit(f) @ unit(d).T
        ),
    ),
    ("03.principal_components", "unsorted", lambda x, k: np.linalg.eig(np.cov(x.T))[1].T[:k]),
    ("03.principal_components", "signs lost", lambda x, k: np.abs(svd(x)[2][:k])),
    ("04.numerical_gradient", "eps unused", lambda f, at, eps=1e-5: central(f, at, 1e-5)),
    ("04.numerical_gradient", "one-sided, tiny", lambda f, at, eps=1e-8: central(f, at, eps, 0)),
    (
        "04.numerical_gradient",
        "one-sided, float32",
        lambda f, at, eps=1e-5: np.float32(central(f, at, eps, 0)),
    ),
    ("04.grad_x_hat", "n - 1", lambda h, x: 2 * (h - x) / (len(x) - 1)),
    ("04.grad_x_hat", "in place", lambda h, x: np.multiply(np.subtract(h, x, out=h), 2 / len(x))),
    (
        "04.grad_W_dec",
        "reshaped",
        lambda h, x, z: (2 * (h - x).T @ z / len(x)).reshape(z.shape[1], -1),
    ),
    ("04.grad_latents_reconstruction", "d_in", lambda h, x, D: 2 * (h - x) @ D.T / x.shape[1]),
    ("04.grad_latents_l1", "isclose", lambda z, c: c * ~np.isclose(z, 0) / len(z)),
    ("04.grad_latents_l1", "rounded", lambda z, c: c * np.sign(np.round(z, 2)) / len(z)),
    ("04.grad_pre_acts", "threshold", lambda d, p: d * (p > 1e-6)),
    ("04.grad_pre_acts", "in place", lambda d, p: np.multiply(d, p > 0, out=d)),
    ("04.grad_pre_acts", "live columns", lambda d, p: d * (p.max(axis=0) > 0)),
    ("04.grad_W_enc", "b_dec once", lambda x, b, d: x.T @ d - np.outer(b, d.mean(axis=0))),
    ("04.grad_b_enc", "positive only", lambda d: relu(d).sum(axis=0)),
    (
        "04.grad_b_dec",
        "2/batch twice",
        lambda h, x, d, E: 2 * (h - x).mean(axis=0) - 2 / len(x) * (d @ E.T).sum(axis=0),
    ),
    (
        "04.project_off_rows",
        "outward only",
        lambda d, D: d - relu((d * unit(D)).sum(axis=1, keepdims=True)) * unit(D),
    ),
    ("04.project_off_rows", "sum of columns", lambda d, D: d - (d * unit(D)).sum(axis=0) * unit(D)),
]

RIGHT: list[tuple[str, str, Answer]] = [
    ("00.centre", "column stack", lambda x: np.column_stack([c - np.average(c) for c in x.T])),
    ("00.row_lengths", "hypot", lambda x: np.hypot.reduce(x, axis=1)),
    (
        "00.unit_rows",
        "vectorize",
        np.vectorize(lambda row: row / np.linalg.norm(row), signature="(d)->(d)"),
    ),
    ("00.unit_rows", "tiny epsilon", lambda x: x / (np.linalg.norm(x, axis=1)[:, None] + 1e-12)),
    (
        "03.encode",
        "half of p + |p|",
        lambda x, E, b, c: (lambda p: (p + np.abs(p)) / 2)(np.tensordot(x - c, E, 1) + b),
    ),
    (
        "03.decode",
        "start of a sum",
        lambda z, D, b: np.array(
            [sum((v * d for v, d in zip(s, D, strict=True)), start=b) for s in z]
        ),
    ),
    (
        "03.reconstruction_loss",
        "0-d array",
        lambda h, x: np.array(np.trace((h - x) @ (h - x).T) / len(x)),
    ),
    (
        "03.l1_penalty",
        "keywords",
        lambda latents, l1_coefficient, **_: l1_coefficient * latents.sum() / len(latents),
    ),
    ("03.l0", "ord 0", lambda z: np.mean(np.linalg.norm(z, 0, axis=1))),
    (
        "03.fraction_of_variance_unexplained",
        "covariance",
        lambda h, x: ((h - x) ** 2).sum() / np.trace(np.cov(x.T, ddof=0)) / len(x),
    ),
    ("03.mmcs", "partition", lambda f, d: np.partition(unit(f) @ unit(d).T, -1)[:, -1].mean()),
    (
        "03.principal_components",
        "signs mixed",
        lambda x, k: svd(x)[2][:k] * np.where(np.arange(k) % 2, -1, 1)[:, None],
    ),
    ("03.principal_components", "float32", lambda x, k: svd(x.astype(np.float32))[2][:k]),
    (
        "04.numerical_gradient",
        "Fortran order",
        lambda f, at, eps=1e-5: np.asfortranarray(central(f, at, eps)),
    ),
    ("04.grad_x_hat", "star", lambda *a: np.divide(np.subtract(*a), len(a[0])) * 2),
    (
        "04.grad_W_dec",
        "broadcast",
        lambda h, x, z: 2 * (z[:, :, None] * (h - x)[:, None]).mean(axis=0),
    ),
    ("04.grad_latents_l1", "bool", lambda z, c: z.astype(bool) * (c / len(z))),
    ("04.grad_pre_acts", "select", lambda d, p: np.select([p > 0], [d])),
    ("04.grad_W_enc", "split", lambda x, b, d: x.T @ d - np.outer(b, d.sum(axis=0))),
    ("04.grad_b_enc", "builtin sum", lambda d: sum(d)),
    (
        "04.grad_b_dec",
        "ones",
        lambda h, x, d, E: np.ones(len(x)) @ (2 * (h - x) / len(x) - d @ E.T),
    ),
    (
        "04.project_off_rows",
        "two diagonals",
        lambda d, D: d - np.diag(np.diag(d @ unit(D).T)) @ unit(D),
    ),
]


def names(cases: list[tuple[str, str, Answer]]) -> list[str]:
    return [f"{exercise}-{name}" for exercise, name, _ in cases]


@pytest.mark.parametrize(("exercise", "name", "answer"), WRONG, ids=names(WRONG))
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wrong_answer_of_no_list_is_rejected_with_something_to_act_on(
    exercise: str, name: str, answer: Answer, seed: int | None
) -> None:
    verdict = grade(exercise, answer, seed=seed)
    assert verdict.status == "wrong"
    assert len(verdict.message) > len("Its values differ.")


@pytest.mark.parametrize(("exercise", "name", "answer"), RIGHT, ids=names(RIGHT))
@pytest.mark.parametrize("seed", SEEDS)
def test_an_unusual_right_answer_passes(
    exercise: str, name: str, answer: Answer, seed: int | None
) -> None:
    verdict = grade(exercise, answer, seed=seed)
    assert verdict.status == "passed", verdict.message


class AnObject:
    def __init__(self, function: Answer) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def readonly(function: Answer, *args: Any) -> Any:
    answer = np.array(function(*args))
    answer.flags.writeable = False
    return answer


@pytest.mark.parametrize("exercise", sorted({exercise for exercise, _, _ in WRONG}))
def test_any_form_of_the_answer_passes_and_any_other_value_does_not(exercise: str) -> None:
    reference = find_exercise(exercise).reference
    for right in (
        functools.partial(lambda *args: reference(*args)),
        AnObject(reference),
        functools.partial(readonly, reference),
        lambda *args, verbose=False: np.asarray(reference(*args)).astype(">f8"),
    ):
        assert grade(exercise, right).status == "passed"
    for wrong in (
        lambda *args: (reference(*args),),
        lambda *args: np.asarray(reference(*args)).astype(object),
        lambda *args: np.asarray(reference(*args)) * (1 + 1e-3),
        lambda *args: np.expand_dims(reference(*args), 0),
        lambda *args: print(reference(*args)),
    ):
        assert grade(exercise, wrong).status == "wrong"
