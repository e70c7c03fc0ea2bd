"""Synthetic data in which features are not independent: children occur only with their parent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saeedu.data import Samples
from saeedu.shapes import Array, shaped


@shaped(parent_present="batch n_parents", draws="batch n_parents")
def present_children(
    parent_present: NDArray[np.bool_], draws: Array, n_children: int, child_probability: float
) -> NDArray[np.bool_]:
    """Which children a sample holds: of each parent that is present at most one.

    **Arguments:** `parent_present` [batch, n_parents], true or false; `draws` [batch, n_parents],
    uniform in [0, 1), one for all children of a parent; `n_children` of each parent;
    `child_probability`, p, of each child where its parent is, with n_children times p at most 1.
    **Returns:** [batch, n_parents * n_children], true or false, family by family. Child j is
    present where its parent is, and where the parent's draw lies in [j p, (j + 1) p).
    **Raises:** `ShapeError` when the axes disagree.
    **Source:** exclusive children as in the toy of Bussmann et al. (2025).
    """
    chosen = np.floor(draws / child_probability)  # n_children and above: none of them
    is_chosen = chosen[:, :, None] == np.arange(n_children)  # [batch, n_parents, n_children]
    return (is_chosen & parent_present[:, :, None]).reshape(len(draws), -1)


class HierarchicalFeatures:
    """A world of families: a child feature occurs only where its parent does.

    There are `n_parents` features with `n_children` children each, of which at most one is
    present; and `n_alone` features without family that occur as often as parents do: the controls.
    Strengths are drawn uniformly from 1 - `spread` to 1 + `spread`. All directions are orthogonal:
    nothing is in superposition, so what goes wrong here is the families' doing.

    Features are numbered parents first, then the children, family by family, then those alone.

    **Arguments:** the numbers; `d_model`, at least the number of features; `parent_probability`;
    `child_probability` of each child, given the parent; `spread`, in [0, 1); `seed` fixes both the
    directions and the stream of samples.
    **Raises:** `ValueError` for features that do not fit into d_model orthogonally, a probability
    outside (0, 1], children that are more probable than their parent, or a spread outside [0, 1).
    **Source:** after the toys of Chanin et al. (2024) and Bussmann et al. (2025).
    """

    directions: Array
    """The true features as orthonormal rows, [n_features, d_model]."""
    parent_of: NDArray[np.int_]
    """[n_features]: the index of each feature's parent, or -1."""

    def __init__(
        self,
        n_parents: int = 6,
        n_children: int = 3,
        n_alone: int = 6,
        d_model: int = 30,
        parent_probability: float = 0.15,
        child_probability: float = 0.2,
        spread: float = 0.1,
        seed: int = 0,
    ) -> None:
        n_features = n_parents * (1 + n_children) + n_alone
        if min(n_parents, n_children, n_alone) < 0 or not 1 <= n_features <= d_model:
            raise ValueError(
                f"HierarchicalFeatures: {n_features} features cannot be orthogonal in {d_model} "
                "dimensions; there must be at least one, and at most d_model"
            )
        for name, value in {"parent": parent_probability, "child": child_probability}.items():
            if not 0 < value <= 1:
                raise ValueError(
                    f"HierarchicalFeatures: {name}_probability must lie in (0, 1], not {value}"
                )
        if n_children * child_probability > 1 + 1e-12:
            raise ValueError(
                f"HierarchicalFeatures: {n_children} exclusive children cannot have a probability "
                f"of {child_probability} each: together they come to more than 1"
            )
        if not 0 <= spread < 1:
            raise ValueError(f"HierarchicalFeatures: spread must lie in [0, 1), not {spread}")
        self.n_features = n_features
        self.n_children = n_children
        self.d_model = d_model
        self.parent_probability = parent_probability
        self.child_probability = child_probability
        self.spread = spread
        self.seed = seed
        family = np.repeat(np.arange(n_parents), n_children)
        self.parent_of = np.concatenate([np.full(n_parents, -1), family, np.full(n_alone, -1)])
        self.parents = np.arange(n_parents)
        self.children = np.arange(n_parents, n_parents + len(family))
        self.alone = np.arange(n_parents + len(family), n_features)
        # Two streams, so that the directions do not depend on how many samples were drawn.
        direction_rng, self._sample_rng = np.random.default_rng(seed).spawn(2)
        orthogonal = np.linalg.qr(direction_rng.standard_normal((d_model, d_model)))[0]
        self.directions = orthogonal[:n_features]

    def sample(self, n: int) -> Samples:
        """Draw the next `n` samples of the stream.

        **Returns:** `x` [n, d_model] and the true `coefficients` [n, n_features].
        **Raises:** `ValueError` when `n` is below one.
        """
        if n < 1:
            raise ValueError(f"HierarchicalFeatures.sample: n must be at least 1, but it is {n}")
        present = self._sample_rng.random((n, self.n_features)) < self.parent_probability
        present[:, self.children] = present_children(
            present[:, self.parents],
            self._sample_rng.random((n, len(self.parents))),
            self.n_children,
            self.child_probability,
        )
        strength = self._sample_rng.uniform(1 - self.spread, 1 + self.spread, present.shape)
        coefficients = present * strength
        return Samples(coefficients @ self.directions, coefficients)
