"""Reading features: what a latent responds to, what it does, and how far to trust either.

Everything here works on a `Dictionary`: an SAE, a few of its latents (`ChosenLatents`), or random
directions in its place (`random_directions`), which are the control.
"""

from __future__ import annotations

from saeedu.feature_search import FoundFeature, feature_scores, find_features, text_peaks
from saeedu.interactive_tokens import interactive_tokens
from saeedu.latent_stream import ChosenLatents, Dictionary, LatentBatch, latent_batches
from saeedu.logit_effect import LogitEffect, logit_effects, strongest_effects
from saeedu.random_directions import RandomDirections, matching_thresholds, random_directions
from saeedu.reading import Reading, quantile_picks, read_features, token_agreement
from saeedu.token_view import View, context_view, side_by_side, token_span, token_view
from saeedu.top_contexts import (
    OUTSIDE,
    Contexts,
    Entries,
    RunningSample,
    RunningTopContexts,
    begins_a_run,
    merge_top,
    strongest_entries,
    window_positions,
    wording_of,
)

__all__ = [
    "OUTSIDE",
    "ChosenLatents",
    "Contexts",
    "Dictionary",
    "Entries",
    "FoundFeature",
    "LatentBatch",
    "LogitEffect",
    "RandomDirections",
    "Reading",
    "RunningSample",
    "RunningTopContexts",
    "View",
    "begins_a_run",
    "context_view",
    "feature_scores",
    "find_features",
    "interactive_tokens",
    "latent_batches",
    "logit_effects",
    "matching_thresholds",
    "merge_top",
    "quantile_picks",
    "random_directions",
    "read_features",
    "side_by_side",
    "strongest_effects",
    "strongest_entries",
    "text_peaks",
    "token_agreement",
    "token_span",
    "token_view",
    "window_positions",
    "wording_of",
]
