"""npy files of many pictures: one is read at a time."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gisr.errors import FileFormatError, GisrError, LimitError
from gisr.io.arrays.npy_stack import open_stack
from gisr.io.limits import Limits


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 2), (2, 7)])
@pytest.mark.parametrize("arrange", [np.ascontiguousarray, np.asfortranarray])
def test_pictures_come_as_they_were_written(
    tmp_path: Path, shape: tuple[int, ...], arrange: Callable[[np.ndarray], np.ndarray]
) -> None:
    stored = arrange(np.random.default_rng(0).uniform(size=shape).astype(np.float32))
    np.save(tmp_path / "stack.npy", stored)
    stack = open_stack(tmp_path / "stack.npy")
    assert (len(stack), stack.shape) == (shape[0], shape)
    for index in range(shape[0]):
        picture = stack.read(index)
        assert picture.dtype == np.float32 and type(picture) is np.ndarray
        np.testing.assert_array_equal(picture, stored[index])


def test_a_stack_is_never_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "stack.npy"
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(1000, 300, 400))
    written[999] = 7
    del written
    tracemalloc.start()
    try:
        assert (open_stack(path).read(999) == 7).all()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1e6 < path.stat().st_size / 100


def test_what_is_no_stack_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stack.npy"
    with pytest.raises(FileFormatError, match="no such file"):
        open_stack(path)
    np.save(path, np.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match=r"stack\.npy"):
        open_stack(path)
    for array in (np.zeros(3), np.zeros((1, 2, 3, 4, 5)), np.zeros((2, 3, 3), complex)):
        np.save(path, array)
        with pytest.raises(FileFormatError, match="a stack of pictures is"):
            open_stack(path)
    for empty in (np.zeros((0, 3, 3)), np.zeros((3, 0, 3))):
        np.save(path, empty)
        with pytest.raises(FileFormatError):
            open_stack(path)
    path.write_bytes(b"\x93NUMPY nothing that follows is right")
    with pytest.raises(FileFormatError, match="cannot be read as npy"):
        open_stack(path)


def test_a_file_that_was_cut_or_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stack.npy"
    np.save(path, np.zeros((4, 8, 8)))
    stack = open_stack(path)
    np.save(path, np.zeros((3, 8, 8)))
    with pytest.raises(FileFormatError, match="is now"):
        stack.read(0)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileFormatError, match="cannot be read as npy"):
        open_stack(path)


def test_the_claim_of_one_picture_is_checked(tmp_path: Path) -> None:
    np.save(tmp_path / "stack.npy", np.zeros((4, 8, 8), np.uint8))
    assert len(open_stack(tmp_path / "stack.npy", Limits(max_pixels=64))) == 4
    with pytest.raises(LimitError, match="64 pixels"):
        open_stack(tmp_path / "stack.npy", Limits(max_pixels=63))
    assert issubclass(LimitError, GisrError)
