"""The arithmetic of a run against the things themselves."""

from __future__ import annotations

import torch

from saeedu.run_sizes import run_sizes
from saeedu.sae import TopKSAE


def test_training_bytes_are_those_of_weights_gradients_and_adam() -> None:
    sae = TopKSAE(d_in=7, d_sae=20, k=3)
    optimizer = torch.optim.Adam(sae.parameters())
    sae.loss(torch.randn(5, 7)).total.backward()
    optimizer.step()
    held = list(sae.parameters()) + [p.grad for p in sae.parameters()]
    for state in optimizer.state.values():
        held += [state["exp_avg"], state["exp_avg_sq"]]
    expected = sum(tensor.nbytes for tensor in held if tensor is not None)
    assert run_sizes(10, 5, 1, 8, d_in=7, d_sae=20).training_bytes == expected


def test_bos_gives_no_activation_and_too_few_is_rounded_up() -> None:
    sizes = run_sizes(n_steps=3, batch_size=10, passes=4, context=5, d_in=6, d_sae=9)
    assert sizes.activations == 8  # 30 / 4, rounded up
    assert sizes.contexts == 2  # four activations each
    assert sizes.data_bytes == torch.zeros(8, 6).nbytes
    one_more = run_sizes(n_steps=3, batch_size=12, passes=4, context=5, d_in=6, d_sae=9)
    assert (one_more.activations, one_more.contexts) == (9, 3)
