"""What ships: the export is the network that was trained, measured and described."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from scripts import train_standin
from scripts.standin import shipping
from scripts.standin.card import model_card
from scripts.standin.checkpoints import CheckpointError
from scripts.standin.corpus import read_stories, write_stories
from scripts.standin.export import export_model, weights_of_export
from scripts.standin.recipe import Recipe
from scripts.standin.shipping import finished_run
from scripts.standin.tokens import train_tokenizer
from scripts.standin.training import BOS, Run
from tests.standin_fixtures import RECIPE, SHAPE, no_measure, stories, token_stories, trained


class StubRecipe(Recipe):
    """The minuscule recipe, whatever is asked for; read back from a file like the real one."""

    def __new__(cls, **options: object) -> Recipe:
        return RECIPE


def test_the_export_is_a_gpt2_with_the_same_logits(tmp_path: Path) -> None:
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


def test_what_ships_is_measured_and_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def recipe_of(folder: Path) -> Recipe:
    return Recipe.from_dict(finished_run(folder)[1]["recipe"])


def run_from_export(folder: Path, export: Path, recipe: Recipe) -> None:
    run = Run(recipe, token_stories(), folder, weights_of_export(export))
    run.train(no_measure)


def test_an_export_can_be_trained_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_standin, "Recipe", StubRecipe)
    corpus, first, second, to = (tmp_path / name for name in ("c.txt.xz", "a", "b", "out"))
    write_stories(corpus, sorted(stories(100), key=len, reverse=True))
    shared = ["--corpus", str(corpus), "--to", str(to), "--threads", "1"]
    train_standin.main(["train", *shared, "--folder", str(first)])
    train_standin.main(["export", *shared, "--folder", str(first)])
    end = finished_run(first)[0]
    taken_up = weights_of_export(to)
    assert taken_up.keys() == end.state_dict().keys()
    for name, weight in end.state_dict().items():
        assert torch.equal(taken_up[name], weight.half().float()), name

    further = ["train", *shared, "--folder", str(second), "--begin-with", str(to)]
    train_standin.main(further)
    earlier = RECIPE.steps * RECIPE.rows * SHAPE.context
    recipe = finished_run(second)[1]["recipe"]
    assert recipe["earlier_tokens"] == earlier
    assert len(recipe["begun_from"]) == 16
    assert (second / "tokenizer.json").read_bytes() == (to / "tokenizer.json").read_bytes()
    with pytest.raises(CheckpointError, match="other settings"):  # without --begin-with
        train_standin.main(["train", *shared, "--folder", str(second)])

    beside = tmp_path / "beside"
    run_from_export(beside, to, dataclasses.replace(recipe_of(second), seed=7))
    ends = [finished_run(folder)[0].state_dict() for folder in (second, beside)]
    with pytest.raises(CheckpointError, match="--begin-with"):
        train_standin.main(["export", *shared, "--folder", str(second)])
    began = ["--begin-with", str(to)]
    with pytest.raises(CheckpointError, match="began with drawn weights"):
        train_standin.main(["export", *shared, "--folder", str(first), *began])
    one_began_otherwise = ["--folder", str(second), *began, "--average", str(first)]
    with pytest.raises(CheckpointError, match=str(first)):
        train_standin.main(["export", *shared, *one_began_otherwise])
    average = ["--average", str(beside)]
    train_standin.main(["export", *shared, "--folder", str(second), *began, *average])
    for name, weight in weights_of_export(to).items():
        mean = (ends[0][name] + ends[1][name]) / 2
        assert torch.equal(weight, mean.half().float()), name
        assert name.endswith("bias") or not torch.equal(ends[0][name], ends[1][name])
    card = (to / "README.md").read_text(encoding="utf-8")
    assert f"after {earlier / 1e6:.1f} million tokens in earlier runs" in card
    record = json.loads((to / "training.json").read_text("utf-8"))
    assert record["recipe"] == recipe
    assert len(record["earlier_runs"]) == 1
    assert [other["seed"] for other in record["averaged_with"]] == [7]
    assert "those of one like it" in card
    begin = " --begin-with saeedu/standin"
    settings = " --warmup 2 --decline 5:1.0,9:0.0 --rows 3"  # which are not the defaults
    for line in (
        f"train --folder runs/standin1{settings} --corpus",
        "export --folder runs/standin1 --corpus",
        f"train --folder runs/standin2{begin}{settings} --corpus",
        f"train --folder runs/standin3{begin}{settings} --seed 7 --corpus",
        f"export --folder runs/standin2{begin} --average runs/standin3 --corpus",
    ):
        assert f"python -m scripts.train_standin {line} $STORIES\n" in card, line


def test_a_run_begins_where_the_weights_are(tmp_path: Path) -> None:
    network = trained(tmp_path / "a").network
    first = {name: weight.clone() for name, weight in network.state_dict().items()}
    run = Run(RECIPE, token_stories(), tmp_path / "b", first)
    for name, weight in run.network.state_dict().items():
        assert torch.equal(weight, first[name]), name
