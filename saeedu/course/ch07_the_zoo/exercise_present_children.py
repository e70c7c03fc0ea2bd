"""Exercise 07.present_children: a world in which features have families."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import hierarchical_data
from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def flat(three_axes):
    return three_axes.reshape(len(three_axes), -1)


def children_without_parents(parent_present, u, n_children, p):
    chosen = np.floor(u / p)
    return flat(chosen[:, :, None] == np.arange(n_children))


def all_at_once(parent_present, u, n_children, p):
    present = parent_present & (u < p)
    return np.repeat(present, n_children, axis=1)


def child_by_child(parent_present, u, n_children, p):
    chosen = np.floor(u / p)
    three = (chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None]
    return flat(three.transpose(0, 2, 1))


def three_axes_left(parent_present, u, n_children, p):
    chosen = np.floor(u / p)
    return (chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None]


def counted_from_one(parent_present, u, n_children, p):
    chosen = np.floor(u / p)
    return flat((chosen[:, :, None] == np.arange(1, n_children + 1)) & parent_present[:, :, None])


def rounded(parent_present, u, n_children, p):
    chosen = np.round(u / p)
    return flat((chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None])


def rounded_up(parent_present, u, n_children, p):
    chosen = np.ceil(u / p)
    return flat((chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None])


def not_exclusive(parent_present, u, n_children, p):
    below = u[:, :, None] < p * np.arange(1, n_children + 1)
    return flat(below & parent_present[:, :, None])


def always_one(parent_present, u, n_children, p):
    chosen = np.floor(u * n_children)
    return flat((chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None])


def the_rest_to_the_last(parent_present, u, n_children, p):
    chosen = np.minimum(np.floor(u / p), n_children - 1)
    return flat((chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None])


def or_instead_of_and(parent_present, u, n_children, p):
    chosen = np.floor(u / p)
    return flat((chosen[:, :, None] == np.arange(n_children)) | parent_present[:, :, None])


def the_first_alone(parent_present, u, n_children, p):
    first = (u < p) & parent_present
    three = np.zeros((*u.shape, n_children), dtype=bool)
    three[:, :, 0] = first
    return flat(three)


def where_no_parent_is(parent_present, u, n_children, p):
    chosen = np.floor(u / p)
    return flat((chosen[:, :, None] == np.arange(n_children)) & ~parent_present[:, :, None])


def numbers_of_the_chosen(parent_present, u, n_children, p):
    return np.where(parent_present, np.floor(u / p), -1)


def whole_families(parent_present, u, n_children, p):
    return np.repeat(parent_present, n_children, axis=1)


def around_again(parent_present, u, n_children, p):
    chosen = np.floor(u / p) % n_children
    return flat((chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None])


def by_intervals(parent_present, u, n_children, p):
    low = p * np.arange(n_children)
    inside = (u[..., None] >= low) & (u[..., None] < low + p)
    return (inside * parent_present[..., None]).reshape(u.shape[0], u.shape[1] * n_children)


def as_numbers(parent_present, u, n_children, p):
    columns = []
    for family in range(u.shape[1]):
        for j in range(n_children):
            hit = (u[:, family] // p == j) * 1.0
            columns.append(hit * parent_present[:, family])
    return np.stack(columns, axis=1)


def in_loops(parent_present, u, n_children, p):
    batch, n_parents = u.shape
    present = np.zeros((batch, n_parents * n_children), dtype=bool)
    for i in range(batch):
        for family in range(n_parents):
            j = int(u[i, family] / p)
            if parent_present[i, family] and j < n_children:
                present[i, family * n_children + j] = True
    return present


EXERCISE = Exercise(
    id="07.present_children",
    title="Features with families",
    reference=hierarchical_data.present_children,
    minutes=10,
    difficulty=3,
    hints=(
        "Divide the interval from 0 to 1 into pieces of length p. In which piece does a draw lie? "
        "The first n_children pieces belong to the children, what is left to nobody.",
        "`np.floor(draws / child_probability)` is the number of the piece, [batch, n_parents]. "
        "Compare it with `np.arange(n_children)` on a new last axis.",
        "`(chosen[:, :, None] == np.arange(n_children)) & parent_present[:, :, None]` has three "
        "axes; `.reshape(batch, -1)` puts the families one after the other.",
    ),
    check=Check(
        draws.families,
        tested="three worlds: every child chosen somewhere, no child, and absent parents",
    ),
    mistakes=(
        Mistake(
            children_without_parents,
            "Some children are present while their parent is not. A child needs its parent.",
        ),
        Mistake(
            all_at_once,
            "All children of a family appear together. A draw chooses at most one of them.",
        ),
        Mistake(
            child_by_child,
            "Your columns run child by child. They run family by family: all children of parent 0 "
            "first.",
        ),
        Mistake(
            three_axes_left,
            "Right, but with three axes. Put the families one after the other: [batch, n_parents "
            "times n_children].",
        ),
        Mistake(
            counted_from_one,
            "You count children from one: a draw in [0, p) chooses child 0.",
        ),
        Mistake(
            rounded,
            "You round to the nearest. A draw in [j p, (j + 1) p) chooses child j: round down.",
        ),
        Mistake(
            rounded_up,
            "You round up. A draw in [j p, (j + 1) p) chooses child j: round down.",
        ),
        Mistake(
            not_exclusive,
            "A small draw switches on several children. Each interval has a lower end too: at most "
            "one child is present.",
        ),
        Mistake(
            always_one,
            "One child is always present, and `child_probability` has no effect. Often a parent "
            "comes alone.",
        ),
        Mistake(
            the_rest_to_the_last,
            "The last child gets all that is left over. Draws of n_children times p and more "
            "choose nobody.",
        ),
        Mistake(
            or_instead_of_and,
            "A present parent brings all its children. Both are needed, parent *and* draw.",
        ),
        Mistake(the_first_alone, "Only child 0 ever appears. What do larger draws choose?"),
        Mistake(
            where_no_parent_is,
            "Children appear exactly where their parent does not. Take out the `~`.",
        ),
        Mistake(
            numbers_of_the_chosen,
            "These are the numbers of the chosen children. Return a column for each child, true or "
            "false.",
        ),
        Mistake(
            whole_families,
            "Every present parent brings all its children, and the draws have no effect.",
        ),
        Mistake(
            around_again,
            "A large draw comes round to the first children again. Draws of n_children times p and "
            "more choose nobody.",
        ),
    ),
    alternatives=(by_intervals, as_numbers, in_loops),
    why="Real features have families too, and that is where sparse autoencoders fail in a way "
    "that no loss shows.",
)
