"""The Matryoshka SAE: every prefix of the dictionary must rebuild the activation on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from saeedu.sae.base import LossTerms, squared_error
from saeedu.sae.batch_top_k import BatchTopKSAE
from saeedu.sae.sparse import ActiveLatents, decode_active
from saeedu.shapes import shaped


def default_widths(d_sae: int) -> tuple[int, ...]:
    """Prefixes of a sixteenth, an eighth, a quarter and a half of the dictionary, and all of it."""
    return tuple(sorted({max(1, d_sae // part) for part in (16, 8, 4, 2, 1)}))


@shaped(latents="batch d_sae", W_dec="d_sae d_in", b_dec="d_in", x="batch d_in")
def prefix_losses(
    latents: Tensor, W_dec: Tensor, b_dec: Tensor, x: Tensor, widths: Sequence[int]
) -> Tensor:
    """How badly each prefix of the dictionary rebuilds x on its own.

    **Arguments:** `latents` [batch, d_sae]; `W_dec` [d_sae, d_in]; `b_dec` [d_in]; `x`
    [batch, d_in]; `widths`, how many latents, from the first on, each prefix has.
    **Returns:** [len(widths)]: squared errors, summed over d_in, averaged over the batch.
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** Bussmann et al. (2025).
    """
    return torch.stack(
        [squared_error(latents[:, :width] @ W_dec[:width] + b_dec, x) for width in widths]
    )


def decode_prefixes(active: ActiveLatents, W_dec: Tensor, widths: Sequence[int]) -> Tensor:
    """What each prefix of the dictionary rebuilds, without the bias.

    Every active latent is decoded once, into the first prefix that holds it; the prefixes are
    running sums of these parts.

    **Arguments:** `active`, columns rising within each row; `W_dec` [d_sae, d_in]; `widths`,
    rising, the last d_sae.
    **Returns:** [len(widths), batch, d_in].
    **Source:** Bussmann et al. (2025), with the sums done once.
    """
    ends = torch.tensor(widths, device=active.columns.device)
    part = torch.bucketize(active.columns, ends, right=True)
    apart = active._replace(rows=active.rows * len(widths) + part, batch=active.batch * len(widths))
    parts = decode_active(apart, W_dec).view(active.batch, len(widths), -1)
    return parts.cumsum(dim=1).transpose(0, 1)


class MatryoshkaSAE(BatchTopKSAE):
    """A BatchTopK SAE whose first latents must do without the later ones.

    The loss adds up the squared errors of nested prefixes of the dictionary. A general latent that
    sits early cannot leave its special cases to a later one: the prefix would miss them.

    **Arguments:** as for `BatchTopKSAE`; `widths`, the sizes of the prefixes, rising, the last
    d_sae; by default 1/16, 1/8, 1/4, 1/2 and all of d_sae.
    **Raises:** as `BatchTopKSAE`; `ValueError` for widths that do not rise to d_sae.
    **Source:** Bussmann, Nabeshima, Karvonen and Nanda (2025), "Learning Multi-Level Features with
    Matryoshka Sparse Autoencoders".
    """

    def __init__(
        self,
        d_in: int,
        d_sae: int,
        k: int = 32,
        widths: Sequence[int] | None = None,
        k_aux: int | None = None,
        aux_coefficient: float = 1 / 32,
        dead_after: int = 100_000,
        threshold_rate: float = 0.01,
        seed: int = 0,
    ) -> None:
        super().__init__(d_in, d_sae, k, k_aux, aux_coefficient, dead_after, threshold_rate, seed)
        self.widths = default_widths(d_sae) if widths is None else tuple(widths)
        rising = all(a < b for a, b in zip(self.widths, self.widths[1:], strict=False))
        if not (self.widths and self.widths[0] >= 1 and rising and self.widths[-1] == d_sae):
            raise ValueError(
                f"widths are {list(self.widths)}, but must rise from 1 or more to d_sae, {d_sae}"
            )

    def settings(self) -> dict[str, Any]:
        """See `SAE.settings`."""
        return super().settings() | {"widths": list(self.widths)}

    def loss(self, x: Tensor, sparsity_scale: float = 1.0) -> LossTerms:
        """The sum of the prefixes' squared errors, plus AuxK's.

        **Arguments:** `x` [batch, d_in]; `sparsity_scale` is not used.
        **Returns:** `LossTerms`, with gradients: `reconstruction` is the whole dictionary's error,
        `auxiliary["prefixes"]` the sum of the shorter prefixes' errors.
        **Raises:** as `SAE.centred`.
        """
        active = self.batch_winners(x)
        rebuilt = decode_prefixes(active, self.W_dec, self.widths) + self.b_dec
        errors = torch.stack([squared_error(x_hat, x) for x_hat in rebuilt])
        terms = self.loss_terms(x, rebuilt[-1], errors[-1], active)
        inner = errors[:-1].sum()
        return terms._replace(
            total=terms.total + inner, auxiliary=terms.auxiliary | {"prefixes": inner}
        )
