"""The model card, written from the run's record, so that no number in it is typed by hand."""

from __future__ import annotations

from typing import Any

from scripts.standin.recipe import Recipe

WRITER_PER_CHARACTER = 0.213  # the writer's own loss on 300 of its stories, from the data's README

CARD = """\
# The stand-in

A small language model of GPT-2's architecture, made for this course so that every notebook runs
without a network. It writes simple children's stories and knows nothing else.

- **Architecture**: GPT-2 with {n_layers} layers, d_model {d_model}, {n_heads} heads, a context of
  {context} tokens, learned positions, embedding and head tied: {parameters:,} parameters.
- **Tokenizer**: its own, byte-level BPE in GPT-2's style, {vocabulary:,} entries.
  `<|endoftext|>` (0) begins every context and stands between stories.
- **Files**: `config.json`, `model.safetensors` (float16), `tokenizer.json`,
  `tokenizer_config.json`; transformers' `from_pretrained` opens the folder. `training.json` holds
  the record of the run, from which every number here was written.
- **Text**: `{seen}`, the first {shipped:,} stories that it was trained on;
  `{unseen}`, the {of_stories:,} that it never saw. UTF-8, xz, a line `<|endoftext|>` after
  each story.
- **Licence**: that of the course (MIT).

## How good it is

On {stories:,} of the {of_stories:,} held-out stories ({too_long} are longer than its context),
measured on the exported float16 weights, computing in float32:

| | |
|---|---|
| loss | **{per_character:.4f} nats a character** |
| the same | {per_token:.4f} nats a token, of {ratio:.2f} characters |
| the writer's own loss on its stories | {writer:.3f} nats a character |
| the stand-in's, as a multiple of that | {times:.2f} |
| loss with end-of-text tokens counted | {with_end:.4f} nats a character |
| loss in packed contexts, end-of-text counted | {packed:.4f} nats a token |

Each story is read from its beginning behind one `<|endoftext|>`, every token of the story is
predicted, and the sum is divided by the story's characters: so models with different tokenizers
can be compared. The end-of-text token after a story is left out, because it is no character and
the writer's figure has none either; and some stories end where a length limit cut them off, which
nobody could foresee. With it counted, and no characters added for it, the loss is the
fifth row. Packed contexts are those that `saeedu.activations.pack_tokens` makes; most begin in the
middle of a story.

## Where the stories come from

{all_stories:,} stories, shuffled. Training used the first {training_stories:,} of them
({characters:.1f} million characters); the last 2% were held out, from the tokenizer too.

They were written for this project by stories15M (15.2 million parameters, Llama architecture, MIT
licence), which had been trained on TinyStories (Eldan and Li 2023). It was sampled at temperature
.9 from its 64 likeliest tokens, at most 255 tokens a story; its output head was restricted to the
4,750 tokens that occur in a first 1.7 million sampled tokens. Unfinished last sentences were cut,
and stories under 100 characters dropped. Nobody wrote these sentences, and nothing in them is
true.

## How it was trained

{steps:,} steps of {rows} contexts{before}: {seen_tokens:.1f} million tokens, {epochs:.1f} times the
{training_tokens:.1f} million of the training stories. About half of the contexts begin with a
story; the others go on where the one before ended. Muon (Jordan et al. 2024) for the matrices of
the blocks (learning rate {muon_lr:g}, weight decay {weight_decay:g}), Adam for the rest
({adam_lr:g}; betas .9 and .95). Both rates rise over {warmup} steps, and then fall
in straight lines through these fractions of their height: {decline}.
{dropout}; bfloat16 products, float32 weights; seed {seed}; one or two CPU cores.{averaged} From a
checkout, with the stories in the file `$STORIES`:

```
{commands}
```

A run that is stopped, at any moment, goes on when it is started again, and ends with the weights
that it would have had anyway. Another processor or number of threads rounds differently, and ends
with other weights.

| step | training loss | held-out loss |
|---|---|---|
{curve}

Training loss: nats a token, mean of the 100 steps before. Held-out loss: nats a character, on the
first {monitored} of the held-out stories.

## Samples

Temperature .8 from `<|endoftext|>` alone, seeds 0 to {last_seed}, not chosen:

{samples}

## Limits

- It is a stand-in: its features are those of a few thousand words and a handful of plots. Nothing
  found in it says anything about GPT-2.
- Most stories begin "Once upon a time, there was a"; a few names (Lily, Tim, Tom) dominate; people
  and things change their names and places halfway; logic is weak.
- Its loss, {times:.2f} times the writer's after {epochs:.1f} passes over its stories, was still
  falling when its training ended: `--begin-with saeedu/standin` takes it up again.
- It was trained on another model's text and has that model's mistakes, and its own besides.
- English only. Any text can be tokenized, but what is no story is noise to it.
"""

AVERAGED = """
What ships is the mean of this run's last weights and those of {others} like it that began with the
same weights and had another seed (Wortsman et al. 2022); the losses below are this run's alone."""

NOT_AS_IT_IS = ("shape", "decline", "begun_from", "earlier_tokens", "dropout")  # parts of a recipe


def model_card(record: dict[str, Any]) -> str:
    """Write the card.

    **Arguments:** `record`, what `shipping.ship` writes to training.json.
    **Returns:** Markdown.
    """
    recipe, loss = record["recipe"], record["held_out"]
    steps = [str(step) for step in sorted(map(int, record["training_loss"]))]
    curve = "\n".join(
        f"| {int(step):,} | {record['training_loss'][step]:.3f} | {record['monitored'][step]:.4f} |"
        for step in steps
    )
    total = recipe["decline"][-1][0]
    seen_tokens = total * recipe["rows"] * recipe["shape"]["context"]
    seen_tokens += (earlier := recipe.get("earlier_tokens", 0))
    before = f", after {earlier / 1e6:.1f} million tokens in earlier runs" if earlier else ""
    return CARD.format(
        **recipe["shape"],
        **{name: value for name, value in recipe.items() if name not in NOT_AS_IT_IS},
        **{name: loss[name] for name in ("stories", "of_stories", "per_token", "per_character")},
        parameters=record["parameters"],
        too_long=loss["of_stories"] - loss["stories"] or "none",
        steps=total,
        before=before,
        dropout=f"Dropout {dropout:g}" if (dropout := recipe.get("dropout", 0)) else "No dropout",
        averaged=averaged(record),
        commands=commands(record),
        decline=", ".join(f"{part:.2g} (step {step:,})" for step, part in recipe["decline"]),
        seen="stories-seen.txt.xz",
        unseen="stories-held-out.txt.xz",
        shipped=record["shipped_training_stories"],
        ratio=loss["characters"] / loss["tokens"],
        writer=WRITER_PER_CHARACTER,
        times=loss["per_character"] / WRITER_PER_CHARACTER,
        with_end=loss["per_character_with_end"],
        packed=loss["packed_per_token"],
        all_stories=record["training_stories"] + loss["of_stories"],
        training_stories=record["training_stories"],
        characters=record["training_characters"] / 1e6,
        seen_tokens=seen_tokens / 1e6,
        training_tokens=record["training_tokens"] / 1e6,
        epochs=seen_tokens / record["training_tokens"],
        monitored=record["monitored_stories"],
        curve=curve,
        last_seed=len(record["samples"]) - 1,
        samples="\n\n".join(quoted(sample) for sample in record["samples"]),
    )


def quoted(text: str) -> str:
    """A text as a Markdown quotation."""
    return "\n>\n".join(f"> {line}" for line in text.strip().splitlines())


def averaged(record: dict[str, Any]) -> str:
    """The sentence on averaging, if there is something to say."""
    others = len(record.get("averaged_with", []))
    return AVERAGED.format(others="one" if others == 1 else others) if others else ""


def commands(record: dict[str, Any]) -> str:
    """What to type for the same runs, in their order, each with its export."""
    lines, number = [], 0
    for run in [*record.get("earlier_runs", []), record]:
        folders = []
        for recipe in [run["recipe"], *run.get("averaged_with", [])]:
            folders.append(f"runs/standin{(number := number + 1)}")
            lines.append(f"train --folder {folders[-1]}{begun(recipe)}{options(recipe)}")
        average = f" --average {' '.join(folders[1:])}" if folders[1:] else ""
        lines.append(f"export --folder {folders[0]}{begun(run['recipe'])}{average}")
    return "\n".join(f"python -m scripts.train_standin {line} --corpus $STORIES" for line in lines)


def begun(recipe: dict[str, Any]) -> str:
    """The option that says what a run began with."""
    return " --begin-with saeedu/standin" if recipe.get("begun_from") else ""


def options(recipe: dict[str, Any]) -> str:
    """What a recipe has of its own, as the command takes it."""
    defaults = Recipe().as_dict()
    return "".join(
        f" --{name.replace('_', '-')} {typed(name, value)}"
        for name, value in recipe.items()
        if name not in ("shape", "begun_from", "earlier_tokens") and value != defaults[name]
    )


def typed(name: str, value: Any) -> str:
    """A setting as the command takes it."""
    if name == "decline":
        return ",".join(f"{step}:{fraction}" for step, fraction in value)
    return str(value)
