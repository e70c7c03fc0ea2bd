"""A made-up corpus and a minuscule model, for the tests of the stand-in's training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

if not hasattr(torch.optim, "Muon"):
    pytest.skip("training the stand-in needs torch.optim.Muon", allow_module_level=True)

from scripts.standin.corpus import Tokens
from scripts.standin.network import Network, Shape
from scripts.standin.recipe import Recipe
from scripts.standin.tokens import encode_stories, train_tokenizer
from scripts.standin.training import Run

SHAPE = Shape(vocabulary=290, context=16, d_model=16, n_layers=2, n_heads=2)
RECIPE = Recipe(SHAPE, warmup=2, decline=((5, 1.0), (9, 0.0)), rows=3)


def stories(n: int = 40) -> list[str]:
    """Made-up stories, no two alike, some shorter and some longer than a row."""
    rng = np.random.default_rng(0)
    words = [
        "Once",
        "upon",
        "a",
        "time",
        "the",
        "cat",
        "and",
        "her",
        "dog",
        "ran",
        "home.",
        "café!",
    ]
    return [" ".join(rng.choice(words, size=rng.integers(3, 25))) + f" {i}." for i in range(n)]


def token_stories() -> list[Tokens]:
    """The same as tokens."""
    return encode_stories(train_tokenizer(stories(), SHAPE.vocabulary), stories())


def no_measure(network: Network) -> float:
    return 0.0


def trained(folder: Path, recipe: Recipe = RECIPE) -> Run:
    run = Run(recipe, token_stories(), folder)
    run.train(no_measure)
    return run
