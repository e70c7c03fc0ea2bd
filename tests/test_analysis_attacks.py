"""Chapter 10's checkers against what nobody listed: strong wrong answers, unusual right ones."""

from __future__ import annotations

import html
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch

from saeedu.analysis import (
    Entries,
    matching_thresholds,
    quantile_picks,
    strongest_entries,
    token_agreement,
    token_span,
    window_positions,
)
from saeedu.grading import grade


def best(entries: Any, n: int) -> Any:
    return entries.at(strongest_entries(entries.values, entries.latents, entries.keys, n))


def effects(d: Any, u: Any) -> Any:
    return d @ u - (d @ u).mean(dim=1, keepdim=True)


def rate(peaks: Any) -> Any:
    return (peaks > 0).double().mean(dim=0)


WRONG = [
    ("10.token_span", "weak is silent", lambda t, a, c: token_span(t, a if a > 0.5 else 0, c)),
    ("10.token_span", "unescaped first", lambda t, a, c: token_span(html.unescape(t), a, c)),
    ("10.token_span", "squared", lambda t, a, c: token_span(t, a * min(a / c, 1), c)),
    ("10.token_span", "no title", lambda t, a, c: token_span(t, a, c).replace("title", "lang")),
    ("10.window_positions", "sorted", lambda p, *r: window_positions(p.sort().values, *r)),
    ("10.window_positions", "unique", lambda p, *r: window_positions(p.unique(), *r)),
    ("10.window_positions", "one on", lambda p, c, b, a: window_positions(p, c + 1, b, a)),
    (
        "10.window_positions",
        "nearer than a context",
        lambda p, c, b, a: (p[:, None] + torch.arange(-b, a + 1)).where(
            torch.arange(-b, a + 1).abs() < c, -1
        ),
    ),
    ("10.strongest_entries", "hash cut", lambda v, j, k, n: strongest_entries(v, j, k.int(), n)),
    ("10.strongest_entries", "hash as float", lambda v, j, k, n: strongest_entries(v, j, k / 1, n)),
    ("10.strongest_entries", "rounded", lambda v, j, k, n: strongest_entries(v.round(), j, k, n)),
    ("10.strongest_entries", "n in all", lambda v, j, k, n: strongest_entries(v, j, k, n)[:n]),
    ("10.merge_top", "one of the new", lambda a, b, n: best(a.followed_by(best(b, 1)), n)),
    (
        "10.merge_top",
        "only what beats the weakest",
        lambda a, b, n: best(
            a.followed_by(b.at(b.values > a.values.min()) if len(a.values) else b), n
        ),
    ),
    ("10.merge_top", "full is full", lambda a, b, n: a if len(a.values) >= n else best(b, n)),
    ("10.matching_thresholds", "scaled", lambda p, d: matching_thresholds(p, d) * 0.99),
    ("10.matching_thresholds", "half", lambda p, d: matching_thresholds(p, d / 2)),
    ("10.matching_thresholds", "the other side", lambda p, d: -matching_thresholds(-p, d)),
    (
        "10.matching_thresholds",
        "centred",
        lambda p, d: matching_thresholds(p - p.mean(dim=0), d),
    ),
    ("10.token_agreement", "first five", lambda t: token_agreement(t[:, :5])),
    ("10.token_agreement", "squared", lambda t: token_agreement(t) ** 2),
    ("10.token_agreement", "at least a tenth", lambda t: token_agreement(t).clamp(min=0.1)),
    ("10.token_agreement", "the dead left out", lambda t: token_agreement(t[t.amax(dim=1) >= 0])),
    ("10.quantile_picks", "one more", lambda v, n: quantile_picks(v, n + 1)),
    ("10.quantile_picks", "sorted", lambda v, n: quantile_picks(v, n).sort().values),
    ("10.quantile_picks", "ceiling", lambda v, n: quantile_picks(v.clamp(max=1), n)),
    ("10.logit_effects", "tokens centred over d", lambda d, u: effects(d, u - u.mean(dim=0))),
    ("10.logit_effects", "directions centred", lambda d, u: effects(d - d.mean(dim=0), u)),
    ("10.logit_effects", "one scale for all", lambda d, u: effects(d / d.norm(), u)),
    ("10.logit_effects", "promoted only", lambda d, u: effects(d, u).clamp(min=0)),
    ("10.feature_scores", "above 1", lambda p, q: rate(p - 1) - rate(q - 1)),
    ("10.feature_scores", "half", lambda p, q: (rate(p) - rate(q)) / 2),
    ("10.feature_scores", "pooled", lambda p, q: rate(torch.cat([p, q])) - rate(q)),
    (
        "10.feature_scores",
        "smoothed",
        lambda p, q: ((p > 0).sum(0) + 1) / (len(p) + 2) - ((q > 0).sum(0) + 1) / (len(q) + 2),
    ),
]

RIGHT = [
    (
        "10.token_span",
        "another style of quotes",
        lambda t, a, c: (
            html.escape(t, quote=False)
            if a == 0
            else f"<span style='background: rgba(230, 159, 0, {min(0.55, 0.55 * a / c):.2f});' "
            f"title='{a:.2f}'>{html.escape(t)}</span>"
        ),
    ),
    (
        "10.window_positions",
        "by arithmetic",
        lambda p, c, b, a: (
            (p[:, None] + torch.arange(-b, a + 1) + 1)
            * ((p[:, None] + torch.arange(-b, a + 1)) // c == p[:, None] // c)
            - 1
        ),
    ),
    (
        "10.strongest_entries",
        "latent by latent",
        lambda v, j, k, n: torch.cat(
            [
                (j == one).nonzero()[:, 0][
                    strongest_entries(v[j == one], j[j == one], k[j == one], n)
                ]
                for one in j.unique()
            ]
        ),
    ),
    (
        "10.merge_top",
        "both thinned",
        lambda a, b, n: best(
            Entries._make(torch.cat(pair) for pair in zip(best(a, n), best(b, n), strict=True)), n
        ),
    ),
    ("10.matching_thresholds", "a hair above", lambda p, d: matching_thresholds(p, d) + 1e-9),
    (
        "10.token_agreement",
        "by counting",
        lambda t: torch.tensor(
            [
                max(Counter(x for x in row if x >= 0).values(), default=0)
                / max(1, sum(x >= 0 for x in row))
                for row in t.tolist()
            ]
        ),
    ),
    (
        "10.quantile_picks",
        "by sorting pairs",
        lambda v, n: (
            lambda rows: torch.tensor(
                rows
                if len(rows) <= n
                else [rows[math.floor((i + 0.5) * len(rows) / n + 1e-9)] for i in range(n)]
            )
        )([i for a, i in sorted((-a, i) for i, a in enumerate(v.tolist()) if a > 0)]),
    ),
    (
        "10.logit_effects",
        "by a centring matrix",
        lambda d, u: d @ u @ (torch.eye(u.shape[1], dtype=u.dtype) - 1 / u.shape[1]),
    ),
    (
        "10.feature_scores",
        "true negatives",
        lambda p, q: torch.from_numpy(np.mean(p.numpy() > 0, 0) + np.mean(q.numpy() == 0, 0) - 1),
    ),
]


@pytest.mark.parametrize(("exercise", "name", "answer"), WRONG, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_wrong_answer_that_is_not_listed_fails(
    exercise: str, name: str, answer: Any, seed: int | None
) -> None:
    assert grade(exercise, answer, seed=seed).status in ("wrong", "raised"), name


@pytest.mark.parametrize(("exercise", "name", "answer"), RIGHT, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("seed", [None, 1, 2])
def test_an_unusual_right_answer_passes(
    exercise: str, name: str, answer: Any, seed: int | None
) -> None:
    verdict = grade(exercise, answer, seed=seed)
    assert verdict.passed, f"{name}: {verdict.message}"
