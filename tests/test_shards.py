from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from saeedu.shards import read_rows, write_shard


def test_the_file_holds_the_rows_as_float16_and_nothing_else(tmp_path: Path) -> None:
    rows = torch.randn(7, 3)
    assert write_shard(tmp_path / "a.bin", rows.split(2)) == 7
    read = np.fromfile(tmp_path / "a.bin", "<f2").reshape(7, 3)
    assert np.array_equal(read, rows.numpy().astype(np.float16))
    assert [file.name for file in tmp_path.iterdir()] == ["a.bin"]


def test_work_that_breaks_off_leaves_the_old_file_whole(tmp_path: Path) -> None:
    def broken() -> Iterator[Tensor]:
        yield torch.zeros(4, 3)
        raise KeyboardInterrupt

    old = torch.ones(5, 3)
    write_shard(tmp_path / "a.bin", [old])
    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "a.bin", broken())
    assert torch.equal(read_rows([tmp_path / "a.bin"], 3, torch.arange(5)), old)


def test_rows_come_from_the_right_file_in_the_order_asked(tmp_path: Path) -> None:
    stored = torch.arange(33.0).view(11, 3)
    files = [tmp_path / f"{i}.bin" for i in range(3)]
    for file, part in zip(files, stored.split([4, 1, 6]), strict=True):
        write_shard(file, [part])
    wanted = torch.tensor([10, 3, 4, 5, 0, 10])
    assert torch.equal(read_rows(files, 3, wanted), stored[wanted])
