from __future__ import annotations

import json

import pytest
import torch

from saeedu.activation_sources import IdentityError, InMemorySource, check_identity
from saeedu.activations import shuffled_batches


def test_the_order_is_that_of_shuffled_batches_so_old_results_stay() -> None:
    x = torch.randn(23, 3, generator=torch.Generator().manual_seed(1))
    source = InMemorySource(x, seed=5)
    batches = shuffled_batches(x, 4, torch.Generator().manual_seed(5))
    for _ in range(17):  # over three passes
        assert torch.equal(source.next_batch(4), next(batches))


@pytest.mark.parametrize("n_before", [0, 2, 5, 11])
def test_a_restored_source_goes_on_exactly(n_before: int) -> None:
    x = torch.arange(46.0).view(23, 2)
    source = InMemorySource(x, seed=5)
    for _ in range(n_before):
        source.next_batch(4)
    state = source.state()
    expected = [source.next_batch(4) for _ in range(12)]
    fresh = InMemorySource(x, seed=99)
    fresh.next_batch(4)
    fresh.restore(state)
    assert all(torch.equal(fresh.next_batch(4), batch) for batch in expected)


def test_the_state_is_small_however_many_rows_there_are() -> None:
    state = InMemorySource(torch.zeros(100_000, 1), seed=0).state()
    sizes = [value.nbytes if isinstance(value, torch.Tensor) else 8 for value in state.values()]
    assert sum(sizes) < 10_000  # the order alone would be 800,000 bytes


def test_a_batch_larger_than_the_data_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size is 5, but there are 4"):
        InMemorySource(torch.zeros(4, 2), seed=0).next_batch(5)
    with pytest.raises(ValueError, match=r"must be \[n, d_in\], but it is \[0, 2\]"):
        InMemorySource(torch.zeros(0, 2), seed=0)


def test_one_changed_number_changes_the_identity() -> None:
    x = torch.randn(10, 3)
    identity = InMemorySource(x, 0, {"hook": "blocks.1.hook_resid_pre"}).identity()
    assert json.loads(json.dumps(identity)) == identity
    assert identity == InMemorySource(x.clone(), 0, {"hook": "blocks.1.hook_resid_pre"}).identity()
    y = x.clone()
    y[9, 2] += 1e-3
    other = InMemorySource(y, 0, {"hook": "blocks.1.hook_resid_pre"}).identity()
    assert {name for name in identity if identity[name] != other[name]} == {
        "activations_fingerprint"
    }


def test_a_mismatch_names_the_field_and_both_values() -> None:
    saved = {"model": "gpt2", "hook": "blocks.8.hook_resid_pre"}
    check_identity(saved, dict(saved), "the checkpoint runs/3", "Train afresh.")
    with pytest.raises(
        IdentityError, match=r"the checkpoint runs/3 .* its model is 'gpt2', here"
    ) as e:
        check_identity(
            saved, {**saved, "model": "smollm2"}, "the checkpoint runs/3", "Train afresh."
        )
    assert str(e.value).endswith("'smollm2'. Train afresh.")
    with pytest.raises(IdentityError, match="its seed is None, here it is 3"):
        check_identity(saved, {**saved, "seed": 3}, "it", "")
    with pytest.raises(
        IdentityError, match=r"its hook is 'blocks.8.hook_resid_pre', here it is None"
    ):
        check_identity(saved, {"model": "gpt2"}, "it", "")
