"""The parts of the stand-in's training: corpus, rows, tokenizer, network, measurements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.standin import network as network_module
from scripts.standin.corpus import (
    CorpusError,
    Place,
    RowStream,
    read_stories,
    split_stories,
    write_stories,
)
from scripts.standin.measure import held_out_loss, sample
from scripts.standin.network import Network
from scripts.standin.tokens import train_tokenizer
from scripts.standin.training import BOS
from tests.standin_fixtures import SHAPE, stories, token_stories


def test_stories_survive_writing_and_the_last_ones_are_held_out(tmp_path: Path) -> None:
    path = tmp_path / "stories.txt.xz"
    write_stories(path, stories(200))
    assert read_stories(path) == stories(200)
    training, held_out = split_stories(stories(200))
    assert training + held_out == stories(200)
    assert len(held_out) == 4


def test_a_damaged_corpus_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stories.txt.xz"
    with pytest.raises(CorpusError, match=r"stories\.txt\.xz"):
        read_stories(path)
    path.write_bytes(b"not xz")
    with pytest.raises(CorpusError, match="LZMAError"):
        read_stories(path)


def test_rows_are_pieces_of_the_stories_behind_a_bos() -> None:
    inputs, targets = RowStream(token_stories(), 16, BOS, 0, None).batch(30)
    assert inputs.shape == targets.shape == (30, 16)
    assert (inputs[:, 0] == BOS).all()
    assert (inputs[:, 1:] == targets[:, :-1]).all()
    beginnings = {tuple(story[:3]) for story in token_stories()}
    aligned = np.mean([tuple(row[:3]) in beginnings for row in targets])
    assert 0.3 < aligned < 0.9


def test_an_epoch_is_each_story_once_at_most_and_the_next_has_another_order() -> None:
    rows = RowStream(token_stories(), 16, BOS, 0, None)
    first = []
    while rows.place.epoch == 0:
        first.append(tuple(rows.batch(1)[1][0]))
    assert len(set(first[:-1])) == len(first) - 1
    second = [tuple(rows.batch(1)[1][0]) for _ in range(5)]
    assert first[:6] != [first[-1], *second]


def test_rows_go_on_from_a_place() -> None:
    rows = RowStream(token_stories(), 16, BOS, 0, None)
    while rows.place.epoch < 2:
        rows.batch(3)
    again = RowStream(token_stories(), 16, BOS, 0, Place(rows.place.epoch, rows.place.row))
    assert (rows.batch(5)[1] == again.batch(5)[1]).all()


def test_the_tokenizer_is_deterministic_and_loses_nothing() -> None:
    tokenizer = train_tokenizer(stories(), SHAPE.vocabulary)
    assert tokenizer.get_vocab_size() == SHAPE.vocabulary
    assert tokenizer.to_str() == train_tokenizer(stories(), SHAPE.vocabulary).to_str()
    text = "A naïve 🦊\n\tsaid: Once upon"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert tokenizer.token_to_id("<|endoftext|>") == BOS


def test_the_head_has_the_loss_and_gradients_of_cross_entropy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network_module, "CHUNK", 7)  # the last chunk is a short one
    torch.manual_seed(0)
    network = Network(SHAPE)
    tokens = torch.randint(SHAPE.vocabulary, (3, SHAPE.context + 1))
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    expected = torch.nn.functional.cross_entropy(network(inputs).flatten(0, 1), targets.flatten())
    parameters = list(network.parameters())
    expected_gradients = torch.autograd.grad(expected, parameters)
    loss = network.loss(inputs, targets)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, parameters), expected_gradients)


def test_no_position_sees_what_comes_after_it() -> None:
    torch.manual_seed(0)
    network = Network(SHAPE)
    tokens = torch.randint(SHAPE.vocabulary, (2, SHAPE.context))
    other = tokens.clone()
    other[:, 9] += 1 - 2 * (other[:, 9] > 5)
    before, after = network(tokens), network(other)
    torch.testing.assert_close(before[:, :9], after[:, :9])
    assert not torch.allclose(before[:, 9], after[:, 9])


def test_held_out_loss_counts_each_token_once() -> None:
    def uniform(tokens: torch.Tensor) -> torch.Tensor:
        return torch.zeros(*tokens.shape, 10)

    texts = ["abcd", "ab", "a" * 30]
    ids = [np.array([1, 2, 3]), np.array([4]), np.arange(1, 31) % 10]
    loss = held_out_loss(uniform, ids, texts, context=16, bos=BOS)
    assert (loss.stories, loss.tokens, loss.characters) == (2, 4, 6)  # the third does not fit
    assert loss.per_token == pytest.approx(np.log(10))
    assert loss.per_character == pytest.approx(4 * np.log(10) / 6)
    assert loss.end_nats == pytest.approx(2 * np.log(10))


def test_held_out_loss_does_not_depend_on_the_other_stories() -> None:
    torch.manual_seed(0)
    network = Network(SHAPE)
    ids = [story for story in token_stories() if len(story) < SHAPE.context]
    texts = ["x"] * len(ids)
    together = held_out_loss(network, ids, texts, SHAPE.context, BOS)
    alone = [held_out_loss(network, [story], ["x"], SHAPE.context, BOS).nats for story in ids]
    assert together.nats == pytest.approx(sum(alone), rel=1e-5)


def test_a_sample_stops_at_the_end_and_repeats_with_its_seed() -> None:
    torch.manual_seed(0)
    network = Network(SHAPE)
    first = sample(network, [BOS], SHAPE.context, BOS, 1.0, seed=1)
    assert first == sample(network, [BOS], SHAPE.context, BOS, 1.0, seed=1)
    assert first != sample(network, [BOS], SHAPE.context, BOS, 1.0, seed=2)
    assert len(first) <= SHAPE.context

    def ends(tokens: torch.Tensor) -> torch.Tensor:
        logits = torch.zeros(*tokens.shape, 10)
        logits[:, 2:, BOS] = 1000.0
        logits[:, :2, 5] = 1000.0
        return logits

    assert sample(ends, [BOS], 16, BOS, 1.0, seed=0) == [BOS, 5, 5]
