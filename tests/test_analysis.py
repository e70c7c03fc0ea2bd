"""Reading a dictionary on a language model: densities, examples, logit effects, search, control."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from saeedu.activations import pack_tokens
from saeedu.analysis import (
    ChosenLatents,
    feature_scores,
    find_features,
    latent_batches,
    logit_effects,
    matching_thresholds,
    quantile_picks,
    random_directions,
    read_features,
    strongest_effects,
    text_peaks,
    token_agreement,
)
from saeedu.language_model import LanguageModel, load_language_model
from saeedu.text import Text
from tests.lm_fixtures import D_MODEL, documents, make_model_folder
from tests.reading_fixtures import FiresAlong
from tests.sae_fixtures import random_sae

HOOK = "blocks.1.hook_resid_pre"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_language_model(str(make_model_folder(tmp_path_factory.mktemp("lm") / "tiny")))


@pytest.fixture(scope="module")
def tokens(model: LanguageModel) -> torch.Tensor:
    return pack_tokens(model, Text("made up", tuple(documents(30))), 20, 900)


def test_a_reading_counts_what_the_sae_says_and_leaves_bos_out(
    model: LanguageModel, tokens: torch.Tensor
) -> None:
    sae = random_sae("top_k", d_in=D_MODEL)
    reading = read_features(model, sae, tokens.split(7), HOOK, n_top=3, n_sample=5)
    kept = tokens != model.bos_token_id
    x = model.residual(tokens, HOOK)[kept]
    with torch.no_grad():
        latents = sae.encode(x)
    assert reading.n_tokens == int(kept.sum())
    assert torch.equal(reading.counts, (latents > 0).sum(dim=0))
    assert torch.allclose(reading.density, (latents > 0).float().mean(dim=0))
    assert torch.equal(reading.histogram.sum(dim=1), reading.counts)
    assert torch.allclose(reading.top.values[:, 0], latents.amax(dim=0), atol=1e-5)


def test_the_histogram_has_each_activation_between_its_edges(
    model: LanguageModel, tokens: torch.Tensor
) -> None:
    sae = random_sae("l1", d_in=D_MODEL)
    reading = read_features(model, sae, [tokens], HOOK)
    with torch.no_grad():
        latents = sae.encode(model.residual(tokens, HOOK)[tokens != model.bos_token_id])
    for latent in range(sae.d_sae):
        values = latents[:, latent][latents[:, latent] > 0].numpy()
        wanted, _ = np.histogram(values, reading.bin_edges.numpy())
        assert np.abs(reading.histogram[latent].numpy() - wanted).sum() <= 2  # at an edge


def test_batches_and_the_choice_of_latents_change_nothing(
    model: LanguageModel, tokens: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sae = random_sae("batch_top_k", d_in=D_MODEL)
    whole = read_features(model, sae, [tokens], HOOK, n_top=4)
    monkeypatch.setattr("saeedu.latent_stream.ENTRIES_AT_A_TIME", 1)
    pieces = read_features(model, sae, tokens.split(5), HOOK, n_top=4)
    chosen = read_features(model, ChosenLatents(sae, [8, 2]), tokens.split(5), HOOK, n_top=4)
    assert torch.equal(whole.counts, pieces.counts)
    assert torch.equal(whole.top.positions, pieces.top.positions)
    assert torch.equal(chosen.counts, whole.counts[[8, 2]])
    assert torch.equal(chosen.top.positions, whole.top.positions[[8, 2]])
    assert torch.equal(ChosenLatents(sae, [8, 2]).W_dec, sae.W_dec[[8, 2]])


def test_nothing_to_read_is_said(model: LanguageModel) -> None:
    only_bos = torch.full((2, 1), model.bos_token_id)
    with pytest.raises(ValueError, match="no token"):
        read_features(model, random_sae("l1", d_in=D_MODEL), [only_bos], HOOK)


def test_the_unembedding_turns_the_normalised_stream_into_the_logits(
    model: LanguageModel, tokens: torch.Tensor
) -> None:
    stream = model.residual(tokens[:4], f"blocks.{model.n_layers - 1}.hook_resid_post")
    centred = stream - stream.mean(dim=-1, keepdim=True)
    normalised = centred / centred.pow(2).mean(dim=-1, keepdim=True).add(1e-5).sqrt()
    logits = model.logits(tokens[:4])
    rest = logits - normalised @ model.unembedding
    rest = rest - rest.mean(dim=-1, keepdim=True)
    assert (rest - rest[0, 0]).abs().max() < 1e-4 * logits.std()  # the bias: one for all


def test_logit_effects_are_what_a_nudge_of_the_last_stream_does(
    model: LanguageModel, tokens: torch.Tensor
) -> None:
    hook = f"blocks.{model.n_layers - 1}.hook_resid_post"
    stream = model.residual(tokens[:1], hook)
    at = stream[0, 7] - stream[0, 7].mean()
    direction = torch.randn(D_MODEL, generator=torch.Generator().manual_seed(2))
    direction -= direction.mean()
    direction -= direction @ at / (at @ at) * at  # does not change the stream's size
    nudged = model.logits_with(tokens[:1], {hook: lambda x: x + 1e-2 * direction})
    change = (nudged - model.logits(tokens[:1]))[0, 7]
    change = (change - change.mean()) / 1e-2
    effect = logit_effects(direction[None], model.unembedding)[0]
    size = at.pow(2).mean().sqrt()
    assert torch.allclose(change * size, effect, atol=2e-2 * float(effect.std()))
    assert abs(float(effect.mean())) < 1e-5


def test_the_strongest_effects_are_named_by_their_tokens(model: LanguageModel) -> None:
    directions = torch.randn(3, D_MODEL, generator=torch.Generator().manual_seed(4))
    for direction, found in zip(directions, strongest_effects(model, directions, 4), strict=True):
        effect = logit_effects(direction[None], model.unembedding)[0]
        effect = effect / effect.std()
        order = effect.argsort(descending=True)
        assert found.promoted == model.token_strings(order[:4])
        assert found.suppressed == model.token_strings(order.flip(0)[:4])
        assert torch.allclose(found.promoted_by, effect[order[:4]])
        assert torch.allclose(found.suppressed_by, effect[order.flip(0)[:4]])


def test_random_directions_are_active_as_often_as_asked() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2_000, 12, generator=generator) * torch.linspace(0.2, 4, 12) + 3
    densities = torch.tensor([0.0, 0.001, 0.02, 0.5, 1.0])
    control = random_directions(x, densities, seed=1)
    active = control.encode(x) > 0
    assert torch.allclose(active.float().mean(dim=0), densities, atol=1e-6)
    assert torch.allclose(control.W_dec.norm(dim=1), torch.ones(5))
    assert not torch.allclose(control.W_dec, random_directions(x, densities, seed=2).W_dec)


def test_thresholds_are_the_quantiles_of_scipy() -> None:
    values = torch.randn(200, 3, generator=torch.Generator().manual_seed(3)).double()
    thresholds = matching_thresholds(values, torch.tensor([0.1, 0.25, 0.005]).double())
    for column, threshold, density in zip(values.T, thresholds, (0.1, 0.25, 0.005), strict=True):
        below = stats.percentileofscore(column.numpy(), float(threshold), kind="weak")
        assert below == pytest.approx(100 * (1 - density))


def test_scores_are_scikit_learns_adjusted_balanced_accuracy() -> None:
    rng = np.random.default_rng(0)
    peaks, others = rng.random((7, 4)) - 0.4, rng.random((11, 4)) - 0.6
    peaks, others = peaks.clip(0), others.clip(0)
    scores = feature_scores(torch.tensor(peaks), torch.tensor(others))
    for j in range(4):
        fires = np.concatenate([peaks[:, j], others[:, j]]) > 0
        wanted = balanced_accuracy_score([1] * 7 + [0] * 11, fires, adjusted=True)
        assert float(scores[j]) == pytest.approx(wanted)


def test_a_search_finds_the_direction_that_the_texts_share(model: LanguageModel) -> None:
    """Latent 17 is planted: the difference that one token makes to the embedding."""
    hook = "blocks.0.hook_resid_pre"
    texts, others = ([c] for c in "QX")
    bos = torch.tensor([model.bos_token_id])
    ids = [torch.cat([bos, model.tokenize(c)])[None] for c in "QX"]
    here, there = (model.residual(side, hook) for side in ids)
    planted = (here - there)[0, 1]
    rows = torch.randn(40, D_MODEL, generator=torch.Generator().manual_seed(0))
    rows[17] = planted
    rows = rows / rows.norm(dim=1, keepdim=True)
    thresholds = torch.full((40,), 1e3)  # no other latent ever fires
    thresholds[17] = (here + there)[0, 1] @ rows[17] / 2
    found = find_features(model, FiresAlong(rows, thresholds), texts, others, hook, n=3)
    assert (found[0].latent, found[0].score, found[0].hits) == (17, 1.0, 1.0)
    assert found[0].peak > 0
    assert [f.score for f in found[1:]] == [0.0, 0.0]


def test_a_long_text_is_read_to_its_end(model: LanguageModel) -> None:
    sae = random_sae("l1", d_in=D_MODEL)
    long = "The people. " * 40
    pieces = [
        torch.cat([torch.tensor([model.bos_token_id]), piece])[None]
        for piece in model.tokenize(long).split(model.context - 1)
    ]
    assert len(pieces) > 1
    whole = torch.stack(
        [b.latents.amax(dim=(0, 1)) for b in latent_batches(model, sae, pieces, HOOK)]
    )
    assert torch.allclose(text_peaks(model, sae, [long], HOOK)[0], whole.amax(dim=0))


def test_texts_that_cannot_be_meant_are_refused(model: LanguageModel) -> None:
    sae = random_sae("l1", d_in=D_MODEL)
    with pytest.raises(ValueError, match="text 1 is empty"):
        text_peaks(model, sae, ["a", ""], HOOK)
    with pytest.raises(ValueError, match="at least one text"):
        find_features(model, sae, ["a"], [], HOOK)
    with pytest.raises(ValueError, match=r"put a single text into \[ \]"):
        find_features(model, sae, "a", ["b"], HOOK)


def test_agreement_is_the_share_of_scipys_mode() -> None:
    tokens = torch.randint(0, 5, (20, 9), generator=torch.Generator().manual_seed(0))
    counts = stats.mode(tokens.numpy(), axis=1).count
    assert np.allclose(token_agreement(tokens).numpy(), counts / 9)
    assert token_agreement(torch.tensor([[-1, -1], [4, -1]])).tolist() == [0, 1]


@pytest.mark.parametrize(("m", "n"), [(20, 4), (23, 5), (7, 6), (100, 7)])
def test_each_pick_stands_in_the_middle_of_its_part(m: int, n: int) -> None:
    values = torch.rand(m, generator=torch.Generator().manual_seed(m)) + 0.1
    picks = quantile_picks(values, n)
    stronger = [(values > values[pick]).sum().item() for pick in picks]
    assert stronger == [int((i + 0.5) * m / n + 1e-9) for i in range(n)]
    assert len(picks) == n
