"""MATLAB files of every version: what is read from them, and what is refused."""

import struct
import warnings
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from gisr.errors import FileFormatError, GisrError, LimitError
from gisr.io.arrays.matlab import matlab_shapes, read_matlab
from gisr.io.limits import Limits

Bound = Callable[[float], AbstractContextManager[None]]
VALUES = np.arange(5 * 4 * 3).reshape(5, 4, 3)


def save(path: Path, packed: bool = False, **values: Any) -> Path:
    savemat(path, values or {"imgMS": VALUES}, do_compression=packed)
    return path


def save_7_3(path: Path, **values: np.ndarray) -> Path:
    """Write what MATLAB's ``save -v7.3`` does: HDF5 behind 512 bytes, axes backwards."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in values.items():
            file[name] = np.atleast_2d(value).T
    start = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\0\2IM"
    path.write_bytes(start.ljust(512, b"\0") + path.read_bytes()[512:])
    return path


def tag(kind: int, size: int, order: str = "<") -> bytes:
    return struct.pack(f"{order}II", kind, size)


def by_hand(
    *,
    order: str = "<",
    flags: int = 6,
    shape: tuple[int, ...] = (2, 3),
    name: bytes = b"imgMS",
    kind: int = 3,
    size: int | None = None,
    packed: bool = False,
) -> bytes:
    """Return a file of one variable, whose values may be of a smaller type than its class.

    That is what MATLAB writes, and scipy does not.
    """
    content = np.arange(6, dtype=f"{order}i2").tobytes()
    sizes = struct.pack(f"{order}{len(shape)}i", *shape)
    variable = tag(6, 8, order) + struct.pack(f"{order}II", flags, 0)
    for type_, part in ((5, sizes), (1, name)):
        variable += tag(type_, len(part), order) + part + bytes(-len(part) % 8)
    variable += tag(kind, len(content) if size is None else size, order) + content
    variable += bytes(-len(content) % 8)
    element = tag(14, len(variable), order) + variable
    if packed:
        element = tag(15, len(zlib.compress(element)), order) + zlib.compress(element)
    version = b"\0\1IM" if order == "<" else b"\1\0MI"
    return b"MATLAB 5.0 MAT-file".ljust(124) + version + element


class TestReading:
    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
    def test_arrays_of_versions_5_and_7(self, tmp_path: Path, packed: bool, dtype: str) -> None:
        path = save(tmp_path / "é 1.mat", packed, other=[1.0, 2], imgMS=VALUES.astype(dtype))
        assert matlab_shapes(path) == {"other": (1, 2), "imgMS": (5, 4, 3)}
        values = read_matlab(path, ("I_MS", "imgMS"))
        np.testing.assert_array_equal(values, VALUES)
        assert values.dtype == dtype

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_values_of_a_smaller_type_than_their_class(
        self, tmp_path: Path, order: str, packed: bool
    ) -> None:
        (tmp_path / "1.mat").write_bytes(by_hand(order=order, packed=packed))
        values = read_matlab(tmp_path / "1.mat", ("imgMS",))
        np.testing.assert_array_equal(values, [[0, 2, 4], [1, 3, 5]])
        assert values.dtype == np.int16 and values.dtype.isnative

    def test_arrays_of_version_7_3(self, tmp_path: Path) -> None:
        path = save_7_3(tmp_path / "1.mat", imgMS=VALUES, ratio=np.array([[4.0]]))
        assert matlab_shapes(path) == {"imgMS": (5, 4, 3), "ratio": (1, 1)}
        np.testing.assert_array_equal(read_matlab(path, ("imgMS",)), VALUES)

    def test_the_first_name_that_is_there(self, tmp_path: Path) -> None:
        path = save(tmp_path / "1.mat", I_MS=[[1.0]], block=[[2.0]])
        assert read_matlab(path, ("imgMS", "block", "I_MS")) == 2
        with pytest.raises(FileFormatError, match="called imgMS or pan0: it holds I_MS, block"):
            read_matlab(path, ("imgMS", "pan0"))


class TestRefusing:
    @pytest.mark.parametrize(
        "value",
        [
            np.array([np.ones(2), "a"], dtype=object),
            {"a": 1},
            "text",
            np.ones((2, 2), complex),
        ],
    )
    def test_what_is_no_real_numbers(self, tmp_path: Path, value: Any) -> None:
        path = save(tmp_path / "1.mat", imgMS=value)
        with pytest.raises(FileFormatError, match="no numeric array called imgMS: it holds none"):
            read_matlab(path, ("imgMS",))

    def test_other_files(self, tmp_path: Path) -> None:
        path = tmp_path / "1.mat"
        for content in (b"\x89PNG" * 40, b"MATLAB 5.0 MAT-file", b"\0" * 200, b"[1 2; 3 4]"):
            path.write_bytes(content)
            with pytest.raises(FileFormatError, match="not a MATLAB file of version 5"):
                matlab_shapes(path)
        savemat(path, {"imgMS": VALUES[0]}, format="4")
        with pytest.raises(FileFormatError, match="not a MATLAB file of version 5"):
            matlab_shapes(path)

    @pytest.mark.parametrize("packed", [False, True])
    def test_files_cut_short(self, tmp_path: Path, packed: bool) -> None:
        path = save(tmp_path / "1.mat", packed)
        content = path.read_bytes()
        for length in (130, 140, 200, len(content) - 1):
            path.write_bytes(content[:length])
            with pytest.raises(FileFormatError, match=r"1\.mat: damaged"):
                read_matlab(path, ("imgMS",))

    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize(
        ("claim", "message"),
        [
            ({"shape": (2**17, 2**17)}, "17179869184 pixels"),
            ({"shape": (2, 3, 2**20)}, "1048576 bands"),
            ({"size": 2**31}, "announces 2147483648 bytes"),
            ({"kind": 9}, "announces 12 bytes"),
            ({"kind": 77}, "announces 12 bytes"),
            ({"shape": (2, 3, -1, -1)}, "is empty"),
            ({"shape": (0, 3)}, "is empty"),
        ],
    )
    def test_claims_are_checked_before_memory_is_taken(
        self,
        tmp_path: Path,
        quick_and_small: Bound,
        claim: dict[str, Any],
        message: str,
        packed: bool,
    ) -> None:
        content = by_hand(**{"packed": packed, **claim})
        (tmp_path / "1.mat").write_bytes(content)
        with quick_and_small(5), pytest.raises((FileFormatError, LimitError), match=message):
            read_matlab(tmp_path / "1.mat", ("imgMS",))

    def test_two_variables_of_one_name(self, tmp_path: Path) -> None:
        content = by_hand()
        (tmp_path / "1.mat").write_bytes(content + content[128:])
        with pytest.raises(FileFormatError, match="imgMS is there twice"):
            read_matlab(tmp_path / "1.mat", ("imgMS",))

    def test_endless_names(self, tmp_path: Path, quick_and_small: Bound) -> None:
        (tmp_path / "1.mat").write_bytes(by_hand(name=b"a" * 2**22, packed=True))
        with quick_and_small(10), pytest.raises(FileFormatError, match="damaged"):
            matlab_shapes(tmp_path / "1.mat")

    def test_limits_hold_for_every_version(self, tmp_path: Path) -> None:
        small = Limits(max_bands=2)
        for path in (
            save(tmp_path / "5.mat", imgMS=VALUES),
            save_7_3(tmp_path / "73.mat", imgMS=VALUES),
        ):
            with pytest.raises(LimitError, match="bands"):
                read_matlab(path, ("imgMS",), small)

    def test_flipped_bytes_never_give_another_error(self, tmp_path: Path) -> None:
        """Whatever is damaged, a reader gets values or a typed error, and no warning."""
        path = tmp_path / "1.mat"
        sound = [
            by_hand(),
            by_hand(packed=True),
            save(path, a=[[1.0, 2]], imgMS=VALUES.astype("u1")).read_bytes(),
        ]
        rng = np.random.default_rng(0)
        outcomes: set[type] = set()
        for content in sound:
            for _ in range(150):
                damaged = bytearray(content)
                for place in rng.integers(124, len(content), 2):
                    damaged[place] = rng.integers(256)
                path.write_bytes(damaged)
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    try:
                        outcomes.add(type(read_matlab(path, ("imgMS",))))
                    except GisrError as error:
                        assert "\n" not in str(error)
                        outcomes.add(type(error))
        assert {np.ndarray, FileFormatError} <= outcomes
