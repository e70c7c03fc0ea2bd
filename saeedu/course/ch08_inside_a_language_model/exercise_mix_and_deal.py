"""Exercise 08.mix_and_deal: one round of the shuffle buffer."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from saeedu import shuffle_buffer
from saeedu.course.ch08_inside_a_language_model import draws
from saeedu.course.ch08_inside_a_language_model.facts import up_to_the_first_slip
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.grading.values import kind_of

SIGMAS = 4.5  # chance goes further than that once in 100,000 times


def what_became_of_the_rows(implementation: Implementation, call: Call) -> dict[str, Any]:
    """Facts about a round that hold for every right answer, whatever its luck."""
    kept, new, n_out, _ = call.args
    right = {
        "returned": "two tensors of rows",
        "rows dealt": n_out,
        "rows of numbers that came in together": "all",
        "rows that come twice": "none",
        "rows kept": len(kept) + len(new) - n_out,
        "rows both dealt and kept": "none",
        "order of the rows dealt": "mixed",
        "share of old and new among the dealt": "as chance has it",
        "the same from the same generator state": "yes",
        "another order in the next round": "yes",
    }
    return up_to_the_first_slip(right, findings(implementation, call))


def findings(implementation: Implementation, call: Call) -> Iterator[tuple[str, Any]]:
    """One fact after the other, the most telling first."""
    kept, new, n_out, generator = call.args
    before = generator.get_state()
    first = _dealt(implementation, call, seed=1)
    problem = _problem(first, kept.shape[1])
    yield "returned", problem or "two tensors of rows"
    out, rest = first
    rows = torch.cat([kept, new])
    dealt, stayed = _places(out, rows), _places(rest, rows)
    strangers = bool((torch.cat([dealt, stayed]) < 0).any())
    yield "rows of numbers that came in together", "some are not" if strangers else "all"
    repeats = any(len(places.unique()) < len(places) for places in (dealt, stayed))
    yield "rows that come twice", "some" if repeats else "none"
    yield "rows dealt", len(out)
    yield "rows kept", len(rest)
    both = len(torch.cat([dealt, stayed]).unique()) < len(rows)
    yield "rows both dealt and kept", "some" if both else "none"
    if n_out == 0:
        return
    yield "order of the rows dealt", _order(dealt.numpy())
    n_new = int((dealt >= len(kept)).sum())
    yield "share of old and new among the dealt", _share(n_new, len(out), len(new), len(rows))
    afterwards = generator.get_state()
    generator.set_state(before)
    again = _dealt(implementation, call, seed=2)
    yield "the same from the same generator state", _yes(_same(first, again))
    generator.set_state(afterwards)
    second = _dealt(implementation, call, seed=1)
    yield "another order in the next round", _yes(not torch.equal(out, second[0]))


def _dealt(implementation: Implementation, call: Call, seed: int) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # chance that is not drawn from the generator shows
        return implementation(*call.args)


def _problem(answer: Any, width: int) -> str:
    if not isinstance(answer, tuple | list):
        return kind_of(answer)
    if len(answer) != 2:
        return f"{kind_of(answer)} of {len(answer)}"
    for part in answer:
        if not isinstance(part, Tensor):
            return f"{kind_of(answer)} that holds {kind_of(part)}"
        if part.ndim != 2 or part.shape[1] != width:
            return f"a tensor of shape {list(part.shape)} among the two"
    return ""


def _places(rows: Tensor, stored: Tensor) -> Tensor:
    """Where each row was; -1 for one that is none of them."""
    if not len(rows):
        return torch.zeros(0, dtype=torch.long)
    distances, places = torch.cdist(rows.double(), stored.double()).min(dim=1)
    return torch.where(distances < 1e-5, places, -1)


def _share(new_dealt: int, n_out: int, n_new: int, n: int) -> str:
    """Whether as many new rows were dealt as a fair draw deals (hypergeometric)."""
    share = n_new / n
    spread = n_out * share * (1 - share) * (n - n_out) / (n - 1)
    excess = new_dealt - n_out * share
    if abs(excess) <= SIGMAS * spread**0.5 + 1e-9:
        return "as chance has it"
    return "too many new ones" if excess > 0 else "too many old ones"


def _order(places: np.ndarray) -> str:
    """Whether places rise or fall along the list, or follow each other, or none of it."""
    n = len(places)
    steps = np.diff(places)
    if np.all(steps == 1):
        return "the first ones, as they came"
    trend = np.corrcoef(np.arange(n), places)[0, 1]
    if abs(trend) * n**0.5 >= SIGMAS:
        return "as they came" if trend > 0 else "backwards"
    if np.mean(np.abs(steps) == 1) >= 0.2:
        return "neighbours stay together"
    return "mixed"


def _same(a: Any, b: Any) -> bool:
    if kind_of(a) != kind_of(b) or len(a) != len(b):
        return False
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in zip(a, b, strict=True))


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def permuted(rows, generator):
    return rows[torch.randperm(len(rows), generator=generator)]


def not_mixed(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    return rows[:n_out], rows[n_out:]


def only_the_new_mixed(kept, new, n_out, generator):
    rows = torch.cat([kept, permuted(new, generator)])
    return rows[:n_out], rows[n_out:]


def each_mixed_by_itself(kept, new, n_out, generator):
    rows = torch.cat([permuted(kept, generator), permuted(new, generator)])
    return rows[:n_out], rows[n_out:]


def new_rows_first(kept, new, n_out, generator):
    rows = torch.cat([permuted(new, generator), permuted(kept, generator)])
    return rows[:n_out], rows[n_out:]


def swapped(kept, new, n_out, generator):
    out, rest = shuffle_buffer.mix_and_deal(kept, new, n_out, generator)
    return rest, out


def nothing_kept(kept, new, n_out, generator):
    out, rest = shuffle_buffer.mix_and_deal(kept, new, n_out, generator)
    return out, rest[:0]


def all_kept(kept, new, n_out, generator):
    rows = permuted(torch.cat([kept, new]), generator)
    return rows[:n_out], rows


def new_rows_forgotten(kept, new, n_out, generator):
    rows = permuted(kept if len(kept) else new, generator)
    return rows[:n_out], rows[n_out:]


def drawn_with_repeats(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    chosen = torch.randint(len(rows), (len(rows),), generator=generator)
    return rows[chosen[:n_out]], rows[chosen[n_out:]]


def dealt_with_repeats(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    chosen = torch.randint(len(rows), (n_out,), generator=generator)
    left = torch.ones(len(rows), dtype=torch.bool)
    left[chosen] = False
    return rows[chosen], rows[left]


def generator_unused(kept, new, n_out, generator):
    rows = permuted(torch.cat([kept, new]), None)
    return rows[:n_out], rows[n_out:]


def seeded_anew(kept, new, n_out, generator):
    rows = permuted(torch.cat([kept, new]), torch.Generator().manual_seed(0))
    return rows[:n_out], rows[n_out:]


def order_kept_among_the_dealt(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    order = torch.randperm(len(rows), generator=generator)
    return rows[order[:n_out].sort().values], rows[order[n_out:].sort().values]


def two_permutations(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    return permuted(rows, generator)[:n_out], permuted(rows, generator)[n_out:]


def the_last_ones(kept, new, n_out, generator):
    rows = permuted(torch.cat([kept, new]), generator)
    return rows[-n_out:], rows[:-n_out]


def numbers_shuffled_within_columns(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    mixed = torch.stack([permuted(column, generator) for column in rows.T], dim=1)
    return mixed[:n_out], mixed[n_out:]


def dealt_alone(kept, new, n_out, generator):
    return shuffle_buffer.mix_and_deal(kept, new, n_out, generator)[0]


def half_always(kept, new, n_out, generator):
    rows = permuted(torch.cat([kept, new]), generator)
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]


def by_sorting_random_numbers(kept, new, n_out, generator):
    rows = torch.vstack((new, kept))
    order = torch.rand(len(rows), generator=generator).argsort()
    return rows[order][:n_out], rows[order][n_out:]


def by_multinomial(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    left = torch.ones(len(rows), dtype=torch.bool)
    chosen = torch.zeros(0, dtype=torch.long)
    if n_out:
        chosen = torch.multinomial(left.double(), n_out, generator=generator)
    left[chosen] = False  # the rows kept stay in their order: the next round mixes them
    return rows[chosen], rows[left]


def fisher_yates(kept, new, n_out, generator):
    rows = torch.cat([kept, new])
    for i in range(min(n_out, len(rows) - 1)):
        j = int(torch.randint(i, len(rows), (1,), generator=generator))
        rows[[i, j]] = rows[[j, i]]
    return rows[:n_out].clone(), rows[n_out:].clone()


def by_split(kept, new, n_out, generator):
    n = len(kept) + len(new)
    order = torch.randperm(n, generator=generator)
    return list(torch.cat([kept, new]).index_select(0, order).split([n_out, n - n_out]))


EXERCISE = Exercise(
    id="08.mix_and_deal",
    title="One round of the shuffle buffer",
    reference=shuffle_buffer.mix_and_deal,
    minutes=8,
    difficulty=2,
    hints=(
        "Put all rows into one tensor first. A row must have the same chance whether it is old or "
        "new.",
        "`torch.randperm(n, generator=generator)` is the numbers from 0 to n − 1 in random order. "
        "Indexing rows with it mixes them.",
        "After mixing, the first `n_out` rows are a fair draw. Deal those, and keep all others. "
        "Return the two, dealt first.",
    ),
    check=Check(
        draws.rounds,
        tested="five rounds, the first and the last of a stream among them: that no row is lost or "
        "doubled, that chance is fair, and that it comes from the generator",
        observe=what_became_of_the_rows,
    ),
    mistakes=(
        Mistake(
            not_mixed,
            "Nothing is mixed: the rows come out as they came in.",
        ),
        Mistake(
            only_the_new_mixed,
            "You mixed only the new rows. The old ones come first, in their order: mix all "
            "together.",
        ),
        Mistake(
            each_mixed_by_itself,
            "You mixed old and new rows separately, so all old ones are dealt before any new one, "
            "and a batch is from one stretch of text. Mix all together.",
        ),
        Mistake(
            new_rows_first,
            "New rows are dealt before any old one. Then the old ones wait for ever, and a batch "
            "is from one stretch of text.",
        ),
        Mistake(
            swapped,
            "You dealt those that should be kept: `n_out` rows go out, and they come first in what "
            "you return.",
        ),
        Mistake(
            nothing_kept,
            "The rows that were not dealt are gone. They must stay for the next round, or most of "
            "the data is never seen.",
        ),
        Mistake(
            all_kept,
            "You kept all rows, those that were dealt too. They would come out a second time, and "
            "memory would grow with every round.",
        ),
        Mistake(
            new_rows_forgotten,
            "The new rows went nowhere: you dealt from the old ones alone.",
        ),
        Mistake(
            drawn_with_repeats,
            "You drew with repeats: some rows come twice and others never. A permutation has each "
            "once: `torch.randperm`.",
        ),
        Mistake(
            dealt_with_repeats,
            "`torch.randint` may draw a number again, and then a row is dealt twice. "
            "`torch.randperm(n, generator=generator)[:n_out]` draws each at most once.",
        ),
        Mistake(
            generator_unused,
            "The chance is PyTorch's global one. Pass `generator=generator`, or a run that is "
            "resumed will not be the run that was stopped.",
        ),
        Mistake(
            seeded_anew,
            "You made a generator of your own, with a fixed seed: every round has the same order. "
            "Use the one that was given, which goes on from round to round.",
        ),
        Mistake(
            order_kept_among_the_dealt,
            "You drew at random *which* rows are dealt, and dealt them in their old order. "
            "Neighbours would still be neighbours.",
        ),
        Mistake(
            two_permutations,
            "Dealt and kept rows come from two different permutations, so some rows are in both "
            "and some in none. Draw one, and cut it.",
        ),
        Mistake(
            numbers_shuffled_within_columns,
            "These are not rows that came in: numbers have moved from row to row, or within "
            "rows. A row is one activation and moves as a whole: index the first axis, "
            "`rows[order]`.",
        ),
        Mistake(
            the_last_ones,
            "With `n_out` 0 you deal everything: -0 is 0, and `rows[-0:]` begins at the first row. "
            "Deal the first ones, `rows[:n_out]`.",
        ),
        Mistake(
            dealt_alone,
            "You returned only what was dealt. The rows that stay are wanted too, as a second "
            "result.",
        ),
        Mistake(
            half_always,
            "`n_out` has no effect: you dealt half.",
        ),
    ),
    alternatives=(by_sorting_random_numbers, by_multinomial, fisher_yates, by_split),
    why="Stochastic gradients assume that a batch is a fair sample; text gives neighbours, and "
    "this is what stands between.",
)
