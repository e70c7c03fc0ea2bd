"""Exercise 07.absorption_rate: the feature is there, it is rebuilt, and its latent is silent."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

import numpy as np

from saeedu import absorption
from saeedu.absorption import main_latents
from saeedu.course.ch07_the_zoo import draws
from saeedu.grading.exercise import Check, Exercise, Mistake


def rate(absorbed, present):
    return absorbed.sum(axis=0) / present.sum(axis=0)


def parts(coefficients, latents, W_dec, directions):
    silent = latents[:, main_latents(directions, W_dec)] == 0
    return coefficients > 0, silent, latents @ W_dec @ directions.T


def of_all_samples(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return (present & silent & (written >= c / 2)).mean(axis=0)


def silent_is_enough(c, z, W_dec, directions):
    present, silent, _ = parts(c, z, W_dec, directions)
    return rate(present & silent, present)


def rebuilt_is_enough(c, z, W_dec, directions):
    present, _, written = parts(c, z, W_dec, directions)
    return rate(present & (written >= c / 2), present)


def absent_ones_too(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(silent & (written >= c / 2), present)


def all_of_its_strength(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(present & silent & (written >= c), present)


def at_least_a_half(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(present & silent & (written >= 0.5), present)


def anything_written(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(present & silent & (written > 0), present)


def counted(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return (present & silent & (written >= c / 2)).sum(axis=0)


def by_dot_product(c, z, W_dec, directions):
    silent = z[:, np.argmax(directions @ W_dec.T, axis=1)] == 0
    present = c > 0
    return rate(present & silent & (z @ W_dec @ directions.T >= c / 2), present)


def by_absolute_cosine(c, z, W_dec, directions):
    rows = W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True)
    silent = z[:, np.argmax(np.abs(directions @ rows.T), axis=1)] == 0
    present = c > 0
    return rate(present & silent & (z @ W_dec @ directions.T >= c / 2), present)


def features_for_latents(c, z, W_dec, directions):
    silent = z[:, main_latents(W_dec, directions)] == 0
    present = c > 0
    return rate(present & silent & (z @ W_dec @ directions.T >= c / 2), present)


def strongest_writer(c, z, W_dec, directions):
    present, silent, _ = parts(c, z, W_dec, directions)
    parts_written = z[:, :, None] * (W_dec @ directions.T)  # [batch, d_sae, n_features]
    return rate(present & silent & (parts_written.max(axis=1) >= c / 2), present)


def rows_made_unit(c, z, W_dec, directions):
    present, silent, _ = parts(c, z, W_dec, directions)
    rows = W_dec / np.linalg.norm(W_dec, axis=1, keepdims=True)
    return rate(present & silent & (z @ rows @ directions.T >= c / 2), present)


def main_one_is_on(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(present & ~silent & (written >= c / 2), present)


def first_latents(c, z, W_dec, directions):
    present, _, written = parts(c, z, W_dec, directions)
    silent = z[:, : c.shape[1]] == 0
    return rate(present & silent & (written >= c / 2), present)


def of_the_silent_ones(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(present & silent & (written >= c / 2), present & silent)


def one_number(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return (present & silent & (written >= c / 2)).sum() / present.sum()


def missed_instead(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(present & silent & (written < c / 2), present)


def a_sign_ignored(c, z, W_dec, directions):
    present, silent, written = parts(c, z, W_dec, directions)
    return rate(present & silent & (np.abs(written) >= c / 2), present)


def main_one_taken_out(c, z, W_dec, directions):
    rates = []
    for i, j in enumerate(main_latents(directions, W_dec)):
        there = c[:, i] > 0
        others = np.delete(z, j, axis=1) @ np.delete(W_dec, j, axis=0) @ directions[i]
        rates.append(np.mean((z[there, j] == 0) & (others[there] >= 0.5 * c[there, i])))
    return np.array(rates)


def with_means(c, z, W_dec, directions):
    along = W_dec @ directions.T
    own = z[:, main_latents(directions, W_dec)]
    hit = np.where(own > 0, False, 2 * (z @ along) >= c)
    return np.array([hit[c[:, i] > 0, i].mean() for i in range(c.shape[1])])


def in_loops(c, z, W_dec, directions):
    main = main_latents(directions, W_dec)
    absorbed, present = np.zeros(c.shape[1]), np.zeros(c.shape[1])
    for b in range(len(c)):
        x_hat = sum(z[b, j] * W_dec[j] for j in range(len(W_dec)))
        for i in range(c.shape[1]):
            if c[b, i] > 0:
                present[i] += 1
                absorbed[i] += z[b, main[i]] == 0 and x_hat @ directions[i] >= c[b, i] / 2
    return absorbed / present


EXERCISE = Exercise(
    id="07.absorption_rate",
    title="Present, rebuilt, unreported",
    reference=absorption.absorption_rate,
    minutes=15,
    difficulty=4,
    hints=(
        "Make three masks [batch, n_features]: the feature is present; its main latent is off, "
        "which means exactly 0; the latents, without b_dec, write at least half of its strength "
        "along its direction.",
        "`main_latents(directions, W_dec)` gives one latent for each feature: index the columns of "
        "`latents` with it. `latents @ W_dec @ directions.T` is what is written along each "
        "direction; where the main latent is silent, it is the others who write.",
        "`absorbed = present & silent & (written >= coefficients / 2)`. Sum it over the batch, and "
        "divide by how many samples hold the feature.",
    ),
    check=Check(
        draws.absorptions,
        tested="three dictionaries with mixed rows of unequal lengths, one pointing backwards",
    ),
    mistakes=(
        Mistake(
            of_all_samples,
            "You divided by all samples. A rare feature would seem never to be absorbed: divide by "
            "the samples that hold it.",
        ),
        Mistake(
            silent_is_enough,
            "A silent main latent is not enough: perhaps the SAE has missed the feature. It is "
            "absorbed only where others write it.",
        ),
        Mistake(
            rebuilt_is_enough,
            "You count features that are rebuilt, by whomever. Where the main latent is on, all is "
            "well: it must be silent.",
        ),
        Mistake(
            absent_ones_too,
            "You count samples in which the feature is absent. What is not there cannot be "
            "absorbed.",
        ),
        Mistake(
            all_of_its_strength,
            "You ask for the whole strength. Half of it counts: an absorber seldom writes all.",
        ),
        Mistake(
            at_least_a_half,
            "You compare with 0.5. Asked is half of the feature's strength in that sample.",
        ),
        Mistake(
            anything_written,
            "You count any trace. At least half of the feature's strength must be written.",
        ),
        Mistake(counted, "These are counts. Divide by the number of samples with the feature."),
        Mistake(
            by_dot_product,
            "You chose main latents by dot product, which prefers long rows. Compare directions: "
            "`main_latents` does.",
        ),
        Mistake(
            by_absolute_cosine,
            "You chose main latents by the absolute cosine. A row that points backwards cannot "
            "stand for the feature: `main_latents` looks at the sign.",
        ),
        Mistake(
            features_for_latents,
            "`main_latents` got its arguments the other way round, and found a feature for each "
            "latent. Features come first: `main_latents(directions, W_dec)`.",
        ),
        Mistake(
            strongest_writer,
            "You looked for one latent that writes half by itself. Several can do it together: "
            "add up what they write.",
        ),
        Mistake(
            rows_made_unit,
            "You scaled the rows before you looked at what is written. A latent writes its value "
            "times its row, as long as the row is.",
        ),
        Mistake(main_one_is_on, "The wrong way round: you count samples whose main latent is on."),
        Mistake(
            first_latents,
            "You took latent i for feature i. Which latent stands for a feature is for "
            "`main_latents` to say.",
        ),
        Mistake(
            of_the_silent_ones,
            "You divided by the samples in which the main latent is silent. Divide by all that "
            "hold the feature.",
        ),
        Mistake(one_number, "You have one number for all features. Give one for each."),
        Mistake(
            missed_instead,
            "You count features that are *not* rebuilt. Those are missed; absorbed ones are "
            "rebuilt, by others.",
        ),
        Mistake(
            a_sign_ignored,
            "You took the absolute value of what is written. Writing the opposite of a feature "
            "does not rebuild it.",
        ),
    ),
    alternatives=(main_one_taken_out, with_means, in_loops),
    why="It is how you catch a latent that looks clean on every sample it fires on, and is wrong "
    "on those where it is silent.",
)
