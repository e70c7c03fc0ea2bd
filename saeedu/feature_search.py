"""From texts to latents: which ones fire on these texts and not on others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from saeedu.language_model import LanguageModel
from saeedu.latent_stream import Dictionary, latent_batches


class FoundFeature(NamedTuple):
    """One latent, and how well it tells the texts apart."""

    latent: int
    score: float
    """`hits - false_alarms`."""
    hits: float
    """The fraction of the given texts on which it fires."""
    false_alarms: float
    """The fraction of the other texts on which it fires."""
    peak: float
    """Its strongest activation on each of the given texts, averaged over them."""


def feature_scores(peaks: Tensor, other_peaks: Tensor) -> Tensor:
    """How well each latent tells given texts from others: hit rate minus false-alarm rate.

    A latent fires on a text when it is active anywhere in it, however weakly.

    **Arguments:** `peaks` [n_texts, d_sae], each latent's strongest activation on each given text;
    `other_peaks` [n_others, d_sae], on the other texts.
    **Returns:** [d_sae], from -1 to 1: 1 when it fires on every given text and on no other.
    **Source:** Youden (1950), "Index for rating diagnostic tests".
    """
    fires, fires_elsewhere = (peaks > 0).to(peaks), (other_peaks > 0).to(peaks)
    return fires.mean(dim=0) - fires_elsewhere.mean(dim=0)


def text_peaks(
    model: LanguageModel, dictionary: Dictionary, texts: Sequence[str], hook: str
) -> Tensor:
    """Each latent's strongest activation on each text.

    **Arguments:** `model`; `dictionary`; `texts`, none empty, of any length: one that does not fit
    the model is read in pieces; `hook`.
    **Returns:** [n_texts, d_sae].
    **Raises:** `ValueError` for an empty text; others as `latent_batches`.
    """
    peaks = torch.zeros(len(texts), dictionary.d_sae)
    for row, text in enumerate(texts):
        tokens = model.tokenize(text)
        if len(tokens) == 0:
            raise ValueError(f"text_peaks: text {row} is empty, so nothing can fire on it")
        bos = torch.tensor([model.bos_token_id])
        pieces = (torch.cat([bos, piece])[None] for piece in tokens.split(model.context - 1))
        for batch in latent_batches(model, dictionary, pieces, hook):
            peaks[row] = torch.maximum(peaks[row], batch.latents.amax(dim=(0, 1)))
    return peaks


def find_features(
    model: LanguageModel,
    dictionary: Dictionary,
    texts: Sequence[str],
    others: Sequence[str],
    hook: str,
    n: int = 10,
) -> list[FoundFeature]:
    """The latents that fire on given texts and not on others, the best first.

    Give others that differ from the texts in one thing alone, and are about as long: a longer text
    gives every latent more chances to fire. Among thousands of latents some score well by luck;
    `feature_scores` on texts drawn at random says how well.

    **Arguments:** `model`; `dictionary`; `texts`, about what you look for; `others`, not about it;
    `hook`, at which the dictionary was trained; `n`, how many to return.
    **Returns:** at most n `FoundFeature`, by falling score; of equal scores the one with the
    higher peak comes first.
    **Raises:** `ValueError` when either list or a text in it is empty.
    """
    if not texts or not others:
        raise ValueError("find_features needs at least one text on either side")
    if isinstance(texts, str) or isinstance(others, str):
        raise ValueError("find_features takes lists of texts: put a single text into [ ]")
    inside = text_peaks(model, dictionary, texts, hook)
    outside = text_peaks(model, dictionary, others, hook)
    scores, peak = feature_scores(inside, outside), inside.mean(dim=0)
    hits, false_alarms = ((p > 0).float().mean(dim=0) for p in (inside, outside))
    by_peak = peak.argsort(descending=True, stable=True)
    best = by_peak[scores[by_peak].argsort(descending=True, stable=True)][:n]
    return [
        FoundFeature(
            latent,
            scores[latent].item(),
            hits[latent].item(),
            false_alarms[latent].item(),
            peak[latent].item(),
        )
        for latent in best.tolist()
    ]
