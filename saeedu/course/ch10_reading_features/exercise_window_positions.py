"""Exercise 10.window_positions: the places around a place, within its context."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import torch

from saeedu import top_contexts
from saeedu.course.ch10_reading_features import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def around(positions, before, after):
    return positions[:, None] + torch.arange(-before, after + 1)


def inside(places, positions, context):
    return places.div(context, rounding_mode="floor") == (positions // context)[:, None]


def over_the_edges(positions, context, before, after):
    return around(positions, before, after)


def only_the_beginning_of_the_stream(positions, context, before, after):
    places = around(positions, before, after)
    return places.where(places >= 0, -1)


def clamped(positions, context, before, after):
    start = (positions // context * context)[:, None]
    return around(positions, before, after).clamp(start, start + context - 1)


def slid_inside(positions, context, before, after):
    start = positions // context * context
    first = (positions - before).clamp(min=start)
    first = torch.minimum(first, torch.maximum(start + context - before - 1 - after, start))
    return first[:, None] + torch.arange(before + 1 + after)


def zero_outside(positions, context, before, after):
    places = around(positions, before, after)
    return places.where(inside(places, positions, context), 0)


def sides_exchanged(positions, context, before, after):
    return top_contexts.window_positions(positions, context, after, before)


def last_one_missing(positions, context, before, after):
    places = positions[:, None] + torch.arange(-before, after)
    return places.where(inside(places, positions, context), -1)


def counted_within_the_context(positions, context, before, after):
    places = around(positions, before, after)
    return (places % context).where(inside(places, positions, context), -1)


def wrapped_around(positions, context, before, after):
    places = around(positions, before, after)
    return positions[:, None] // context * context + places % context


def upright(positions, context, before, after):
    return top_contexts.window_positions(positions, context, before, after).T


def backwards(positions, context, before, after):
    return top_contexts.window_positions(positions, context, before, after).flip(1)


def only_the_left_edge(positions, context, before, after):
    places = around(positions, before, after)
    return places.where(places >= (positions // context * context)[:, None], -1)


def only_the_right_edge(positions, context, before, after):
    places = around(positions, before, after)
    return places.where(places < ((positions // context + 1) * context)[:, None], -1)


def truncating_division(positions, context, before, after):
    places = around(positions, before, after)
    same = places.div(context, rounding_mode="trunc") == (positions // context)[:, None]
    return places.where(same, -1)


def bos_cut_off(positions, context, before, after):
    places = around(positions, before, after)
    keep = inside(places, positions, context) & (places % context != 0)
    return places.where(keep, -1)


def by_offsets(positions, context, before, after):
    shifts = torch.arange(-before, after + 1)
    offsets = (positions % context)[:, None] + shifts
    places = (positions - positions % context)[:, None] + offsets
    return torch.where((offsets >= 0) & (offsets < context), places, -1)


def in_loops(positions, context, before, after):
    rows = []
    for p in positions.tolist():
        start = p // context * context
        row = range(p - before, p + after + 1)
        rows.append([q if start <= q < start + context else -1 for q in row])
    return torch.tensor(rows)


def from_a_padded_table(positions, context, before, after):
    n_contexts = int(positions.max()) // context + 1
    table = torch.arange(n_contexts * context).reshape(n_contexts, context)
    table = torch.nn.functional.pad(table, (before, after), value=-1)
    windows = table.unfold(1, before + 1 + after, 1)
    return windows[positions // context, positions % context]


EXERCISE = Exercise(
    id="10.window_positions",
    title="A window that does not look next door",
    reference=top_contexts.window_positions,
    minutes=10,
    difficulty=2,
    hints=(
        "First forget the edges. You have m places and want, for each, the places from `before` "
        "to its left to `after` to its right: a column plus a row.",
        "`positions[:, None] + torch.arange(-before, after + 1)` is [m, window]. Which of these "
        "lie in another context? Two places share a context when `// context` gives the same.",
        "`torch.where(same, places, -1)` with `same` a mask [m, window]: each place's context "
        "number, compared with that of the place in the middle, `[:, None]`.",
    ),
    check=Check(
        draws.places,
        tested="windows in the middle and over both edges of a context, and longer than one",
    ),
    mistakes=(
        Mistake(
            over_the_edges,
            "Your windows run on into the next context, and begin in the one before. What stands "
            "there is another text: the model never saw the two together.",
        ),
        Mistake(
            only_the_beginning_of_the_stream,
            "You stop at the beginning of the stream. Every context has two edges of its own.",
        ),
        Mistake(
            clamped,
            "You repeat the place at the edge. A reader would see one token several times: mark "
            "what lies outside with -1.",
        ),
        Mistake(
            slid_inside,
            "You moved the window so that it fits. Then the place asked for is no longer in "
            "column `before`, and the wrong token gets the brackets.",
        ),
        Mistake(zero_outside, "Outside is 0 in your answer; but 0 is a place. Use -1."),
        Mistake(
            sides_exchanged,
            "`before` and `after` are exchanged: `before` counts places to the left.",
        ),
        Mistake(
            last_one_missing,
            "The window is one short: `arange` leaves out its end, so it needs after + 1.",
        ),
        Mistake(
            counted_within_the_context,
            "You count within the context. Asked are places in the stream, as `positions` holds.",
        ),
        Mistake(
            wrapped_around,
            "At an edge your window goes on at the other end of the context. Outside is -1.",
        ),
        Mistake(upright, "This is [window, m]; a row for each position is asked for."),
        Mistake(backwards, "Your windows run from right to left."),
        Mistake(
            only_the_left_edge,
            "The left edge is right. To the right your windows run on into the next context.",
        ),
        Mistake(
            only_the_right_edge,
            "The right edge is right. To the left your windows begin in the context before.",
        ),
        Mistake(
            truncating_division,
            "Almost: in the first context, places below 0 pass as inside, because -1 divided by "
            "the context and *truncated* is 0. Round towards minus infinity: `//`.",
        ),
        Mistake(
            bos_cut_off,
            "You leave out the first place of the context. It is a place like the others here: "
            "whether it is shown is for the display to say.",
        ),
    ),
    alternatives=(by_offsets, in_loops, from_a_padded_table),
    why="Every example that you read from now on is cut out by this function. One that looks next "
    "door would show you words that the model had not seen.",
)
