"""Stacks: npy files of many pictures, read one picture at a time and never whole."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import Num

from gisr.errors import FileFormatError
from gisr.io.files import check_readable, typed_errors
from gisr.io.limits import DEFAULT_LIMITS, Limits, check_picture


@dataclass(frozen=True)
class Stack:
    """An npy file whose first axis counts pictures; only its header has been read."""

    path: Path
    shape: tuple[int, ...]
    """(pictures, H, W) or (pictures, H, W, channels); (pictures, numbers) for a table."""

    def __len__(self) -> int:
        """Return how many pictures the file holds."""
        return self.shape[0]

    def read(self, index: int) -> Num[np.ndarray, "..."]:
        """Return a copy of one picture, in the type on disk.

        Raises:
            FileFormatError: The file is gone or damaged, or has changed since it was opened.
        """
        stored = _map(self.path)
        if stored.shape != self.shape:
            raise FileFormatError(
                f"{self.path}: is now {stored.shape}, was {self.shape}: read the folder again"
            )
        return np.array(stored[index])


def open_stack(path: str | PathLike[str], limits: Limits = DEFAULT_LIMITS) -> Stack:
    """Open an npy file of two to four axes, the first of which counts pictures.

    Args:
        path: The file; pickled objects are refused.
        limits: What one picture may claim; the stack may be as large as its file.

    Raises:
        FileFormatError: Missing, damaged, shorter than its header claims, or not real numbers.
        LimitError: One picture claims more than the limits.
    """
    stored = _map(Path(path))
    if stored.dtype.kind not in "iuf" or not 2 <= stored.ndim <= 4 or not stored.size:
        raise FileFormatError(
            f"{path}: an array {stored.shape} of {stored.dtype}: a stack of pictures is (N, H, W) "
            "or (N, H, W, channels) of real numbers"
        )
    height, width, bands = (*stored.shape[1:], 1, 1)[:3]
    size = stored.dtype.itemsize
    check_picture(path, limits, height=height, width=width, bands=bands, itemsize=size)
    return Stack(Path(path), stored.shape)


def _map(path: Path) -> np.memmap:
    found = check_readable(path)
    with typed_errors(path, "cannot be read as npy"):
        return np.lib.format.open_memmap(found, mode="r")
