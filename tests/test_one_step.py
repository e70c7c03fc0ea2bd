"""The step of chapter 09 is the step of `train`."""

from __future__ import annotations

import pytest
import torch

from saeedu.activation_sources import InMemorySource
from saeedu.activations import normalising_constant
from saeedu.one_step import take_step
from saeedu.sae import SAE, ReLUSAE, TopKSAE
from saeedu.training import TrainConfig, train


@pytest.mark.parametrize("architecture", [TopKSAE, ReLUSAE])
def test_a_loop_around_it_gives_the_weights_of_train_bit_by_bit(architecture: type[SAE]) -> None:
    x = 5 * torch.randn(90, 6, generator=torch.Generator().manual_seed(0)) + 3
    config = TrainConfig(
        n_steps=8, batch_size=20, lr=1e-2, lr_warmup_steps=3, l1_warmup_steps=4, lr_decay_steps=3,
        max_grad_norm=0.5,
    )  # fmt: skip
    settings = {"k": 4} if architecture is TopKSAE else {"l1_coefficient": 0.3}
    theirs, ours = (architecture(d_in=6, d_sae=16, seed=1, **settings) for _ in range(2))
    history = train(theirs, x, config)

    scale = normalising_constant(x)
    ours.start_from_mean(x)
    ours.rescale(scale)
    optimizer = torch.optim.Adam(ours.parameters(), lr=config.lr, fused=True)
    source = InMemorySource(x, config.seed)
    losses = [
        take_step(ours, optimizer, source.next_batch(20), scale, config, step).total.item()
        for step in range(config.n_steps)
    ]
    ours.rescale(1 / scale)
    ours.fold_decoder_norms()
    assert losses == history.total
    for name, tensor in ours.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name]), name
