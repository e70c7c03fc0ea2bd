"""Exercise 06.fold_into_weights: units and row lengths, put where they do no harm."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Check, Exercise, Mistake
from saeedu.numpy_training import Parameters
from saeedu.sae.top_k_by_hand import fold_into_weights


def scale_alone(W_enc, b_enc, W_dec, b_dec, scale):
    return W_enc, b_enc / scale, W_dec, b_dec / scale


def norms_alone(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    return W_enc * norms, b_enc * norms, W_dec / norms[:, None], b_dec


def scale_the_wrong_way(W_enc, b_enc, W_dec, b_dec, scale):
    return fold_into_weights(W_enc, b_enc, W_dec, b_dec, 1 / scale)


def norms_the_wrong_way(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    return W_enc / norms, b_enc / norms / scale, W_dec / norms[:, None], b_dec / scale


def encoder_without_norms(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    return W_enc, b_enc / scale, W_dec / norms[:, None], b_dec / scale


def b_enc_without_norms(W_enc, b_enc, W_dec, b_dec, scale):
    new = fold_into_weights(W_enc, b_enc, W_dec, b_dec, scale)
    return new[0], b_enc / scale, *new[2:]


def b_enc_without_scale(W_enc, b_enc, W_dec, b_dec, scale):
    new = fold_into_weights(W_enc, b_enc, W_dec, b_dec, scale)
    return new[0], new[1] * scale, *new[2:]


def b_dec_without_scale(W_enc, b_enc, W_dec, b_dec, scale):
    return *fold_into_weights(W_enc, b_enc, W_dec, b_dec, scale)[:3], b_dec


def everything_divided(W_enc, b_enc, W_dec, b_dec, scale):
    new = fold_into_weights(W_enc, b_enc, W_dec, b_dec, scale)
    return new[0] / scale, new[1], new[2] / scale, new[3]


def encoder_divided(W_enc, b_enc, W_dec, b_dec, scale):
    new = fold_into_weights(W_enc, b_enc, W_dec, b_dec, scale)
    return new[0] / scale, *new[1:]


def decoder_divided(W_enc, b_enc, W_dec, b_dec, scale):
    new = fold_into_weights(W_enc, b_enc, W_dec, b_dec, scale)
    return *new[:2], new[2] / scale, new[3]


def sums_of_sizes(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.abs().sum(dim=1)
    return W_enc * norms, b_enc * norms / scale, W_dec / norms[:, None], b_dec / scale


def latents_in_old_units(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    return scale * W_enc * norms, b_enc * norms, W_dec / norms[:, None] / scale, b_dec / scale


def output_not_divided(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    return scale * W_enc * norms, b_enc * norms, W_dec / norms[:, None], b_dec / scale


def output_and_b_dec_not_divided(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    return scale * W_enc * norms, b_enc * norms, W_dec / norms[:, None], b_dec


def encoder_scaled(W_enc, b_enc, W_dec, b_dec, scale):
    new = fold_into_weights(W_enc, b_enc, W_dec, b_dec, scale)
    return scale * new[0], *new[1:]


def lengths_of_columns(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=0)
    return W_enc * norms[:, None], b_enc / scale, W_dec / norms, b_dec / scale


def one_length_for_each_dimension(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=0)
    return W_enc * norms, b_enc * norms / scale, W_dec / norms[:, None], b_dec / scale


def encoders_rows_multiplied(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1, keepdim=True)
    return W_enc * norms, b_enc * norms / scale, W_dec / norms, b_dec / scale


def lengths_of_the_encoder(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_enc.norm(dim=0)
    return W_enc / norms, b_enc / norms / scale, W_dec * norms[:, None], b_dec / scale


def one_length_for_all(W_enc, b_enc, W_dec, b_dec, scale):
    norm = W_dec.norm()
    return W_enc * norm, b_enc * norm / scale, W_dec / norm, b_dec / scale


def squared_lengths(W_enc, b_enc, W_dec, b_dec, scale):
    norms = (W_dec**2).sum(dim=1)
    return W_enc * norms, b_enc * norms / scale, W_dec / norms[:, None], b_dec / scale


def rows_not_broadcast(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    return W_enc * norms, b_enc * norms / scale, W_dec / norms, b_dec / scale


def changed_in_place(W_enc, b_enc, W_dec, b_dec, scale):
    norms = W_dec.norm(dim=1)
    W_enc *= norms
    b_enc *= norms / scale
    W_dec /= norms[:, None]
    b_dec /= scale
    return W_enc, b_enc, W_dec, b_dec


def in_two_steps(W_enc, b_enc, W_dec, b_dec, scale):
    b_enc, b_dec = b_enc / scale, b_dec / scale
    lengths = (W_dec * W_dec).sum(dim=1, keepdim=True).sqrt()
    return [W_enc * lengths.T, b_enc * lengths.flatten(), W_dec / lengths, b_dec]


def latent_by_latent(W_enc, b_enc, W_dec, b_dec, scale):
    new_enc, new_b, new_dec = W_enc.clone(), b_enc.clone(), W_dec.clone()
    for j, row in enumerate(W_dec):
        length = float(row @ row) ** 0.5
        new_enc[:, j] *= length
        new_b[j] *= length / scale
        new_dec[j] /= length
    return new_enc, new_b, new_dec, b_dec / scale


def by_diagonal_matrices(W_enc, b_enc, W_dec, b_dec, scale):
    D = W_dec.norm(dim=1).diag()
    return W_enc @ D, D @ b_enc / scale, D.inverse() @ W_dec, b_dec / scale


EXERCISE = Exercise(
    id="06.fold_into_weights",
    title="Fold the scale and the lengths away",
    reference=fold_into_weights,
    minutes=15,
    difficulty=3,
    hints=(
        "Take the two foldings one at a time. For the scale: write the pre-activations of the old "
        "SAE on `scale * x`, and divide them by `scale`. Which of the four parameters has changed?",
        "(scale x - b_dec) W_enc + b_enc, divided by scale, is (x - b_dec/scale) W_enc + "
        "b_enc/scale. For the lengths: divide each decoder row by its length. What must happen to "
        "the latent, so that their product stays?",
        "The latent has to grow by the row's length, so its whole pre-activation does: its column "
        "of `W_enc` and its entry of `b_enc` are multiplied by `norms = W_dec.norm(dim=1)`. The "
        "biases are divided by the scale besides.",
    ),
    check=Check(
        draws.trained_weights,
        tested="three SAEs with rows of many lengths, scales below and above 1",
        parts=Parameters._fields,
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            scale_alone,
            "The scale is folded, the lengths are not: the new decoder's rows should have length "
            "one.",
        ),
        Mistake(
            norms_alone,
            "The lengths are folded, the scale is not. On x the pre-activations are 1 / scale "
            "times what they were on `scale * x`, so the biases have to be divided by the scale.",
        ),
        Mistake(
            scale_the_wrong_way,
            "You multiplied the biases by the scale: divide by it. The old SAE saw `scale * x`; "
            "on x itself the pre-activations are 1 / scale times the old.",
        ),
        Mistake(
            norms_the_wrong_way,
            "You divided the encoder by the lengths too. A row that is divided needs a latent that "
            "is multiplied, or their product changes.",
        ),
        Mistake(
            encoder_without_norms,
            "The rows have length one now, but the latents did not grow in return: the "
            "reconstruction changes. Multiply `W_enc` and `b_enc` by the lengths.",
        ),
        Mistake(
            b_enc_without_norms,
            "`W_enc` is multiplied by the lengths and `b_enc` is not. The whole pre-activation has "
            "to grow.",
        ),
        Mistake(
            b_enc_without_scale,
            "`b_enc` is a part of the pre-activations, and the new ones are 1 / scale times the "
            "old: divide it by the scale too.",
        ),
        Mistake(
            b_dec_without_scale,
            "`b_dec` stands in the units of the activations, and the new ones, x, are 1 / scale "
            "times the old, `scale * x`: divide it by the scale.",
        ),
        Mistake(
            everything_divided,
            "You divided the weights by the scale too. A weight is a ratio of two numbers in the "
            "same units: only biases carry units.",
        ),
        Mistake(
            encoder_divided,
            "You divided `W_enc` by the scale too. It turns activations into latents in the same "
            "units: only biases carry units.",
        ),
        Mistake(
            decoder_divided,
            "You divided `W_dec` by the scale too, so its rows do not have length one. It turns "
            "latents into activations in the same units: only biases carry units.",
        ),
        Mistake(
            sums_of_sizes,
            "You measured the rows by the sum of absolute values. Length is Euclidean.",
        ),
        Mistake(
            latents_in_old_units,
            "The reconstruction is right, but the decoder's rows have length 1 / scale, and the "
            "latents still carry the old units. Rows of length one are asked for.",
        ),
        Mistake(
            output_not_divided,
            "The latents are those of the old SAE, and so is the size of what they add up to: the "
            "output still has to be divided by the scale. With rows of length one, the latents "
            "must take that division: `W_enc` without the scale, `b_enc` divided by it.",
        ),
        Mistake(
            output_and_b_dec_not_divided,
            "You folded the scale into the encoder alone, so what comes out rebuilds `scale * x`. "
            "Divide the pre-activations by the scale, and `b_dec` with them: `W_enc` keeps no "
            "scale, and both biases are divided by it.",
        ),
        Mistake(
            encoder_scaled,
            "You multiplied `W_enc` by the scale as well. Then the pre-activations' two parts are "
            "in different units. Divide the biases by it; leave the weights.",
        ),
        Mistake(
            lengths_of_columns,
            "You took lengths along the wrong axis: each latent has a *row* of the decoder.",
        ),
        Mistake(
            one_length_for_each_dimension,
            "`W_dec.norm(dim=0)` has one length for each of the d_in dimensions. Each latent has a "
            "*row* of the decoder: `dim=1` gives d_sae lengths.",
        ),
        Mistake(
            encoders_rows_multiplied,
            "The lengths are right for the decoder, whose *rows* belong to latents. In `W_enc` "
            "[d_in, d_sae] it is the columns: multiply by norms of shape [d_sae], without a second "
            "axis.",
        ),
        Mistake(
            lengths_of_the_encoder,
            "You gave the encoder's columns length one. It is the decoder's rows that should have "
            "it.",
        ),
        Mistake(
            one_length_for_all,
            "`W_dec.norm()` without `dim` is one number for the whole matrix. Every row has its "
            "own length.",
        ),
        Mistake(
            squared_lengths,
            "These are squared lengths: take the root.",
        ),
        Mistake(
            rows_not_broadcast,
            "[d_sae, d_in] divided by [d_sae] does not broadcast: the lengths need a second axis, "
            "`norms[:, None]`.",
        ),
        Mistake(
            changed_in_place,
            "Right numbers, but `*=` and `/=` write into the caller's weights. Make new ones.",
        ),
    ),
    alternatives=(in_two_steps, latent_by_latent, by_diagonal_matrices),
    why="A folded SAE takes activations as the model makes them, and its latents can be compared.",
)
