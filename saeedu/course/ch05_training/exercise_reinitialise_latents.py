"""Exercise 05.reinitialise_latents: a second life."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from saeedu import resampling
from saeedu.course.ch05_training.draws import draw_revivals
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.numpy_training import Parameters
from saeedu.warmup import unit_rows


def twelve_arrays_by_name(implementation: Implementation, call: Call) -> Any:
    """The three answers taken apart, so that a message can name the array that differs."""
    result = implementation(*call.args)
    if result is None:
        return None  # the comparison has a sentence for it
    wanted = {"new": "new {}", "new_mean": "mean of {}", "new_square": "mean square of {}"}
    if not _holds(result, len(wanted)) or not all(_holds(answer, 4) for answer in result):
        raise ValueError(f"return three `Parameters`, of four arrays each: {', '.join(wanted)}")
    return {
        title.format(name): part
        for title, answer in zip(wanted.values(), result, strict=True)
        for name, part in zip(Parameters._fields, answer, strict=True)
    }


def _holds(value: Any, count: int) -> bool:
    return isinstance(value, Sequence) and len(value) == count


def _copy(parts):
    return Parameters(*[part.copy() for part in parts])


def _revive(
    parameters,
    mean,
    mean_square,
    dead,
    directions,
    decoder=None,
    encoder=None,
    scale=0.2,
    living=None,
):
    """The right answer, but for the parts that a wrong answer replaces."""
    new, new_mean, new_square = _copy(parameters), _copy(mean), _copy(mean_square)
    unit = unit_rows(directions)
    if living is None:
        living = np.linalg.norm(parameters.W_enc[:, ~dead], axis=0).mean()
    new.W_dec[dead] = unit if decoder is None else decoder
    new.W_enc[:, dead] = (scale * living * unit if encoder is None else encoder).T
    new.b_enc[dead] = 0
    for average in (new_mean, new_square):
        average.W_dec[dead] = 0
        average.W_enc[:, dead] = 0
        average.b_enc[dead] = 0
    return new, new_mean, new_square


def adam_remembers(parameters, mean, mean_square, dead, directions):
    new, _, _ = _revive(parameters, mean, mean_square, dead, directions)
    return new, _copy(mean), _copy(mean_square)


def only_the_mean_is_reset(parameters, mean, mean_square, dead, directions):
    new, new_mean, _ = _revive(parameters, mean, mean_square, dead, directions)
    return new, new_mean, _copy(mean_square)


def only_the_mean_square_is_reset(parameters, mean, mean_square, dead, directions):
    new, _, new_square = _revive(parameters, mean, mean_square, dead, directions)
    return new, _copy(mean), new_square


def adam_forgets_everything(parameters, mean, mean_square, dead, directions):
    new, _, _ = _revive(parameters, mean, mean_square, dead, directions)
    empty = Parameters(*[np.zeros_like(part) for part in mean])
    return new, empty, _copy(empty)


def adam_remembers_the_bias(parameters, mean, mean_square, dead, directions):
    new, new_mean, new_square = _revive(parameters, mean, mean_square, dead, directions)
    new_mean.b_enc[...], new_square.b_enc[...] = mean.b_enc, mean_square.b_enc
    return new, new_mean, new_square


def kept_the_bias(parameters, mean, mean_square, dead, directions):
    new, new_mean, new_square = _revive(parameters, mean, mean_square, dead, directions)
    return new._replace(b_enc=parameters.b_enc.copy()), new_mean, new_square


def cleared_every_bias(parameters, mean, mean_square, dead, directions):
    new, new_mean, new_square = _revive(parameters, mean, mean_square, dead, directions)
    return new._replace(b_enc=np.zeros_like(parameters.b_enc)), new_mean, new_square


def decoder_not_unit(parameters, mean, mean_square, dead, directions):
    return _revive(parameters, mean, mean_square, dead, directions, decoder=directions)


def directions_not_unit(parameters, mean, mean_square, dead, directions):
    living = np.linalg.norm(parameters.W_enc[:, ~dead], axis=0).mean()
    both = {"decoder": directions, "encoder": 0.2 * living * directions}
    return _revive(parameters, mean, mean_square, dead, directions, **both)


def encoder_at_full_strength(parameters, mean, mean_square, dead, directions):
    return _revive(parameters, mean, mean_square, dead, directions, scale=1.0)


def encoder_without_the_living(parameters, mean, mean_square, dead, directions):
    return _revive(parameters, mean, mean_square, dead, directions, living=1.0)


def encoder_of_unit_length(parameters, mean, mean_square, dead, directions):
    return _revive(parameters, mean, mean_square, dead, directions, scale=1.0, living=1.0)


def directions_as_they_are(parameters, mean, mean_square, dead, directions):
    living = np.linalg.norm(parameters.W_enc[:, ~dead], axis=0).mean()
    encoder = 0.2 * living * directions
    return _revive(parameters, mean, mean_square, dead, directions, encoder=encoder)


def mean_over_the_dead_too(parameters, mean, mean_square, dead, directions):
    length = np.linalg.norm(parameters.W_enc, axis=0).mean()
    return _revive(parameters, mean, mean_square, dead, directions, living=length)


def mean_over_the_dead_alone(parameters, mean, mean_square, dead, directions):
    length = np.linalg.norm(parameters.W_enc[:, dead], axis=0).mean()
    return _revive(parameters, mean, mean_square, dead, directions, living=length)


def length_of_rows(parameters, mean, mean_square, dead, directions):
    length = np.linalg.norm(parameters.W_enc[:, ~dead], axis=1).mean()
    return _revive(parameters, mean, mean_square, dead, directions, living=length)


def length_of_the_mean_column(parameters, mean, mean_square, dead, directions):
    length = np.linalg.norm(parameters.W_enc[:, ~dead].mean(axis=1))
    return _revive(parameters, mean, mean_square, dead, directions, living=length)


def the_living_were_replaced(parameters, mean, mean_square, dead, directions):
    count = int(np.sum(~dead))
    instead = np.resize(directions, (count, directions.shape[1]))
    return _revive(parameters, mean, mean_square, ~dead, instead)


def mask_turned_round(parameters, mean, mean_square, dead, directions):
    new = _copy(parameters)
    new.W_dec[~dead] = unit_rows(directions)  # does not fit: others are alive than are dead
    return new, _copy(mean), _copy(mean_square)


def decoder_alone(parameters, mean, mean_square, dead, directions):
    new = _copy(parameters)
    new.W_dec[dead] = unit_rows(directions)
    return new, _copy(mean), _copy(mean_square)


def moved_b_dec(parameters, mean, mean_square, dead, directions):
    new, new_mean, new_square = _revive(parameters, mean, mean_square, dead, directions)
    return new._replace(b_dec=np.zeros_like(parameters.b_dec)), new_mean, new_square


def changed_in_place(parameters, mean, mean_square, dead, directions):
    unit = unit_rows(directions)
    living = np.linalg.norm(parameters.W_enc[:, ~dead], axis=0).mean()
    parameters.W_dec[dead] = unit
    parameters.W_enc[:, dead] = 0.2 * living * unit.T
    parameters.b_enc[dead] = 0
    for average in (mean, mean_square):
        average.W_dec[dead], average.W_enc[:, dead], average.b_enc[dead] = 0, 0, 0
    return parameters, mean, mean_square


def with_where(parameters, mean, mean_square, dead, directions):
    unit = np.zeros_like(parameters.W_dec)
    unit[dead] = directions / np.sqrt(np.sum(directions**2, axis=1))[:, None]
    columns = parameters.W_enc.T[~dead]
    target = 0.2 * np.mean(np.sqrt(np.sum(columns**2, axis=1)))
    new = Parameters(
        np.where(dead, target * unit.T, parameters.W_enc),
        np.where(dead, 0, parameters.b_enc),
        np.where(dead[:, None], unit, parameters.W_dec),
        parameters.b_dec,
    )
    averages = [
        (a.W_enc * ~dead, a.b_enc * ~dead, a.W_dec * ~dead[:, None], a.b_dec)
        for a in (mean, mean_square)
    ]
    return [new, *averages]


def latent_by_latent(parameters, mean, mean_square, dead, directions):
    new, *averages = _copy(parameters), _copy(mean), _copy(mean_square)
    lengths = [np.linalg.norm(parameters.W_enc[:, j]) for j in range(len(dead)) if not dead[j]]
    waiting = iter(directions)
    for j in np.flatnonzero(dead):
        direction = next(waiting)
        unit = direction / np.linalg.norm(direction)
        new.W_dec[j], new.W_enc[:, j], new.b_enc[j] = unit, unit * 0.2 * np.mean(lengths), 0
        for average in averages:
            average.W_dec[j], average.W_enc[:, j], average.b_enc[j] = 0, 0, 0
    return new, *averages


def float32(parameters, mean, mean_square, dead, directions):
    p, m, v = [
        Parameters(*[part.astype(np.float32) for part in parts])
        for parts in (parameters, mean, mean_square)
    ]
    return resampling.reinitialise_latents(p, m, v, dead, directions.astype(np.float32))


EXERCISE = Exercise(
    id="05.reinitialise_latents",
    title="A second life",
    reference=resampling.reinitialise_latents,
    minutes=12,
    difficulty=4,
    hints=(
        "Nine arrays change: W_dec, W_enc and b_enc, in the parameters, in the mean and in the "
        "mean square. b_dec belongs to no latent. The copies are made for you: write into them.",
        "`dead` is a mask. A latent is a *row* of W_dec and a *column* of W_enc: "
        "`new.W_dec[dead] = ...` and `new.W_enc[:, dead] = ...`, the latter with a transpose.",
        "The living columns are `parameters.W_enc[:, ~dead]`. Take each one's length "
        "(np.linalg.norm, axis=0), then the mean of the lengths.",
        "`new.W_enc[:, dead] = 0.2 * living * unit.T`, where `unit` are the directions at length "
        "one. Then b_enc, and zeros in the same three places of both averages.",
    ),
    check=Check(
        draw=draw_revivals,
        tested="several dead latents at a time, directions of any length, every average in use",
        observe=twelve_arrays_by_name,
    ),
    mistakes=(
        Mistake(
            adam_remembers,
            "Adam still remembers the dead latents. Set both averages to zero for them: the old "
            "ones describe weights that no longer exist.",
        ),
        Mistake(
            only_the_mean_is_reset,
            "The mean is reset and the mean square is not. An old mean square can only make the "
            "new latent's steps shorter, which is slow; the recipe is to reset both.",
        ),
        Mistake(
            only_the_mean_square_is_reset,
            "The mean square is reset and the mean is not. An old mean over a fresh, tiny mean "
            "square makes a first step of hundreds of learning rates: reset both.",
        ),
        Mistake(
            adam_forgets_everything,
            "You reset Adam for all latents. The living are in the middle of their training: "
            "touch only the dead ones' entries.",
        ),
        Mistake(
            adam_remembers_the_bias,
            "Adam's averages for b_enc are not reset.",
        ),
        Mistake(
            kept_the_bias,
            "The dead latents keep their b_enc. That may be what killed them: set it to zero.",
        ),
        Mistake(
            cleared_every_bias,
            "You cleared b_enc of all latents. Only the dead ones start again.",
        ),
        Mistake(
            decoder_not_unit,
            "The new decoder rows do not have unit length. Scale the directions first.",
        ),
        Mistake(
            directions_not_unit,
            "You used the directions at their own length, in the decoder and in the encoder. "
            "Scale each to length one before anything else.",
        ),
        Mistake(
            encoder_at_full_strength,
            "The new encoder columns are as long as the living ones. Multiply by 0.2, so that the "
            "newcomers do not disturb a working SAE.",
        ),
        Mistake(
            encoder_without_the_living,
            "The new encoder columns have length 0.2. It is 0.2 times the mean length of the "
            "living latents' columns.",
        ),
        Mistake(
            encoder_of_unit_length,
            "The new encoder columns have length 1. They should have 0.2 times the mean length of "
            "the living latents' columns.",
        ),
        Mistake(
            directions_as_they_are,
            "For the encoder you used the directions at their own length. Scale them to length one "
            "first, then to the length that you want. (One public library does this too.)",
        ),
        Mistake(
            mean_over_the_dead_too,
            "Your mean length includes the dead latents' columns. Take W_enc[:, ~dead].",
        ),
        Mistake(
            mean_over_the_dead_alone,
            "Your mean length is that of the *dead* latents' columns. `~dead` are the living.",
        ),
        Mistake(
            length_of_rows,
            "You took the lengths of W_enc's rows. A latent is a column of W_enc: axis=0.",
        ),
        Mistake(
            length_of_the_mean_column,
            "You averaged the columns and took the length of the average. Lengths first, then "
            "their mean.",
        ),
        Mistake(
            the_living_were_replaced,
            "You replaced the living and spared the dead: the mask is turned round.",
        ),
        Mistake(
            mask_turned_round,
            "There are as many directions as dead latents, and you write them to the living: "
            "`dead` marks the dead, `~dead` the living.",
        ),
        Mistake(
            decoder_alone,
            "Only the decoder has changed. The encoder decides when a latent fires, so it must "
            "change too, with its bias and Adam's averages.",
        ),
        Mistake(
            moved_b_dec,
            "b_dec belongs to no latent: leave it as it is.",
        ),
        Mistake(
            changed_in_place,
            "Right numbers, but you wrote into the arrays that you were given. Write into the "
            "copies.",
        ),
    ),
    alternatives=(with_where, latent_by_latent, float32),
    why="This was the first cure for dead latents in large SAEs; chapter 07 has another.",
    scaffold=(
        "new, new_mean, new_square = [\n"
        "    Parameters(*[part.copy() for part in parts]) "
        "for parts in (parameters, mean, mean_square)\n"
        "]\n"
        "# Write into these copies, then: return new, new_mean, new_square"
    ),
)
