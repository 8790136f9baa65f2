"""How much the page keeps on disk."""

import errno
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gisr.apps.web.allowed import RefusedError
from gisr.temporaries import discard, write_error

BLOCK = 4096
"""Bytes that the smallest file takes of a disk."""


class Store:
    """The folder of all files that the server keeps, of a bounded size; threads may share it."""

    def __init__(self, root: Path, most: int) -> None:
        """Bound a folder.

        Args:
            root: Holds nothing but what the server keeps.
            most: Bytes that all clients together may store.
        """
        self.root, self._most = root, most
        self._lock = threading.Lock()
        self._arriving = 0
        self._uploads = 0

    @contextmanager
    def reserved(self, size: int) -> Iterator[None]:
        """Keep room for an upload while it arrives; what is left of one that was cut off goes.

        Raises:
            RefusedError: There is none.
        """
        with self._lock:
            if self._arriving + size > shutil.disk_usage(self.root).free:
                raise self.refused(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            if stored_bytes([self.root]) + self._arriving + size > self._most:
                raise RefusedError(
                    413,
                    f"no room for {size / 1e6:.4g} MB: all pages together may store "
                    f"{self._most / 1e6:.4g} MB here (--max-stored): delete files, or wait until "
                    "others are deleted",
                )
            self._arriving += size
            self._uploads += 1
        try:
            yield
        finally:
            with self._lock:
                self._arriving -= size
                self._uploads -= 1
                if not self._uploads:
                    self._discard_parts()

    def refused(self, error: OSError) -> RefusedError:
        """Return what to answer when the system stores no more."""
        return RefusedError(507, f"{write_error(self.root, error)}")

    def _discard_parts(self) -> None:
        """Delete what no upload completed: Gradio moves whole files into folders."""
        for path in self.root.iterdir():
            if path.is_file():
                discard(path)


def stored_bytes(places: Iterable[Path]) -> int:
    """Return the bytes of files and of all in folders, each once, whatever links lead to it.

    A file or folder counts as :data:`BLOCK` at least: empty ones fill a disk, too.
    """
    sizes: dict[tuple[int, int], int] = {}
    for place in places:
        for path in (place, *place.rglob("*")):
            with suppress(OSError):  # deleted meanwhile
                state = path.lstat()
                sizes[state.st_dev, state.st_ino] = max(BLOCK, state.st_size)
    return sum(sizes.values())
