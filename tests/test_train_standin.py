"""The stand-in's training: it resumes exactly, and what it exports is what it trained."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

if not hasattr(torch.optim, "Muon"):
    pytest.skip("training the stand-in needs torch.optim.Muon", allow_module_level=True)

from scripts.standin import network as network_module
from scripts.standin.card import model_card
from scripts.standin.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from scripts.standin.corpus import (
    CorpusError,
    Place,
    RowStream,
    Tokens,
    read_stories,
    split_stories,
    write_stories,
)
from scripts.standin.export import export_model
from scripts.standin.measure import held_out_loss, sample
from scripts.standin.network import Network, Shape
from scripts.standin.recipe import Recipe
from scripts.standin.tokens import encode_stories, train_tokenizer
from scripts.standin.training import BOS, CHECKPOINT, Run

SHAPE = Shape(vocabulary=290, context=16, d_model=16, n_layers=2, n_heads=2)
RECIPE = Recipe(SHAPE, steps=9, warmup=2, decay=4, rows=3)


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


def assert_same(run: Run, other: Run) -> None:
    assert run.losses == other.losses
    for (name, mine), theirs in zip(
        run.network.state_dict().items(), other.network.state_dict().values(), strict=True
    ):
        assert torch.equal(mine, theirs), name


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


def test_a_resumed_run_ends_with_the_same_weights_bit_for_bit(tmp_path: Path) -> None:
    interrupted = Run(RECIPE, token_stories(), tmp_path / "b")
    interrupted.train(no_measure, stop_at=3)
    interrupted.save()
    interrupted.train(no_measure, stop_at=5)  # two more steps, which are lost
    assert_same(trained(tmp_path / "a"), trained(tmp_path / "b"))


def test_a_run_that_was_killed_ends_with_the_same_weights(tmp_path: Path) -> None:
    killed = """
import os, signal
from pathlib import Path
from tests.test_train_standin import RECIPE, Run, token_stories
def die(network): os.kill(os.getpid(), signal.SIGKILL)
Run(RECIPE, token_stories(), Path(os.environ["FOLDER"])).train(die, 4, save_seconds=0.0)
"""
    environment = os.environ | {"FOLDER": str(tmp_path / "b")}
    done = subprocess.run([sys.executable, "-c", killed], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    found = load_checkpoint(tmp_path / "b" / CHECKPOINT)
    assert found is not None
    assert len(found[1]["losses"]) == 3
    assert_same(trained(tmp_path / "a"), trained(tmp_path / "b"))


def test_a_finished_run_is_left_alone(tmp_path: Path) -> None:
    run = trained(tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    assert_same(trained(tmp_path), run)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_end_can_be_moved_until_the_decay_begins(tmp_path: Path) -> None:
    begun = Run(RECIPE, token_stories(), tmp_path / "b")
    begun.train(no_measure, stop_at=5)
    begun.save()
    later = Recipe(SHAPE, steps=12, warmup=2, decay=6, rows=3)
    assert_same(trained(tmp_path / "a", later), trained(tmp_path / "b", later))
    with pytest.raises(CheckpointError, match="other settings"):
        Run(RECIPE, token_stories(), tmp_path / "b")


def test_another_recipe_does_not_take_over_a_folder(tmp_path: Path) -> None:
    trained(tmp_path)
    with pytest.raises(CheckpointError, match="other settings"):
        Run(Recipe(SHAPE, steps=9, warmup=2, decay=4, rows=4), token_stories(), tmp_path)


def test_a_checkpoint_is_the_old_one_until_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / CHECKPOINT
    save_checkpoint(path, {"a": torch.ones(2)}, {"step": 1})

    def power_cut(descriptor: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "fsync", power_cut)
    with pytest.raises(OSError, match="power cut"):
        save_checkpoint(path, {"a": torch.zeros(2)}, {"step": 2})
    found = load_checkpoint(path)
    assert found is not None
    assert found[1] == {"step": 1}
    assert torch.equal(found[0]["a"], torch.ones(2))


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    trained(tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="Move it away"):
        Run(RECIPE, token_stories(), tmp_path)


def test_training_learns(tmp_path: Path) -> None:
    recipe = Recipe(SHAPE, steps=40, warmup=5, decay=20, rows=8)
    losses = trained(tmp_path, recipe).losses
    assert np.mean(losses[-5:]) < np.mean(losses[:3]) - 1


def test_the_export_is_a_gpt2_with_the_same_logits(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    network = trained(tmp_path / "run").network
    with torch.no_grad():
        for parameter in network.parameters():  # as after long training: no bias is near zero
            parameter.add_(0.1 * torch.randn_like(parameter))
    tokenizer = train_tokenizer(stories(), SHAPE.vocabulary)
    export_model(network, tokenizer, tmp_path / "model")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32).eval()
    assert type(loaded).__name__ == "GPT2LMHeadModel"
    tokens = torch.randint(SHAPE.vocabulary, (2, SHAPE.context))
    with torch.no_grad():
        theirs = loaded(tokens).logits
        torch.testing.assert_close(theirs, network(tokens), rtol=0.01, atol=0.01)
        for parameter in network.parameters():
            parameter.copy_(parameter.half().float())
        torch.testing.assert_close(theirs, network(tokens), rtol=1e-4, atol=1e-4)
    theirs = AutoTokenizer.from_pretrained(tmp_path / "model")
    text = stories()[3]
    ids = theirs(text, add_special_tokens=False)["input_ids"]
    assert ids == tokenizer.encode(text).ids
    assert theirs.decode(ids) == text
    assert theirs.bos_token_id == theirs.eos_token_id == BOS


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


def test_what_ships_is_measured_and_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scripts import train_standin
    from scripts.standin import shipping

    monkeypatch.setattr(train_standin, "Recipe", lambda **options: RECIPE)
    monkeypatch.setattr(shipping, "SHIPPED_TRAINING_STORIES", 60)
    corpus, run, to = tmp_path / "corpus.txt.xz", tmp_path / "run", tmp_path / "out"
    texts = sorted(stories(100), key=len, reverse=True)  # those held out fit the context
    write_stories(corpus, texts)
    shared = ["--corpus", str(corpus), "--folder", str(run), "--to", str(to), "--threads", "1"]
    with pytest.raises(CheckpointError, match="train first"):
        train_standin.main(["export", *shared])
    assert train_standin.main(["train", *shared]) == 0
    assert train_standin.main(["export", *shared]) == 0
    assert read_stories(to / shipping.SEEN) == texts[:60]
    assert read_stories(to / shipping.UNSEEN) == texts[-2:]
    record = json.loads((to / "training.json").read_text(encoding="utf-8"))
    assert record["recipe"] == RECIPE.as_dict()
    assert record["monitored"].keys() == record["training_loss"].keys() == {"9"}
    assert 0 < record["held_out"]["per_character"] < record["held_out"]["packed_per_token"]
    assert len(record["samples"]) == 5
    card = (to / "README.md").read_text(encoding="utf-8")
    assert card == model_card(record)
    assert f"**{record['held_out']['per_character']:.4f} nats a character**" in card
