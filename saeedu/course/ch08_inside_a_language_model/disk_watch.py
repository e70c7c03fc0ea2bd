"""Watches how an attempt puts a file onto the disk: what it renames, and what it syncs before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

SYNCS = ("fsync", "fdatasync", "sync")
RENAMES = ("replace", "rename")  # pathlib and shutil call these


class DiskWatch:
    """While it is entered, notes what is renamed to a file, and how much of it was synced.

    Only from watching can a check know what a power cut would leave: afterwards the file is whole
    either way. It watches `os`, and names that the attempt's module imported from there.
    """

    def __init__(self, file: Path, implementation: Callable[..., Any]) -> None:
        self._file = file
        self._namespaces = [vars(os), getattr(implementation, "__globals__", {})]
        self._synced: dict[tuple[int, int], int] = {}
        self._all_synced = False
        self._originals: list[tuple[dict[str, Any], str, Any]] = []
        self.renamed_from: Path | None = None
        self.bytes_when_renamed = 0
        self.bytes_synced: int | None = None
        """Of what was renamed: how long it was when it was last synced; None when it never was."""

    def __enter__(self) -> DiskWatch:
        for name in (*SYNCS, *RENAMES):
            original = getattr(os, name, None)  # Windows has no fdatasync
            if original is not None:
                spy = self._sync(original) if name in SYNCS else self._rename(original)
                for namespace, key in self._places(original):
                    self._originals.append((namespace, key, original))
                    namespace[key] = spy
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for namespace, key, original in self._originals:
            namespace[key] = original

    def _places(self, original: Any) -> Iterator[tuple[dict[str, Any], str]]:
        for namespace in self._namespaces:
            for key in [key for key, value in namespace.items() if value is original]:
                yield namespace, key

    def _sync(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def sync(*args: Any) -> Any:
            result = original(*args)
            if args:
                descriptor = args[0] if isinstance(args[0], int) else args[0].fileno()
                status = os.fstat(descriptor)
                self._synced[status.st_dev, status.st_ino] = status.st_size
            else:
                self._all_synced = True
            return result

        return sync

    def _rename(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def rename(source: Any, target: Any, **kwargs: Any) -> Any:
            if Path(target) == self._file:
                status = os.stat(source)
                self.renamed_from = Path(source)
                self.bytes_when_renamed = status.st_size
                self.bytes_synced = self._synced.get((status.st_dev, status.st_ino))
                if self._all_synced:
                    self.bytes_synced = status.st_size
            return original(source, target, **kwargs)

        return rename
