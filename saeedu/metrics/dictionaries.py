"""How far two dictionaries agree: an SAE with the truth, or with an SAE of another seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from saeedu.matching import hungarian_match
from saeedu.shapes import shaped


@shaped(features="n_features d", dictionary="n_rows d")
def mmcs(features: Tensor, dictionary: Tensor, chunk: int = 1_024) -> float:
    """Mean max cosine similarity: for every feature the cosine of its best match, averaged.

    Not symmetric. A row of zeros is similar to nothing.

    **Arguments:** `features` [n_features, d]; `dictionary` [n_rows, d]; `chunk`, features at a
    time: the table of all cosines is never in memory.
    **Returns:** a number, at most 1.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Sharkey, Braun and Millidge (2022).
    """
    rows = normalize(dictionary.detach(), dim=1)
    best = [
        (normalize(part, dim=1) @ rows.T).amax(dim=1) for part in features.detach().split(chunk)
    ]
    return torch.cat(best).double().mean().item()


@dataclass(frozen=True)
class Agreement:
    """How far two dictionaries agree."""

    mmcs_of_first: float
    """Of each row of the first, the best cosine among the second's, averaged: what of the first
    is found in the second."""
    mmcs_of_second: float
    """The other way round: what of the second is found in the first."""
    matched: float
    """The mean cosine when every row has one partner at most, and the whole fits as well as it
    can. Unlike the others it does not count one row twice."""
    partner: NDArray[np.int_]
    """For each row of the first its partner in the second, or -1: [n_first]."""


@shaped(first="n_first d", second="n_second d")
def agreement(first: Tensor, second: Tensor) -> Agreement:
    """Compare the rows of two dictionaries by their directions.

    The matching needs the table of all cosines, and time that grows with the cube of its sides.

    **Arguments:** `first` [n_first, d]; `second` [n_second, d]: decoders, or true features.
    **Returns:** an `Agreement`.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Sharkey, Braun and Millidge (2022) for MMCS; Paulo and Belrose (2025) match the
    latents of two seeds with the Hungarian algorithm (Kuhn 1955).
    """
    cosines = normalize(first.detach(), dim=1) @ normalize(second.detach(), dim=1).T
    table = cosines.double().cpu().numpy()
    partner = hungarian_match(table)
    paired = np.flatnonzero(partner >= 0)
    return Agreement(
        mmcs_of_first=float(table.max(axis=1).mean()),
        mmcs_of_second=float(table.max(axis=0).mean()),
        matched=float(table[paired, partner[paired]].mean()),
        partner=partner,
    )
