"""Exercise 06.aux_k_loss: a task for the dead."""
# ruff: noqa: D103 - wrong and alternative answers are named by what they do

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from saeedu.course.ch06_from_numpy_to_pytorch import draws
from saeedu.grading.exercise import Call, Check, Exercise, Implementation, Mistake
from saeedu.sae import top_k_by_hand
from saeedu.sae.batch_top_k import batch_top_k
from saeedu.sae.top_k import top_k


def value_and_gradients(implementation: Implementation, call: Call) -> dict[str, Any]:
    """The loss, and what it sends back; where nothing comes, zeros and None are the same."""
    value = implementation(*call.args)
    _, x_hat, pre_acts, _, W_dec, _ = call.args
    number = value.sum() if isinstance(value, Tensor) else None
    leaves = {"pre_acts": pre_acts, "W_dec": W_dec, "x_hat": x_hat}
    return {"value": value} | draws.gradients_of(number, leaves)


def _loss(target: Tensor, pre_acts: Tensor, W_dec: Tensor, k: int) -> Tensor:
    return ((top_k(pre_acts, k) @ W_dec - target) ** 2).sum(dim=1).mean()


def _k(k_aux: int, dead: Tensor) -> int:
    return min(k_aux, int(dead.sum()))


def not_detached(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return _loss(x - x_hat, pre_acts[:, dead], W_dec[dead], _k(k_aux, dead))


def rebuilds_x(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return _loss(x, pre_acts[:, dead], W_dec[dead], _k(k_aux, dead))


def rebuilds_x_hat(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return _loss(x_hat.detach(), pre_acts[:, dead], W_dec[dead], _k(k_aux, dead))


def error_turned_round(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return _loss((x_hat - x).detach(), pre_acts[:, dead], W_dec[dead], _k(k_aux, dead))


def living_instead(x, x_hat, pre_acts, dead, W_dec, k_aux):
    k = min(k_aux, int((~dead).sum()))
    return _loss((x - x_hat).detach(), pre_acts[:, ~dead], W_dec[~dead], k)


def all_latents(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return _loss((x - x_hat).detach(), pre_acts, W_dec, min(k_aux, len(dead)))


def chosen_among_all(x, x_hat, pre_acts, dead, W_dec, k_aux):
    latents = top_k(pre_acts, min(k_aux, len(dead))) * dead
    return ((latents @ W_dec - (x - x_hat).detach()) ** 2).sum(dim=1).mean()


def all_the_dead(x, x_hat, pre_acts, dead, W_dec, k_aux):
    error = (x - x_hat).detach()
    return ((torch.relu(pre_acts[:, dead]) @ W_dec[dead] - error) ** 2).sum(dim=1).mean()


def negative_ones_kept(x, x_hat, pre_acts, dead, W_dec, k_aux):
    values, columns = pre_acts[:, dead].topk(_k(k_aux, dead), dim=1)
    kept = torch.zeros_like(pre_acts[:, dead]).scatter(1, columns, values)
    return ((kept @ W_dec[dead] - (x - x_hat).detach()) ** 2).sum(dim=1).mean()


def shielded_by_the_living(x, x_hat, pre_acts, dead, W_dec, k_aux):
    values, columns = (pre_acts * dead).topk(min(k_aux, len(dead)), dim=1)
    latents = torch.zeros_like(pre_acts).scatter(1, columns, values)
    return ((x - x_hat.detach() - latents @ W_dec) ** 2).sum(dim=1).mean()


def one_too_few(x, x_hat, pre_acts, dead, W_dec, k_aux):
    error = (x - x_hat).detach()
    return _loss(error, pre_acts[:, dead], W_dec[dead], _k(k_aux, dead) - 1)


def k_aux_less_one(x, x_hat, pre_acts, dead, W_dec, k_aux):
    error = (x - x_hat).detach()
    return _loss(error, pre_acts[:, dead], W_dec[dead], _k(k_aux - 1, dead))


def one_too_many(x, x_hat, pre_acts, dead, W_dec, k_aux):
    error = (x - x_hat).detach()
    return _loss(error, pre_acts[:, dead], W_dec[dead], _k(k_aux + 1, dead))


def chosen_over_the_batch(x, x_hat, pre_acts, dead, W_dec, k_aux):
    rebuilt = batch_top_k(pre_acts[:, dead], _k(k_aux, dead)) @ W_dec[dead]
    return ((rebuilt - (x - x_hat).detach()) ** 2).sum(dim=1).mean()


def first_rows_of_the_decoder(x, x_hat, pre_acts, dead, W_dec, k_aux):
    rows = W_dec[: int(dead.sum())]
    return _loss((x - x_hat).detach(), pre_acts[:, dead], rows, _k(k_aux, dead))


def decoder_detached(x, x_hat, pre_acts, dead, W_dec, k_aux):
    rows = W_dec[dead].detach()
    return _loss((x - x_hat).detach(), pre_acts[:, dead], rows, _k(k_aux, dead))


def latents_detached(x, x_hat, pre_acts, dead, W_dec, k_aux):
    kept = pre_acts[:, dead].detach()
    return _loss((x - x_hat).detach(), kept, W_dec[dead], _k(k_aux, dead))


def mean_over_dimensions(x, x_hat, pre_acts, dead, W_dec, k_aux):
    rebuilt = top_k(pre_acts[:, dead], _k(k_aux, dead)) @ W_dec[dead]
    return nn.functional.mse_loss(rebuilt, (x - x_hat).detach())


def summed_over_the_batch(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return len(x) * top_k_by_hand.aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux)


def one_number_a_sample(x, x_hat, pre_acts, dead, W_dec, k_aux):
    rebuilt = top_k(pre_acts[:, dead], _k(k_aux, dead)) @ W_dec[dead]
    return ((rebuilt - (x - x_hat).detach()) ** 2).sum(dim=1)


def plain_number(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return top_k_by_hand.aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux).item()


def everything_detached(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return top_k_by_hand.aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux).detach()


def not_squared(x, x_hat, pre_acts, dead, W_dec, k_aux):
    rebuilt = top_k(pre_acts[:, dead], _k(k_aux, dead)) @ W_dec[dead]
    return (rebuilt - (x - x_hat).detach()).norm(dim=1).mean()


def main_loss_included(x, x_hat, pre_acts, dead, W_dec, k_aux):
    loss = top_k_by_hand.aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux)
    return loss + ((x_hat - x) ** 2).sum(dim=1).mean()


def divided_by_the_error(x, x_hat, pre_acts, dead, W_dec, k_aux):
    loss = top_k_by_hand.aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux)
    return loss / ((x - x_hat).detach() ** 2).sum(dim=1).mean()


def divided_by_the_variance(x, x_hat, pre_acts, dead, W_dec, k_aux):
    loss = top_k_by_hand.aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux)
    error = (x - x_hat).detach()
    return loss / ((error - error.mean(dim=0)) ** 2).sum(dim=1).mean()


def each_sample_normalised(x, x_hat, pre_acts, dead, W_dec, k_aux):
    error = (x - x_hat).detach()
    rebuilt = top_k(pre_acts[:, dead], _k(k_aux, dead)) @ W_dec[dead]
    return (((rebuilt - error) ** 2).sum(dim=1) / (error**2).sum(dim=1)).mean()


def times_its_coefficient(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return top_k_by_hand.aux_k_loss(x, x_hat, pre_acts, dead, W_dec, k_aux) / 32


def more_than_there_are(x, x_hat, pre_acts, dead, W_dec, k_aux):
    return _loss((x - x_hat).detach(), pre_acts[:, dead], W_dec[dead], k_aux)


def with_the_living_silenced(x, x_hat, pre_acts, dead, W_dec, k_aux):
    masked = pre_acts.masked_fill(~dead, float("-inf"))
    values, columns = masked.topk(_k(k_aux, dead), dim=1)
    rebuilt = torch.einsum("bk,bkd->bd", torch.relu(values), W_dec[columns])
    with torch.no_grad():
        error = x - x_hat
    return (rebuilt - error).pow(2).sum() / len(x)


def with_the_living_at_zero(x, x_hat, pre_acts, dead, W_dec, k_aux):
    latents = top_k(torch.relu(pre_acts) * dead, min(k_aux, len(dead)))
    return ((x - x_hat.detach() - latents @ W_dec) ** 2).sum(1).mean(0)


def on_numbered_columns(x, x_hat, pre_acts, dead, W_dec, k_aux):
    where = dead.nonzero().squeeze(1)
    values, chosen = pre_acts[:, where].topk(min(k_aux, len(where)), dim=1)
    rebuilt = top_k_by_hand.decode_sparse(
        values.clamp(min=0), where[chosen], W_dec, torch.zeros_like(W_dec[0])
    )
    return torch.linalg.vector_norm(rebuilt - (x - x_hat).detach(), dim=1).square().mean()


EXERCISE = Exercise(
    id="06.aux_k_loss",
    title="A task for the dead",
    reference=top_k_by_hand.aux_k_loss,
    minutes=15,
    difficulty=3,
    hints=(
        "It is a small TopK autoencoder's loss, with three changes: its latents are the dead ones "
        "alone, its target is the error of the living, and it has no bias.",
        "`pre_acts[:, dead]` and `W_dec[dead]` are the dead latents' columns and rows. Your "
        "`top_k` chooses among them; k is `k_aux`, or the number of dead latents if that is "
        "smaller.",
        "The target is `(x - x_hat).detach()`: `detach` keeps gradients from flowing into x_hat. "
        "Then squared error, `.sum(dim=1).mean()`.",
    ),
    check=Check(
        draws.errors_and_dead,
        tested="few dead latents, many and all, more than k_aux and fewer: the loss, and three "
        "gradients",
        observe=value_and_gradients,
        rtol=draws.RTOL,
    ),
    mistakes=(
        Mistake(
            not_detached,
            "The value is right, but a gradient reaches x_hat: the living would be taught to leave "
            "errors that the dead can rebuild. Detach the error.",
        ),
        Mistake(
            rebuilds_x,
            "The dead latents rebuild x itself. Their target is what the living left over, x - "
            "x_hat.",
        ),
        Mistake(
            rebuilds_x_hat,
            "The dead latents rebuild x_hat, what is done already. Their target is what is left, "
            "x - x_hat.",
        ),
        Mistake(
            error_turned_round,
            "The target's sign is turned round: the dead latents would learn to add what is "
            "already too much. What is missing is x - x_hat.",
        ),
        Mistake(
            living_instead,
            "You used the living latents. `dead` is True for the dead.",
        ),
        Mistake(
            all_latents,
            "All latents take part. Only the dead ones should: the living have a loss of their "
            "own.",
        ),
        Mistake(
            chosen_among_all,
            "You chose the k_aux largest among *all* latents and then kept the dead ones. Dead "
            "latents lose that contest; that is why they are dead. Choose among the dead.",
        ),
        Mistake(
            all_the_dead,
            "k_aux has no effect: all dead latents take part.",
        ),
        Mistake(
            negative_ones_kept,
            "Negative pre-activations take part. These are latents: apply the ReLU, as your "
            "`top_k` does.",
        ),
        Mistake(
            shielded_by_the_living,
            "You set the living to zero and took the k_aux largest of all: where the dead are "
            "negative, zeros win places, and the rest go to negative dead ones. Apply the ReLU.",
        ),
        Mistake(
            one_too_few,
            "One dead latent too few takes part: k_aux of them, or all when there are fewer.",
        ),
        Mistake(
            k_aux_less_one,
            "You chose k_aux - 1 dead latents in each sample. It is k_aux.",
        ),
        Mistake(
            one_too_many,
            "You chose k_aux + 1 dead latents in each sample. It is k_aux.",
        ),
        Mistake(
            chosen_over_the_batch,
            "The dead latents of the whole batch compete. Here each sample chooses k_aux of its "
            "own.",
        ),
        Mistake(
            first_rows_of_the_decoder,
            "The dead latents' values meet the first rows of the decoder. They need their own: "
            "`W_dec[dead]`.",
        ),
        Mistake(
            decoder_detached,
            "The value is right, but no gradient reaches W_dec: the dead rows could never turn "
            "towards the error.",
        ),
        Mistake(
            latents_detached,
            "The value is right, but no gradient reaches the pre-activations: the encoder of a "
            "dead latent would stay as it is, and the latent dead.",
        ),
        Mistake(
            mean_over_dimensions,
            "You averaged over dimensions (`mse_loss` does). As in the rest of the loss, sum over "
            "d_in and average over samples.",
        ),
        Mistake(
            summed_over_the_batch,
            "You summed over the batch. Average over samples.",
        ),
        Mistake(
            one_number_a_sample,
            "You have one number for each sample. Average them.",
        ),
        Mistake(
            plain_number,
            "The value is right, but it is a plain number, and no gradient flows through one. "
            "Return the tensor: leave out `.item()` or `float(...)`.",
        ),
        Mistake(
            everything_detached,
            "The value is right, but no gradient comes back at all. Detach the target alone, not "
            "what the dead rebuild.",
        ),
        Mistake(
            not_squared,
            "You took the length of what is left. The loss is its square.",
        ),
        Mistake(
            main_loss_included,
            "The living's own loss is in it. This is the second loss alone; the caller adds it to "
            "the first.",
        ),
        Mistake(
            divided_by_the_error,
            "You divided by the size of the error. Gao et al. do, when they report it; here the "
            "loss stays in the units of the main one.",
        ),
        Mistake(
            divided_by_the_variance,
            "You divided by the variance of the error. Gao et al. normalise; here the loss stays "
            "in the units of the main one.",
        ),
        Mistake(
            each_sample_normalised,
            "You divided each sample's loss by the size of its error. Here the loss stays in the "
            "units of the main one: a mean over samples, no more.",
        ),
        Mistake(
            times_its_coefficient,
            "You multiplied by 1/32. The coefficient is the caller's business.",
        ),
        Mistake(
            more_than_there_are,
            "When fewer latents are dead than k_aux, there are not k_aux to choose: take the "
            "smaller of the two.",
        ),
    ),
    alternatives=(with_the_living_silenced, with_the_living_at_zero, on_numbered_columns),
    why="Dead latents have no gradient, so no loss on the living can wake them. This one can.",
)
