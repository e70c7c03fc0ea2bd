"""Which latents are active, found a few samples at a time: the dense product is never kept."""

from __future__ import annotations

import torch
from torch import Tensor

from saeedu.products import affine
from saeedu.sae.sparse import ActiveLatents, pre_act_chunks

# Above this fraction of active latents the dense products are faster than lists of the active
# ones. `python -m benchmarks.crossover` measures it: about .17 at 4,096 latents, whose weights stay
# in the cache, and .07 at 16,384.
DENSE_ABOVE = 0.07

# Columns in a group when the largest are sought, and from how many columns a winner that pays.
GROUP_SIZE = 16
WORTH_GROUPING = 64

# From how many samples the batch's k-th largest pre-activation is guessed, and how generously.
SAMPLES_TO_GUESS_FROM = 64
CANDIDATES_PER_WINNER = 2


def select_top_k(x_centred: Tensor, W_enc: Tensor, b_enc: Tensor, k: int) -> ActiveLatents:
    """The k largest pre-activations of each sample.

    **Arguments:** `x_centred` [batch, d_in], which is x - b_dec; `W_enc` [d_in, d_sae]; `b_enc`
    [d_sae]; `k`, at most d_sae.
    **Returns:** `ActiveLatents` with batch x k entries, without gradients. Values can be negative:
    the ReLU is still to come.
    """
    batch, d_sae = len(x_centred), W_enc.shape[1]
    values = x_centred.new_empty(batch, k)
    columns = torch.empty(batch, k, dtype=torch.int64, device=x_centred.device)
    for start, pre_acts in pre_act_chunks(x_centred, W_enc, b_enc):
        some = slice(start, start + len(pre_acts))
        values[some], columns[some] = largest_in_rows(pre_acts, k)
    rows = torch.arange(batch, device=x_centred.device).repeat_interleave(k)
    return ActiveLatents(values.flatten(), rows, columns.flatten(), batch, d_sae)


def largest_in_rows(numbers: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest numbers of each row and their columns, in any order, as `torch.topk`.

    Columns are put into groups. A winner is the maximum of its group or smaller than it, so the k
    winners are in the k groups whose maxima are largest: `topk` has to sort out the maxima and
    then those groups, which together are far fewer numbers than the row.

    **Arguments:** `numbers` [batch, n]; `k`, at most n.
    **Returns:** values and columns, both [batch, k].
    """
    n = numbers.shape[1]
    n_groups = n // GROUP_SIZE
    n_grouped = n_groups * GROUP_SIZE
    if n < WORTH_GROUPING * k:
        return numbers.topk(k, dim=1, sorted=False)
    # Group j is the columns j, j + n_groups, j + 2 n_groups, ...: maxima are taken row by row.
    groups = numbers[:, :n_grouped].view(-1, GROUP_SIZE, n_groups)
    chosen = groups.amax(dim=1).topk(k, dim=1, sorted=False).indices
    candidates = groups.gather(2, chosen[:, None].expand(-1, GROUP_SIZE, -1)).flatten(1)
    candidates = torch.cat([candidates, numbers[:, n_grouped:]], dim=1)  # the odd ones out
    values, places = candidates.topk(k, dim=1, sorted=False)
    group = chosen.gather(1, places % k)
    columns = torch.div(places, k, rounding_mode="floor") * n_groups + group
    return values, torch.where(
        places < GROUP_SIZE * k, columns, places - GROUP_SIZE * k + n_grouped
    )


def select_above(
    x_centred: Tensor,
    W_enc: Tensor,
    b_enc: Tensor,
    floor: float | Tensor,
    give_up_at: float = 1.0,
) -> ActiveLatents | None:
    """All pre-activations above a floor, unless they are too many to be worth a list.

    **Arguments:** as for `select_top_k`; `floor`, a number or one for each latent [d_sae];
    `give_up_at`, the fraction of all pre-activations above which a list does not pay.
    **Returns:** `ActiveLatents` without gradients; None when a chunk holds more than that.
    """
    batch, d_sae = len(x_centred), W_enc.shape[1]
    values, places = [], []
    for start, pre_acts in pre_act_chunks(x_centred, W_enc, b_enc):
        found = (pre_acts > floor).flatten().nonzero()[:, 0]
        if len(found) > give_up_at * pre_acts.numel():
            return None
        values.append(pre_acts.flatten()[found])
        places.append(found + start * d_sae)
    place = torch.cat(places)
    rows = torch.div(place, d_sae, rounding_mode="floor")
    return ActiveLatents(torch.cat(values), rows, place - rows * d_sae, batch, d_sae)


def select_batch_top_k(x_centred: Tensor, W_enc: Tensor, b_enc: Tensor, k: int) -> ActiveLatents:
    """The batch x k largest positive pre-activations of the whole batch, wherever they are.

    A floor guessed from some samples leaves about twice as many candidates as winners, and the
    winners are found among those. When the guess was too high, everything positive is a candidate:
    the answer is exact either way.

    **Arguments:** as for `select_top_k`; `k`, the mean number per sample.
    **Returns:** `ActiveLatents` without gradients; fewer than batch x k entries when there are
    fewer positive pre-activations.
    """
    n_winners = len(x_centred) * k
    floor = _guessed_floor(x_centred, W_enc, b_enc, k)
    candidates = select_above(x_centred, W_enc, b_enc, floor)
    if floor > 0 and (candidates is None or len(candidates.values) < n_winners):
        candidates = select_above(x_centred, W_enc, b_enc, 0.0)
    assert candidates is not None  # select_above gives up only when it is told to
    if len(candidates.values) <= n_winners:
        return candidates
    winners = candidates.values.topk(n_winners, sorted=False).indices
    return candidates.at(winners.sort().values)  # rows rise again


def _guessed_floor(x_centred: Tensor, W_enc: Tensor, b_enc: Tensor, k: int) -> float:
    every = max(1, len(x_centred) // SAMPLES_TO_GUESS_FROM)
    samples = x_centred[::every]
    n_candidates = len(samples) * k * CANDIDATES_PER_WINNER
    if n_candidates >= len(samples) * W_enc.shape[1]:
        return 0.0
    pre_acts = affine(samples, W_enc, b_enc).flatten()
    return max(0.0, pre_acts.topk(n_candidates, sorted=False).values.min().item())
