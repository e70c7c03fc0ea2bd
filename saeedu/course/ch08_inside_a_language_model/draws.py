"""Inputs for this chapter's checks: no two axes of one size, and nothing zero that hides a slip.

Some are more than arrays: small networks to hang hooks on, a made-up language model, and files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from saeedu.grading.exercise import Call
from saeedu.hooks import parse_hook


def tensor(values: np.ndarray) -> Tensor:
    """A float64 tensor with a copy of the values."""
    return torch.tensor(values, dtype=torch.float64)


def piles_of_documents(rng: np.random.Generator) -> Iterator[Call]:
    """Documents of many lengths, BOS of several numbers, and a rest that fills no context."""
    cases: tuple[tuple[tuple[int, ...], int, int, str], ...] = (
        ((5, 2, 9, 4), 6, 0, ""),
        ((3, 1, 1, 2, 8), 4, 90, "the BOS token is number 90"),
        ((14,), 5, 7, "a single document"),
        ((4, 3), 5, 0, "the pieces come out even: nothing is left over"),
        ((1, 2, 1, 3, 1), 3, 12, "documents shorter than a context"),
        ((2, 1), 9, 3, "too little text for one context"),
        ((4, 3), 10, 6, "one token too few for a context"),
    )
    for lengths, context, bos, note in cases:
        documents = [torch.tensor(rng.permutation(np.arange(20, 80))[:n]) for n in lengths]
        yield Call((documents, context, bos), note=note)


class Block(nn.Module):
    """Two modules that add to a stream, the second one in place, as a transformer's block may."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(inplace=True), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The stream, [batch, width]."""
        stream = x + self.attn(x)
        stream += self.mlp(stream)
        return stream


class Network(nn.Module):
    """A stack of blocks, each reading what the one before left, and adding to it in place."""

    def __init__(self, width: int, n_blocks: int) -> None:
        super().__init__()
        self.embed = nn.Linear(3, width)
        self.blocks = nn.ModuleList([Block(width) for _ in range(n_blocks)])
        self.unembed = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """From [batch, 3] to [batch, 2]."""
        stream = self.embed(x)
        for block in self.blocks:
            stream = block(stream)
        return self.unembed(stream)


def networks(rng: np.random.Generator) -> Iterator[Call]:
    """Networks with modules inside modules, and changes in place."""
    cases: tuple[tuple[int, int, tuple[str, ...], str], ...] = (
        (4, 2, ("blocks.1.attn", "embed"), ""),
        (
            5,
            1,
            ("blocks.0.mlp", "blocks.0.mlp.0"),
            "a ReLU works in place on what one of them made",
        ),
        (6, 3, ("blocks.2", "blocks.0", "blocks.0.mlp.2"), "one is a whole block"),
        (7, 2, (), "no names at all"),
    )
    for width, n_blocks, names, note in cases:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(1 << 30)))
            network = Network(width, n_blocks).double()
        # As somebody may have left it: neither all in one mode, nor all to be trained.
        network.get_submodule("blocks.0.attn").eval()
        network.embed.bias.requires_grad_(False)
        batch = width + 3
        yield Call((network, list(names), tensor(rng.standard_normal((batch, 3)))), note=note)


class MadeUpModel:
    """As much of a `LanguageModel` as reads activations: attention that averages, and an MLP."""

    name = "made-up"

    def __init__(self, n_layers: int, d_model: int, rng: np.random.Generator) -> None:
        self.n_layers, self.d_model, self.vocabulary = n_layers, d_model, 13
        self._embedding = tensor(rng.standard_normal((self.vocabulary, d_model)))
        self._positions = tensor(rng.standard_normal((20, d_model)))
        self._attention = tensor(rng.standard_normal((n_layers, d_model, d_model)))
        self._in = tensor(rng.standard_normal((n_layers, d_model, 2 * d_model)))
        self._out = tensor(rng.standard_normal((n_layers, 2 * d_model, d_model)))

    def activations(self, tokens: Tensor, hooks: Sequence[str]) -> dict[str, Tensor]:
        """What a `LanguageModel` gives, at the same hooks."""
        seen: dict[str, Tensor] = {}
        stream = self._embedding[tokens] + self._positions[: tokens.shape[1]]
        so_far = torch.arange(1, tokens.shape[1] + 1)[:, None]
        for i in range(self.n_layers):
            seen[f"blocks.{i}.hook_resid_pre"] = stream
            attn = (stream.cumsum(dim=1) / so_far) @ self._attention[i]
            neurons = torch.relu((stream + attn) @ self._in[i])
            mlp = neurons @ self._out[i]
            stream = stream + attn + mlp
            seen[f"blocks.{i}.hook_attn_out"] = attn
            seen[f"blocks.{i}.mlp.hook_post"] = neurons
            seen[f"blocks.{i}.hook_mlp_out"] = mlp
            seen[f"blocks.{i}.hook_resid_post"] = stream
        for hook in hooks:
            parse_hook(hook, self.n_layers, self.name)  # its error names the hooks that there are
        return {hook: seen[hook].clone() for hook in hooks}

    def residual(self, tokens: Tensor, hook: str) -> Tensor:
        """The residual stream at a hook."""
        return self.activations(tokens, [hook])[hook]

    def __repr__(self) -> str:
        return f"a made-up model of {self.n_layers} blocks"


def models_and_layers(rng: np.random.Generator) -> Iterator[Call]:
    """Made-up models, tokens, and blocks from the first to the last."""
    for n_layers, batch, context, d_model, layer in (
        (4, 2, 6, 8, 3),
        (3, 5, 4, 6, 2),
        (4, 2, 7, 9, 1),
        (2, 3, 5, 4, 0),
    ):
        model = MadeUpModel(n_layers, d_model, rng)
        tokens = torch.tensor(rng.integers(model.vocabulary, size=(batch, context)))
        note = "block 0: nothing but the embedding" if layer == 0 else ""
        yield Call((model, tokens, layer), {"batch": batch, "d_model": d_model}, note)


def rows_to_normalise(rng: np.random.Generator) -> Iterator[Call]:
    """Rows with means and spreads of their own; one of them hardly varies, so that eps matters."""
    for n, d_model, eps in ((7, 5, 1e-5), (4, 9, 0.5), (11, 3, 2.0), (6, 8, 1e-5)):
        x = rng.standard_normal((n, d_model)) * rng.uniform(0.5, 4.0, (n, 1))
        x = x * rng.uniform(0.5, 2.0, d_model) + rng.uniform(0.7, 3.0, (n, 1))
        x[2] = 1.3 + 0.002 * rng.standard_normal(d_model)
        yield Call(
            (tensor(x), eps), {"n": n, "d_model": d_model}, "one row hardly varies, so eps matters"
        )


def streams_with_outliers(rng: np.random.Generator) -> Iterator[Call]:
    """Streams with very long tokens: at the first position, in the middle, in most of a context.

    Most tokens are shorter than 0.85 or longer than 1.15, and the median is one of exactly 1: where
    another median is taken, or the threshold is another, some token is on the wrong side of it.
    """
    for n_contexts, context, d_model, factor in ((5, 9, 4, 6.0), (3, 11, 6, 10.0), (7, 7, 3, 2.5)):
        n = n_contexts * context
        lengths = np.full((n_contexts, context), np.nan)
        lengths[:, 0] = factor * rng.uniform(20, 40, n_contexts)
        lengths[1, 2] = 1.7 * factor  # long, but not beside the first position
        lengths[2, 1 : context // 2 + 2] = factor * 3.0  # more than half of one context
        lengths[0, 3] = factor / 2.0  # longer than usual, and no outlier
        lengths[-1, 0] = 1.1  # no outlier there in this context
        lengths[1, -1] = 0.22
        lengths[-1, 2] = factor * 0.38
        lengths[-1, -1] = 0.05
        alone = {  # all their length in one coordinate, so that it is exact
            (0, 1): 0.92 * factor,
            (1, 1): -1.25 * factor,
            (0, -1): factor,  # no longer than `factor` medians
            (1, 3): factor + 0.5,
            (0, 2): 1.0,  # the median
        }
        for place, length in alone.items():
            lengths[place] = abs(length)
        lengths[1, 4] = 1.1 * factor
        free = np.flatnonzero(np.isnan(lengths))
        usual = rng.uniform(1.15, 1.4, len(free))
        n_shorter = n // 2 - int((lengths < 1.0).sum())
        usual[:n_shorter] = rng.uniform(0.55, 0.85, n_shorter)
        lengths.flat[free] = rng.permutation(usual)
        directions = rng.standard_normal((n_contexts, context, d_model)) + 0.4
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        x = directions * lengths[..., None]
        for coordinate, (place, length) in enumerate(alone.items()):
            x[place] = 0.0
            x[place][coordinate % d_model] = length
        x[1, 4] = 1.1 * factor / d_model**0.5  # no coordinate stands out, and it is too long
        unit = factor if d_model == 4 else float(2 ** rng.integers(2, 5))
        axes = {"n_contexts": n_contexts, "context": context, "d_model": d_model}
        if d_model == 3:
            axes.pop("context")  # as many as contexts
        yield Call((tensor(unit * x), factor), axes)


def activations(rng: np.random.Generator) -> Iterator[Call]:
    """Activations around a mean far from the origin, of very different lengths."""
    for n, d_in, scale in ((7, 5, 40.0), (4, 9, 0.02), (13, 3, 1.5)):
        x = rng.standard_normal((n, d_in)) * rng.uniform(0.3, 4.0, (n, 1))
        x += rng.uniform(0.5, 1.5, d_in) * rng.choice([-1, 1], d_in)
        yield Call((tensor(scale * x),), {"n": n, "d_in": d_in})


def rounds(rng: np.random.Generator) -> Iterator[Call]:
    """What a buffer kept, what comes in, how many go out, and a source of chance."""
    for n_kept, n_new, d_in, n_out, note in (
        (60, 90, 7, 50, ""),
        (80, 40, 6, 70, "more rows are kept than come in"),
        (0, 75, 8, 45, "the first round: nothing was kept yet"),
        (55, 0, 6, 55, "the last round: nothing comes in, and all go out"),
        (35, 25, 7, 0, "nothing is dealt: the buffer fills"),
    ):
        rows = rng.standard_normal((n_kept + n_new, d_in)) + 0.5
        generator = torch.Generator().manual_seed(int(rng.integers(1 << 30)))
        axes = {"n_kept": n_kept, "n_new": n_new, "d_in": d_in, "n_out": n_out}
        if not n_new:
            axes.pop("n_out")  # as many as were kept
        yield Call((tensor(rows[:n_kept]), tensor(rows[n_kept:]), n_out, generator), axes, note)


def batches_to_store(rng: np.random.Generator) -> Iterator[Call]:
    """Batches of different lengths, one of them not laid out row by row."""
    for lengths, d_in in (((4, 4, 3), 5), ((1, 6), 3), ((7,), 2)):
        batches = [
            torch.tensor(rng.uniform(-3, 3, (n, d_in)), dtype=torch.float32) for n in lengths
        ]
        batches[0] = batches[0].T.contiguous().T  # the same numbers, column by column
        yield Call((Path("shard-00000.bin"), batches), {"d_in": d_in})


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    # Kept open, so that a learner can read the files of a failed call; removed with the process.
    return tempfile.TemporaryDirectory(prefix="saeedu-08-", ignore_cleanup_errors=True)


def files_and_rows(rng: np.random.Generator) -> Iterator[Call]:
    """Files of float16 rows, no two of one length, and rows to find: in no order, some twice."""
    for lengths, d_in, n in (((4, 1, 7), 3, 9), ((6, 2, 5, 9), 5, 8), ((11,), 4, 6)):
        stored = rng.uniform(-4, 4, (sum(lengths), d_in)).astype("<f2")
        files = []
        for number, part in enumerate(np.split(stored, np.cumsum(lengths)[:-1])):
            name = f"{'-'.join(map(str, lengths))}-of-{d_in}-{rng.integers(1 << 40)}-{number}.bin"
            files.append(Path(_folder().name) / name)
            files[-1].write_bytes(part.tobytes())
        edges = np.cumsum(lengths)
        always = [0, len(stored) - 1, edges[0] - 1, edges[0] % len(stored)]
        others = rng.integers(len(stored), size=n - len(always) - 1)
        wanted = rng.permutation([*always, *others])
        wanted = np.append(wanted, wanted[0])
        note = (
            "a single file" if len(lengths) == 1 else "the first and last rows of files are asked"
        )
        yield Call((files, d_in, torch.tensor(wanted)), {"d_in": d_in, "n": n}, note)
