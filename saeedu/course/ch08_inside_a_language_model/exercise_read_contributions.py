"""Exercise 08.read_contributions: the residual stream as a sum."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import itertools

import torch

from saeedu import residual_stream
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def stacked(model, tokens, hooks, dim=0):
    activations = model.activations(tokens, hooks)
    return torch.stack([activations[hook] for hook in hooks], dim=dim)


def hooks_before(layer, sites=("hook_attn_out", "hook_mlp_out")):
    return [f"blocks.{block}.{site}" for block in range(layer) for site in sites]


EMBEDDING = "blocks.0.hook_resid_pre"


def no_embedding(model, tokens, layer):
    return stacked(model, tokens, hooks_before(layer) or [EMBEDDING])[: 2 * layer]


def one_block_too_many(model, tokens, layer):
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer + 1)])


def one_block_too_few(model, tokens, layer):
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer - 1)])


def every_block(model, tokens, layer):
    return stacked(model, tokens, [EMBEDDING, *hooks_before(model.n_layers)])


def only_this_block(model, tokens, layer):
    site = f"blocks.{layer}."
    return stacked(model, tokens, [EMBEDDING, site + "hook_attn_out", site + "hook_mlp_out"])


def attention_alone(model, tokens, layer):
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer, ("hook_attn_out",))])


def mlps_alone(model, tokens, layer):
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer, ("hook_mlp_out",))])


def streams_stacked(model, tokens, layer):
    sites = ("hook_resid_pre", "hook_resid_post")
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer, sites)])


def streams_after_attention_and_mlp(model, tokens, layer):
    return residual_stream.read_contributions(model, tokens, layer).cumsum(dim=0)


def mlp_first(model, tokens, layer):
    sites = ("hook_mlp_out", "hook_attn_out")
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer, sites)])


def all_attention_then_all_mlps(model, tokens, layer):
    attention, mlps = (hooks_before(layer, (s,)) for s in ("hook_attn_out", "hook_mlp_out"))
    return stacked(model, tokens, [EMBEDDING, *attention, *mlps])


def embedding_last(model, tokens, layer):
    return stacked(model, tokens, [*hooks_before(layer), EMBEDDING])


def added_up(model, tokens, layer):
    return residual_stream.read_contributions(model, tokens, layer).sum(dim=0)


def batch_first(model, tokens, layer):
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer)], dim=1)


def joined_along_the_batch(model, tokens, layer):
    return residual_stream.read_contributions(model, tokens, layer).flatten(0, 1)


def one_a_block(model, tokens, layer):
    streams = [model.residual(tokens, f"blocks.{i}.hook_resid_pre") for i in range(layer + 1)]
    return torch.stack([streams[0], *(b - a for a, b in itertools.pairwise(streams))])


def the_last_streams_embedding(model, tokens, layer):
    return stacked(model, tokens, [f"blocks.{layer}.hook_resid_pre", *hooks_before(layer)])


def neurons_for_the_mlp(model, tokens, layer):
    sites = ("hook_attn_out", "mlp.hook_post")
    return stacked(model, tokens, [EMBEDDING, *hooks_before(layer, sites)])


def one_pass_a_hook(model, tokens, layer):
    parts = [model.activations(tokens, [EMBEDDING])[EMBEDDING]]
    for block in range(layer):
        for site in ("attn_out", "mlp_out"):
            hook = f"blocks.{block}.hook_{site}"
            parts.append(model.activations(tokens, [hook])[hook])
    return torch.stack(parts)


def the_mlp_by_difference(model, tokens, layer):
    parts = [model.residual(tokens, EMBEDDING)]
    for i in range(layer):
        sites = [f"blocks.{i}.hook_{s}" for s in ("resid_pre", "attn_out", "resid_post")]
        pre, attention, post = (model.activations(tokens, sites)[hook] for hook in sites)
        parts += [attention, post - pre - attention]
    return torch.stack(parts)


def in_a_tensor_made_before(model, tokens, layer):
    stream = model.residual(tokens, "blocks.0.hook_resid_pre")
    parts = torch.zeros(1 + 2 * layer, *stream.shape, dtype=stream.dtype)
    parts[0] = stream
    seen = model.activations(tokens, hooks_before(layer))
    for i in range(layer):
        parts[2 * i + 1] = seen[f"blocks.{i}.hook_attn_out"]
        parts[2 * i + 2] = seen[f"blocks.{i}.hook_mlp_out"]
    return parts


EXERCISE = Exercise(
    id="08.read_contributions",
    title="The stream as a sum",
    reference=residual_stream.read_contributions,
    minutes=10,
    difficulty=2,
    hints=(
        "Before block `layer`, who has written? The embedding, and then every block from 0 to "
        "`layer - 1`, twice each. Write down the hooks for layer 2, in order.",
        "The embedding is what enters block 0: `blocks.0.hook_resid_pre`. A block's two additions "
        "are at `hook_attn_out` and `hook_mlp_out`. An f-string in a loop makes the names.",
        "`model.activations(tokens, hooks)` gives a dict, in one pass. `torch.stack([...])` puts "
        "its values under each other, along a new first axis, in the order of your list.",
    ),
    check=Check(
        draws.models_and_layers,
        tested="four made-up models, at blocks from the first to the last",
    ),
    mistakes=(
        Mistake(
            no_embedding,
            "The embedding is missing. The stream does not begin at zero: what enters block 0 is "
            "the first contribution.",
        ),
        Mistake(
            one_block_too_many,
            "You counted what block `layer` itself adds. The stream *before* it has nothing of "
            "that yet.",
        ),
        Mistake(
            one_block_too_few,
            "The last block before `layer` is missing. `range(layer)` ends with `layer - 1`, as it "
            "should.",
        ),
        Mistake(
            every_block,
            "`layer` has no effect: you collected what all blocks add. Only those before it count.",
        ),
        Mistake(
            only_this_block,
            "You collected what block `layer` adds. Wanted is what all blocks *before* it added.",
        ),
        Mistake(
            attention_alone,
            "The MLPs are missing. Every block writes twice.",
        ),
        Mistake(
            mlps_alone,
            "Attention is missing. Every block writes twice.",
        ),
        Mistake(
            streams_stacked,
            "These are whole streams, each of which holds all that was written before. Wanted is "
            "what each part *added*: `hook_attn_out` and `hook_mlp_out`.",
        ),
        Mistake(
            streams_after_attention_and_mlp,
            "You kept running sums. Keep what each part added by itself; the sum comes later.",
        ),
        Mistake(
            mlp_first,
            "Within a block the MLP stands before attention. GPT-2 computes attention first, and "
            "the MLP reads what it wrote.",
        ),
        Mistake(
            all_attention_then_all_mlps,
            "All attention outputs stand before all MLP outputs. Keep the order in which they were "
            "written: block by block.",
        ),
        Mistake(
            embedding_last,
            "The embedding stands last. It was written first.",
        ),
        Mistake(
            added_up,
            "You added them up. That gives the stream, which you had already: keep the parts.",
        ),
        Mistake(
            batch_first,
            "The parts are along the second axis. Stack them along a new *first* one: [1 + 2 * "
            "layer, batch, context, d_model].",
        ),
        Mistake(
            joined_along_the_batch,
            "The parts follow each other along the batch. `torch.cat` joins along an axis that "
            "exists; `torch.stack` makes a new one.",
        ),
        Mistake(
            one_a_block,
            "You have one contribution a block. Tell what attention added from what the MLP added.",
        ),
        Mistake(
            the_last_streams_embedding,
            "Your first part is the stream at block `layer`, which holds all the others. Take the "
            "one that enters block 0.",
        ),
        Mistake(
            neurons_for_the_mlp,
            "`mlp.hook_post` is the MLP's neurons, which never enter the stream. What it adds is "
            "at `hook_mlp_out`.",
        ),
    ),
    alternatives=(one_pass_a_hook, the_mlp_by_difference, in_a_tensor_made_before),
    why="That the stream is a sum is why it can be taken apart at all; attribution, ablation and "
    "steering all rest on it.",
)
