"""HDF5 files: what is read from them, and what is refused."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gisr.errors import FileFormatError, LimitError, MissingExtraError
from gisr.io.arrays.hdf5 import hdf5_shapes, read_hdf5
from gisr.io.limits import Limits

h5py = pytest.importorskip("h5py")

Bound = Callable[[float], AbstractContextManager[None]]
VALUES = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


def save(path: Path, values: Any = VALUES, **options: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("ms", data=values, **options)
    return path


@pytest.mark.parametrize("dtype", ["uint8", "<u2", ">u2", "int32", "<f4", ">f8"])
@pytest.mark.parametrize("options", [{}, {"chunks": (1, 3, 4, 5), "compression": "gzip"}])
def test_values_whole_and_by_item(tmp_path: Path, dtype: str, options: dict[str, Any]) -> None:
    path = save(tmp_path / "é 影像.h5", VALUES.astype(dtype), **options)
    assert hdf5_shapes(path) == {"ms": (2, 3, 4, 5)}
    whole, item = read_hdf5(path, "ms"), read_hdf5(path, "ms", 1)
    np.testing.assert_array_equal(whole, VALUES)
    np.testing.assert_array_equal(item, VALUES[1])
    assert whole.dtype == item.dtype == np.dtype(dtype).newbyteorder("=")


def test_numbers_alone_are_arrays(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["ratio"] = 4.0
        file["words"] = ["a", "b"]
        file["flags"] = np.ones(3, bool)
        file["complex"] = np.ones(3, complex)
        file["references"] = np.array([file.ref], dtype=h5py.ref_dtype)
        file["nothing"] = h5py.Empty("f")
        file.create_group("group")
    assert hdf5_shapes(tmp_path / "a.h5") == {"ratio": ()}
    assert read_hdf5(tmp_path / "a.h5", "ratio") == 4
    for name in ("words", "flags", "complex", "references", "nothing", "group", "ms"):
        with pytest.raises(FileFormatError, match=f"called {name} in this very file: it holds"):
            read_hdf5(tmp_path / "a.h5", name)


def test_values_of_other_files_are_not_read(tmp_path: Path) -> None:
    secret = save(tmp_path / "secret.h5")
    layout = h5py.VirtualLayout(shape=VALUES.shape, dtype="i8")
    layout[:] = h5py.VirtualSource(str(secret), "ms", shape=VALUES.shape)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["link"] = h5py.ExternalLink(str(secret), "ms")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("external", (64,), "u1", external=[(str(secret), 0, 64)])
        file["soft"] = h5py.SoftLink("/external")
    for name in ("link", "virtual", "external", "soft"):
        with pytest.raises(FileFormatError, match="in this very file"):
            read_hdf5(tmp_path / "a.h5", name)
    assert hdf5_shapes(tmp_path / "a.h5") == {}


@pytest.mark.parametrize("index", [-1, 2])
def test_items_that_are_not_there(tmp_path: Path, index: int) -> None:
    with pytest.raises(FileFormatError, match=rf"ms \(2, 3, 4, 5\) has no item {index}"):
        read_hdf5(save(tmp_path / "a.h5"), "ms", index)


def test_damaged_files_are_refused_in_one_line(tmp_path: Path, quick_and_small: Bound) -> None:
    content = save(tmp_path / "a.h5").read_bytes()
    for length in (1, 100, len(content) - 1):
        (tmp_path / "a.h5").write_bytes(content[:length])
        with pytest.raises(FileFormatError, match=r"a\.h5: cannot be read as HDF5") as caught:
            hdf5_shapes(tmp_path / "a.h5")
        assert "\n" not in str(caught.value)
    with pytest.raises(FileFormatError, match="no such file"):
        hdf5_shapes(tmp_path / "b.h5")


def test_a_claim_is_checked_before_memory_is_taken(tmp_path: Path, quick_and_small: Bound) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        huge = file.create_dataset("huge", (2, 8, 2**20, 2**20), "u2", chunks=(1, 1, 64, 64))
        huge[0, 0, :64, :64] = 1
        file.create_dataset("unwritten", (3, 3), "u2")
    with quick_and_small(5):
        with pytest.raises(LimitError, match=r"claims 1099511627776 pixels \(1048576 x 1048576\)"):
            read_hdf5(tmp_path / "a.h5", "huge", 0)
        with pytest.raises(FileFormatError, match="was never written"):
            read_hdf5(tmp_path / "a.h5", "unwritten")
    one_item = Limits(max_bytes=480)
    assert read_hdf5(save(tmp_path / "b.h5"), "ms", 0, one_item).shape == (3, 4, 5)
    with pytest.raises(LimitError, match="960 bytes"):
        read_hdf5(tmp_path / "b.h5", "ms", limits=one_item)
    save(tmp_path / "c.h5", chunks=VALUES.shape)
    with pytest.raises(LimitError, match="960 bytes of one chunk"):
        read_hdf5(tmp_path / "c.h5", "ms", 0, one_item)


def test_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r'pip install "gisr\[research\]"'):
        hdf5_shapes(path)
