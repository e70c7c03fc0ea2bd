"""One pass over a text, and everything that is read about every latent on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from saeedu.language_model import LanguageModel
from saeedu.latent_stream import Active, Dictionary, latent_batches
from saeedu.progress_bars import progress_bar
from saeedu.top_contexts import OUTSIDE, Contexts, RunningSample, RunningTopContexts

BINS_PER_OCTAVE = 4
OCTAVES = (-12, 20)  # activations from 1/4,096 to a million; what lies beyond goes to the ends
N_BINS = BINS_PER_OCTAVE * (OCTAVES[1] - OCTAVES[0])


@dataclass(frozen=True)
class Reading:
    """What one pass over a text says about every latent of a dictionary."""

    n_tokens: int
    """How many tokens were read, BOS and first positions not counted."""
    counts: Tensor
    """[d_sae]: on how many of them each latent was active."""
    histogram: Tensor
    """[d_sae, bins]: how often each had an activation in each bin."""
    top: Contexts
    """The strongest contexts of each, each wording once."""
    sample: Contexts
    """Places drawn at random from all at which it is active."""

    @property
    def density(self) -> Tensor:
        """The fraction of tokens on which each latent is active, [d_sae]."""
        return self.counts / self.n_tokens

    @property
    def bin_edges(self) -> Tensor:
        """The borders of the histogram's bins, [bins + 1], four to a doubling."""
        octaves = torch.linspace(*OCTAVES, N_BINS + 1)
        return 2**octaves


def read_features(
    model: LanguageModel,
    dictionary: Dictionary,
    batches: Iterable[Tensor],
    hook: str,
    n_top: int = 10,
    n_sample: int = 32,
    before: int = 12,
    after: int = 6,
) -> Reading:
    """Read every latent of a dictionary in one pass over some text, in bounded memory.

    **Arguments:** `model`; `dictionary`, an SAE, `ChosenLatents` of one, or `RandomDirections`;
    `batches`, each of contexts [n, context]; `hook`; `n_top` and `n_sample`, how many of the
    strongest and of random examples to keep; `before` and `after`, tokens around each.
    **Returns:** a `Reading`. It takes about 12 bytes for each latent, example and token around it.
    **Raises:** `ValueError` when there is no token to read; others as `latent_batches`.
    """
    d_sae = dictionary.d_sae
    top = RunningTopContexts(d_sae, n_top, before, after, model.bos_token_id)
    sample = RunningSample(d_sae, n_sample, before, after)
    counts = torch.zeros(d_sae, dtype=torch.long)
    histogram = torch.zeros(d_sae * N_BINS, dtype=torch.long)
    n_tokens = 0
    with progress_bar(None, "tok", "reading") as bar:
        for batch in latent_batches(model, dictionary, batches, hook):
            top.update(batch)
            sample.update(batch)
            counts += batch.active.latents.bincount(minlength=d_sae)
            histogram += _binned(batch.active, d_sae)
            n_tokens += int(batch.kept.sum())
            bar.update(batch.tokens.numel())
    if n_tokens == 0:
        raise ValueError("read_features: the batches hold no token but BOS and first positions")
    return Reading(
        n_tokens, counts, histogram.reshape(d_sae, N_BINS), top.result(), sample.result()
    )


def _binned(active: Active, d_sae: int) -> Tensor:
    """How often each latent falls into each bin, flattened: [d_sae x bins]."""
    octave = active.values.log2() - OCTAVES[0]
    bins = (octave * BINS_PER_OCTAVE).long().clamp(0, N_BINS - 1)
    return torch.bincount(active.latents * N_BINS + bins, minlength=d_sae * N_BINS)


def token_agreement(tokens: Tensor) -> Tensor:
    """How much the examples of a latent agree on one token.

    **Arguments:** `tokens` [d_sae, n], integers: the token of each example, -1 where a latent has
    fewer than n.
    **Returns:** [d_sae]: the share of a latent's examples whose token is its commonest one; 0 for
    a latent without examples.
    """
    agreement = torch.zeros(len(tokens))
    for latent, row in enumerate(tokens.tolist()):
        present = Counter(token for token in row if token != OUTSIDE)
        if present:
            agreement[latent] = max(present.values()) / present.total()
    return agreement


def quantile_picks(values: Tensor, n: int) -> Tensor:
    """Examples from the whole range of a latent, from its strongest to its weakest.

    The examples are sorted, the strongest first, and cut into n equal parts; from each part its
    middle is taken. Where parts cannot be equal, their borders are fractions: with m examples, pick
    i stands at rank floor((i + 1/2) m / n), counted from 0.

    **Arguments:** `values` [m], the activation of each example; 0 marks one that does not exist;
    `n`, how many to pick.
    **Returns:** indices into `values`, [n], of falling values; all that exist, strongest first,
    when there are n or fewer.
    """
    order = values.argsort(descending=True, stable=True)
    order = order[values[order] > 0]
    if len(order) <= n:
        return order
    return order[(2 * torch.arange(n) + 1) * len(order) // (2 * n)]
