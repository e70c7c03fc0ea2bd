"""Chapter 07: answers that nobody listed, and draws that leave no slip a place to hide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from saeedu.absorption import main_latents
from saeedu.course.ch07_the_zoo import draws
from saeedu.grading import grade

Answer = Callable[..., Any]
SEEDS = [None, 1, 2]
relu = torch.relu


def near(z: Any, t: Any, b: float) -> Any:
    return ((z - t).abs() < b / 2).to(z.dtype)


def error(x_hat: Any, x: Any) -> Any:
    return ((x_hat - x) ** 2).sum(dim=1).mean()


def frozen(g: Any, W: Any, b: Any) -> Any:
    return g @ W.detach() + b.detach()


def hidden(c: Any, z: Any, W: Any, D: Any) -> Any:
    return (c > 0) & (z[:, main_latents(D, W)] == 0)


def interp(l0: Any, s: Any, t: float, **ends: float) -> float:
    order = np.argsort(l0)
    return float(np.interp(t, l0[order], s[order], **ends))


NAN = {"left": np.nan, "right": np.nan}

WRONG: list[tuple[str, str, Answer]] = [
    (
        "gated_latents",
        "opens at a half",
        lambda p, g, r, m: (relu(p * r.exp() + m) * (p + g >= 0.5), relu(p + g)),
    ),
    (
        "gated_latents",
        "bias subtracted",
        lambda p, g, r, m: (relu(p * r.exp() - m) * (p + g > 0), relu(p + g)),
    ),
    (
        "gated_latents",
        "one plus r",
        lambda p, g, r, m: (relu(p * (1 + r) + m) * (p + g > 0), relu(p + g)),
    ),
    (
        "gated_latents",
        "absolute gate",
        lambda p, g, r, m: (relu(p * r.exp() + m) * (p + g > 0), (p + g).abs()),
    ),
    (
        "gated_latents",
        "stretched gate",
        lambda p, g, r, m: (relu(p * r.exp() + m) * (p + g > 0), relu(p * r.exp() + g)),
    ),
    ("gated_latents", "latents alone", lambda p, g, r, m: relu(p * r.exp() + m) * (p + g > 0)),
    ("gate_loss", "median", lambda g, W, b, x: ((frozen(g, W, b) - x) ** 2).sum(1).median()),
    ("gate_loss", "halved", lambda g, W, b, x: error(frozen(g, W, b), x) / 2),
    ("gate_loss", "absolute", lambda g, W, b, x: (frozen(g, W, b) - x).abs().sum(1).mean()),
    ("gate_loss", "L1 added", lambda g, W, b, x: error(frozen(g, W, b), x) + g.sum(1).mean()),
    ("gate_loss", "by variance", lambda g, W, b, x: error(frozen(g, W, b), x) / x.var()),
    (
        "jump_relu_gradients",
        "triangle",
        lambda d, z, t, b: (
            d * (z > t),
            -(t / b * (1 - 2 * (z - t).abs() / b).clamp(min=0) * d).sum(0),
        ),
    ),
    (
        "jump_relu_gradients",
        "squared distance",
        lambda d, z, t, b: (d * (z > t), -(t / b * ((z - t) ** 2 < b / 2) * d).sum(0)),
    ),
    (
        "jump_relu_gradients",
        "means multiplied",
        lambda d, z, t, b: (d * (z > t), -(t / b * near(z, t, b)).sum(0) * d.sum(0)),
    ),
    (
        "jump_relu_gradients",
        "off where it is on",
        lambda d, z, t, b: (d * (z < t), -(t / b * near(z, t, b) * d).sum(0)),
    ),
    (
        "jump_relu_gradients",
        "half as high",
        lambda d, z, t, b: (d * (z > t), -(t / 2 / b * near(z, t, b) * d).sum(0)),
    ),
    ("step_gradient", "by threshold", lambda d, z, t, b: -(near(z, t, b) / t * d).sum(0)),
    ("step_gradient", "bandwidth twice", lambda d, z, t, b: -(near(z, t, b) * d).sum(0) / b**2),
    ("step_gradient", "absolute", lambda d, z, t, b: -(near(z, t, b) / b * d).abs().sum(0)),
    ("step_gradient", "with z", lambda d, z, t, b: -(near(z, t, b) / b * d * z).sum(0)),
    (
        "step_gradient",
        "Gaussian",
        lambda d, z, t, b: -(torch.exp(-(((z - t) / b) ** 2) / 2) / b / 2.5066 * d).sum(0),
    ),
    (
        "prefix_losses",
        "widest first",
        lambda z, W, b, x, ws: torch.stack([error(z[:, :w] @ W[:w] + b, x) for w in reversed(ws)]),
    ),
    (
        "prefix_losses",
        "per latent",
        lambda z, W, b, x, ws: torch.stack([error(z[:, :w] @ W[:w] + b, x) / w for w in ws]),
    ),
    (
        "prefix_losses",
        "frozen bias",
        lambda z, W, b, x, ws: torch.stack([error(z[:, :w] @ W[:w] + b.detach(), x) for w in ws]),
    ),
    (
        "prefix_losses",
        "frozen rows",
        lambda z, W, b, x, ws: torch.stack([error(z[:, :w] @ W[:w].detach() + b, x) for w in ws]),
    ),
    (
        "prefix_losses",
        "counts as widths",
        lambda z, W, b, x, ws: torch.stack(
            [error(z[:, : i + 1] @ W[: i + 1] + b, x) for i in range(len(ws))]
        ),
    ),
    (
        "present_children",
        "from above",
        lambda pp, u, n, p: (
            (np.floor((1 - u) / p)[:, :, None] == np.arange(n)) & pp[:, :, None]
        ).reshape(len(u), -1),
    ),
    (
        "present_children",
        "times p",
        lambda pp, u, n, p: (
            (np.floor(u * p)[:, :, None] == np.arange(n)) & pp[:, :, None]
        ).reshape(len(u), -1),
    ),
    ("present_children", "tiled", lambda pp, u, n, p: np.tile((u < p) & pp, (1, n))),
    ("present_children", "any child", lambda pp, u, n, p: np.repeat((u < n * p) & pp, n, axis=1)),
    (
        "present_children",
        "own random numbers",
        lambda pp, u, n, p: (
            (np.random.default_rng(0).random((*u.shape, n)) < p) & pp[:, :, None]
        ).reshape(len(u), -1),
    ),
    (
        "absorption_rate",
        "a quarter",
        lambda c, z, W, D: (hidden(c, z, W, D) & (z @ W @ D.T >= c / 4)).sum(0) / (c > 0).sum(0),
    ),
    (
        "absorption_rate",
        "nearly silent",
        lambda c, z, W, D: (
            ((c > 0) & (z[:, main_latents(D, W)] < z.mean()) & (z @ W @ D.T >= c / 2)).sum(0)
            / (c > 0).sum(0)
        ),
    ),
    (
        "absorption_rate",
        "ones for values",
        lambda c, z, W, D: (
            (hidden(c, z, W, D) & ((z > 0) @ W @ D.T >= c / 2)).sum(0) / (c > 0).sum(0)
        ),
    ),
    (
        "absorption_rate",
        "mean strength",
        lambda c, z, W, D: (
            (hidden(c, z, W, D) & (z @ W @ D.T >= c.mean(0) / 2)).sum(0) / (c > 0).sum(0)
        ),
    ),
    (
        "absorption_rate",
        "anything else on",
        lambda c, z, W, D: (
            (hidden(c, z, W, D) & (z.sum(1, keepdims=True) > 0)).sum(0) / (c > 0).sum(0)
        ),
    ),
    ("score_at_l0", "always NaN", lambda l0, s, t: float("nan")),
    ("score_at_l0", "best of all", lambda l0, s, t: float(s.max())),
    ("score_at_l0", "a parabola", lambda l0, s, t: float(np.polyval(np.polyfit(l0, s, 2), t))),
    ("score_at_l0", "log of scores", lambda l0, s, t: float(np.exp(interp(l0, np.log(s), t)))),
    ("score_at_l0", "sign turned", lambda l0, s, t: interp(l0, -s, t, **NAN)),
    ("score_at_l0", "sorts in place", lambda l0, s, t: (l0.sort(), interp(l0, s, t, **NAN))[1]),
]

RIGHT: list[tuple[str, str, Answer]] = [
    (
        "gated_latents",
        "masked_fill, as a list",
        lambda p, g, r, m: [relu(p * r.exp() + m).masked_fill(p + g <= 0, 0), relu(p + g)],
    ),
    (
        "gated_latents",
        "gt and threshold",
        lambda p, g, r, m: (
            relu(torch.addcmul(m, p, r.exp())) * torch.gt(p, -g),
            torch.nn.functional.threshold(p + g, 0, 0),
        ),
    ),
    (
        "gate_loss",
        "linear and mse_loss",
        lambda g, W, b, x: (
            torch.nn.functional.mse_loss(torch.nn.functional.linear(g, W.detach().T, b.detach()), x)
            * x.shape[1]
        ),
    ),
    ("gate_loss", "dist", lambda g, W, b, x: torch.dist(frozen(g, W, b), x) ** 2 / len(x)),
    (
        "jump_relu_gradients",
        "the diagonal of a product, as a list",
        lambda d, z, t, b: [d.masked_fill(z <= t, 0), -torch.diag(d.T @ near(z, t, b)) * t / b],
    ),
    (
        "jump_relu_gradients",
        "a latent at a time",
        lambda d, z, t, b: (
            torch.where(z > t, d, 0.0),
            torch.stack(
                [-(t[j] / b) * d[:, j][near(z, t, b)[:, j] > 0].sum() for j in range(len(t))]
            ),
        ),
    ),
    (
        "step_gradient",
        "mean times n",
        lambda d, z, t, b: (d * near(z, t, b)).mean(0) * len(d) / -b,
    ),
    (
        "step_gradient",
        "masked_fill",
        lambda d, z, t, b: -(d / b).masked_fill((z - t).abs() >= b / 2, 0).sum(0),
    ),
    (
        "prefix_losses",
        "one cumsum over latents",
        lambda z, W, b, x, ws: (
            (((z[:, :, None] * W[None]).cumsum(1)[:, [w - 1 for w in ws]] + b - x[:, None]) ** 2)
            .sum(2)
            .mean(0)
        ),
    ),
    (
        "prefix_losses",
        "cat and narrow",
        lambda z, W, b, x, ws: torch.cat(
            [error(x - b, z.narrow(1, 0, w) @ W.narrow(0, 0, w)).reshape(1) for w in ws]
        ),
    ),
    (
        "present_children",
        "digitize",
        lambda pp, u, n, p: (
            (np.digitize(u, p * np.arange(1, n + 1))[:, :, None] == np.arange(n)) & pp[:, :, None]
        ).reshape(len(u), -1),
    ),
    (
        "present_children",
        "rows of the identity, as numbers",
        lambda pp, u, n, p: (
            np.eye(n + 1)[np.minimum((u / p).astype(int), n)][:, :, :n] * pp[:, :, None]
        ).reshape(len(u), -1),
    ),
    (
        "absorption_rate",
        "nanmean",
        lambda c, z, W, D: np.nanmean(
            np.where(c > 0, hidden(c, z, W, D) & (z @ W @ D.T >= c / 2), np.nan), axis=0
        ),
    ),
    (
        "absorption_rate",
        "einsum and bincount",
        lambda c, z, W, D: (
            np.bincount(
                np.nonzero(hidden(c, z, W, D) & (2 * np.einsum("bs,sd,id->bi", z, W, D) >= c))[1],
                minlength=c.shape[1],
            )
            / np.count_nonzero(c, axis=0)
        ),
    ),
    ("score_at_l0", "from the right", lambda l0, s, t: interp(-l0, s, -t, **NAN)),
    (
        "score_at_l0",
        "a NumPy number",
        lambda l0, s, t: np.float64(interp(l0, s, t)) if l0.min() <= t <= l0.max() else np.nan,
    ),
]


def named(cases: list[tuple[str, str, Answer]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("name", "answer"),
        [(name, answer) for name, _, answer in cases],
        ids=[f"{name}-{what}" for name, what, _ in cases],
    )


@named(WRONG)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wrong_answer_that_nobody_listed_fails(name: str, answer: Answer, seed: Any) -> None:
    verdict = grade(f"07.{name}", answer, seed=seed)
    assert verdict.status == "wrong"


@named(RIGHT)
@pytest.mark.parametrize("seed", SEEDS)
def test_an_unusual_right_answer_passes(name: str, answer: Answer, seed: Any) -> None:
    verdict = grade(f"07.{name}", answer, seed=seed)
    assert verdict.status == "passed", verdict.message


@pytest.mark.parametrize("seed", range(5))
def test_entries_lie_on_both_sides_of_each_windows_edge(seed: int) -> None:
    for call in draws.near_thresholds(np.random.default_rng(seed)):
        _, z, t, bandwidth = call.args
        distance = (z - t) / (bandwidth / 2)
        assert (distance.abs() < 0.95).any(dim=0).all()
        assert ((distance.abs() > 1.05) & (distance.abs() < 2)).any()
        assert ((distance > 0) & (distance < 1)).any(dim=0).all()
        assert ((distance < 0) & (distance > -1)).any(dim=0).all()
        assert ((z > 0) & (z < t)).any(dim=0).all()  # positive, and off


@pytest.mark.parametrize("seed", range(5))
def test_both_paths_of_a_gate_disagree_both_ways(seed: int) -> None:
    calls = list(draws.gates(np.random.default_rng(seed)))
    assert sum("closed over a positive" in call.note for call in calls) >= 3
    for call in calls:
        if "exactly 0" in call.note:
            continue
        products, b_gate, r_mag, b_mag = (argument.detach() for argument in call.args)
        gate, magnitude = products + b_gate, products * r_mag.exp() + b_mag
        assert ((gate > 0) & (magnitude < 0)).any()
        assert ((gate < 0) & (magnitude > 0)).any()


@pytest.mark.parametrize("seed", range(5))
def test_each_condition_of_absorption_decides_somewhere(seed: int) -> None:
    for call in draws.absorptions(np.random.default_rng(seed)):
        coefficients, latents, W_dec, directions = call.args
        np.testing.assert_allclose(directions @ directions.T, np.eye(len(directions)), atol=1e-9)
        present = coefficients > 0
        silent = latents[:, main_latents(directions, W_dec)] == 0
        rebuilt = latents @ W_dec @ directions.T >= coefficients / 2
        assert present.any(axis=0).all()
        for three in ((~present, silent, rebuilt), (present, ~silent, rebuilt),
                      (present, silent, ~rebuilt), (present, silent, rebuilt)):  # fmt: skip
            assert np.logical_and.reduce(three).any()
