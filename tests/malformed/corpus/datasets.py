"""Data sets: lists of pairs, MATLAB and HDF5 files, stacks, and prepared stores."""

import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from corpus.case import (
    Case,
    Change,
    Make,
    content,
    cut,
    gaps,
    half,
    refused,
    reported,
    spoiled,
    works,
)
from corpus.depths import Ghost, depth, npy
from gisr.datasets.prepared.manifest import FORMAT

_RNG = np.random.default_rng(0)
_PREPARE = ("data", "prepare", "auto", "set", "store")
_LIST = ("data", "list", "set")
_HEADER = "name,task,split,guide,truth,ratio\n"


def listed(text: str | bytes, words: Sequence[str] = _LIST) -> Make:
    """Return what writes a list of pairs, and the two files that it may name."""

    def write(folder: Path) -> Sequence[str]:
        (folder / "set").mkdir()
        depth("depth.png", np.tile(_DEPTH, (4, 4)))(folder / "set")
        data = text.encode() if isinstance(text, str) else text
        (folder / "set" / "pairs.csv").write_bytes(data)
        return words

    return write


_DEPTH = _RNG.integers(500, 60_000, (8, 8)).astype(np.uint16)
_LINE = "a,depth,train,colour.png,depth.png,\n"


def matlab(change: Change, name: str = "imgMS", values: Any = None, packed: bool = False) -> Make:
    """Return what writes a raw scene of the NBU set, whose multispectral file is spoiled."""

    def write(folder: Path) -> Sequence[str]:
        for kind, key, image in (
            ("MS_256", name, _RNG.integers(1, 2000, (32, 32, 4)).astype(np.uint16)),
            ("PAN_1024", "imgPAN", _RNG.integers(1, 2000, (128, 128)).astype(np.uint16)),
        ):
            place = folder / "set" / "QuickBird" / kind
            place.mkdir(parents=True)
            given = values if kind == "MS_256" and values is not None else image
            savemat(place / "1.mat", {key: given}, do_compression=packed)
        path = folder / "set" / "QuickBird" / "MS_256" / "1.mat"
        path.write_bytes(change(path.read_bytes()))
        return _PREPARE

    return write


def hdf5(
    change: Change = lambda data: data,
    add: Callable[[h5py.File], object] = lambda file: None,
    without: str = "",
    words: Sequence[str] = _PREPARE,
) -> Make:
    """Return what writes a file of PanCollection, and spoils it."""

    def write(folder: Path) -> Sequence[str]:
        (folder / "set").mkdir()
        path = folder / "set" / "train_qb.h5"
        with h5py.File(path, "w") as file:
            for name, shape in (
                ("ms", (2, 4, 16, 16)),
                ("lms", (2, 4, 64, 64)),
                ("pan", (2, 1, 64, 64)),
                ("gt", (2, 4, 64, 64)),
            ):
                if name != without:
                    file[name] = _RNG.integers(1, 2000, shape).astype(np.float32)
            add(file)
        path.write_bytes(change(path.read_bytes()))
        return words

    return write


def endless_array(file: h5py.File) -> None:
    """Add an array of terabytes that was never written."""
    file.create_dataset("ms", (2, 4, 2**20, 2**20), np.float32, chunks=(1, 1, 256, 256))
    for name, bands in (("pan", 1), ("gt", 4)):
        del file[name]
        file.create_dataset(name, (2, bands, 2**22, 2**22), np.float32, chunks=(1, 1, 256, 256))


def outside_link(file: h5py.File) -> None:
    file["ms"] = h5py.ExternalLink("/etc/passwd", "/")


def outside_data(file: h5py.File) -> None:
    """Add an array whose values lie in another file."""
    file.create_dataset(
        "ms", (2, 4, 16, 16), np.uint8, external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]
    )


def packed_bomb(file: h5py.File) -> None:
    """Add an array of 256 MB of zeros in one deflated chunk."""
    for name, bands, side in (("ms", 4, 4_000), ("pan", 1, 16_000), ("gt", 4, 16_000)):
        if name in file:
            del file[name]
        chunk = (1, bands, side, side)
        file.create_dataset(name, (2, *chunk[1:]), np.float32, chunks=chunk, compression="gzip")


def stack(depth_data: bytes) -> Make:
    """Return what writes the stacks of NYU v2, the one of depth as given."""

    def write(folder: Path) -> Sequence[str]:
        (folder / "set").mkdir()
        (folder / "set" / "train_depth_split.npy").write_bytes(depth_data)
        pictures = _RNG.integers(0, 256, (2, 8, 8, 3)).astype(np.uint8)
        np.save(folder / "set" / "train_images_split.npy", pictures)
        return _LIST

    return write


def store(change: Callable[[dict[str, Any]], object]) -> Make:
    """Return what writes the manifest of a prepared store."""

    def write(folder: Path) -> Sequence[str]:
        (folder / "set" / "arrays").mkdir(parents=True)
        manifest = {
            "layout": "pairs",
            "source": "a",
            "prepared": "2026-01-01T00:00:00+00:00",
            "entries": [],
            "left_out": {},
            "format": FORMAT,
        }
        (folder / "set" / "manifest.json").write_text(json.dumps(change(manifest)))
        return _LIST

    return write


def entry(**array: object) -> Mapping[str, object]:
    """Return an entry of a store whose one array is described like this."""
    fields = {"name": "a", "dataset": "pairs", "split": "train", "group": "", "open": True}
    about = {"file": "a.npy", "shape": [8, 8], "dtype": "uint8", "bytes": 64, "sha256": "0"}
    return {
        "kind": "Frame",
        "fields": {**fields, "task": "depth", "unit": ""},
        "arrays": {"depth": {**about, **array}, "colour": about},
        "sources": [],
    }


def saved(array: NDArray[Any]) -> bytes:
    return npy(str(array.shape), f"'{array.dtype.str}'")[:-256] + array.tobytes()


def no_set(folder: Path) -> Sequence[str]:
    return _LIST


def empty_set(folder: Path) -> Sequence[str]:
    (folder / "set").mkdir()
    return _LIST


def _ghost(folder: Path) -> Sequence[str]:
    words = stack(b"x")(folder)
    np.save(folder / "set" / "train_depth_split.npy", np.array([Ghost()], dtype=object))
    return words


def mat_header(shape: tuple[int, ...], size: int) -> Change:
    """Return what writes a MATLAB file whose one array claims a shape and a number of bytes."""
    flags = struct.pack("<4I", 6, 8, 11, 0)
    sizes = struct.pack(f"<2I{len(shape)}i", 5, 4 * len(shape), *shape)
    name = struct.pack("<2I8s", 1, 5, b"imgMS")
    values = struct.pack("<2I", 4, size) + bytes(64)
    body = flags + sizes + bytes(-len(sizes) % 8) + name + values
    return lambda data: data[:128] + struct.pack("<2I", 14, len(body)) + body


def mat_bomb(data: bytes) -> bytes:
    """Put a variable in place that unpacks to a gigabyte, and says it is four values."""
    packer = zlib.compressobj(1)
    packed = b"".join([*(packer.compress(bytes(10**6)) for _ in range(300)), packer.flush()])
    return data[:128] + struct.pack("<2I", 15, len(packed)) + packed


_CSV = {
    "no-folder": refused(no_set, "set: there is no such folder"),
    "nothing-in-it": refused(empty_set, "set: is empty: name the folder of a data set"),
    "empty": refused(listed(""), "pairs.csv: the file is empty"),
    "no-lines": refused(listed(_HEADER), "pairs.csv"),
    "no-header": refused(listed(_LINE), "pairs.csv, line 1"),
    "unknown-column": refused(listed("name,magic\na,b\n"), "pairs.csv, line 1, column magic"),
    "column-twice": refused(listed("name,name\na,b\n"), "pairs.csv, line 1, column name"),
    "missing-column": refused(listed("name,task\na,depth\n"), "pairs.csv"),
    "too-many-cells": refused(listed(_HEADER + "a,b,c,d,e,f,g,h\n"), "pairs.csv, line 2: 8 cells"),
    "binary": refused(listed(b"\xff\xfe\0\1" * 99), "pairs.csv: is not UTF-8"),
    "zeros": refused(listed(bytes(999)), "pairs.csv"),
    "open-quote": refused(listed(_HEADER + '"a,depth,train\n'), "pairs.csv, line 2"),
    "endless-cell": refused(listed(_HEADER + "a" * 200_000 + "\n"), "pairs.csv, line 2"),
    "of-50-megabytes": refused(listed(b"a," * 25_000_000), "pairs.csv"),
    "unknown-task": refused(
        listed(_HEADER + _LINE.replace("depth,", "magic,", 1)), "line 2, column task: 'magic'"
    ),
    "outside": refused(
        listed(_HEADER + _LINE.replace("colour.png", "../../etc/passwd")), "line 2, column guide"
    ),
    "absolute": refused(
        listed(_HEADER + _LINE.replace("colour.png", "/etc/passwd")), "line 2, column guide"
    ),
    "missing-file": refused(
        listed(_HEADER + _LINE.replace("colour.png", "none.png")), "line 2, column guide", "none.p"
    ),
    "name-twice": refused(listed(_HEADER + _LINE + _LINE), "pairs.csv, line 3"),
    "sound": works(listed(_HEADER + _LINE)),
    "byte-order-mark": works(listed("\ufeff" + _HEADER + _LINE)),
}
_MATLAB = {
    "empty": reported(matlab(content(b"")), "1.mat: the file is empty"),
    "cut-in-header": reported(matlab(cut(100)), "1.mat: not a MATLAB file"),
    "cut-after-header": reported(matlab(cut(128)), "1.mat: "),
    "cut-in-tag": reported(matlab(cut(132)), "1.mat: damaged"),
    "cut-in-values": reported(matlab(half), "1.mat: damaged or cut short"),
    "packed-cut": reported(matlab(half, packed=True), "1.mat: damaged or cut short"),
    "packed-gaps": reported(matlab(gaps, packed=True), "1.mat: "),
    "is-text": reported(matlab(content(b"no matrix\n" * 99)), "1.mat: not a MATLAB file"),
    "is-hdf5-cut": reported(matlab(content(bytes(512) + b"\x89HDF\r\n\x1a\n")), "1.mat: cannot be"),
    "other-name": reported(
        matlab(lambda data: data, name="other"), "no numeric array called imgMS"
    ),
    "complex": reported(matlab(lambda data: data, values=_DEPTH * 1j), "1.mat: no numeric array"),
    "text": reported(matlab(lambda data: data, values="text"), "1.mat: no numeric array"),
    "cells": reported(
        matlab(lambda data: data, values=np.array([1, "a"], dtype=object)), "1.mat: no numeric ar"
    ),
    "claims-terabytes": reported(matlab(mat_header((2**20, 2**20, 4), 64)), "1.mat: "),
    "claims-two-gigabytes": reported(matlab(mat_header((2**14, 2**14, 4), 2**31)), "1.mat: "),
    "no-pixels": reported(matlab(mat_header((0, 32, 4), 0)), "1.mat: imgMS is empty"),
    "negative": reported(matlab(mat_header((-32, -32, 4), 64)), "1.mat: "),
    "bomb": reported(matlab(mat_bomb), "1.mat: "),
    "bomb-of-nothing": reported(
        matlab(lambda data: data[:128] + struct.pack("<2I", 15, 0)), "1.mat: damaged"
    ),
    "guide-lost": refused(
        lambda folder: _lost(matlab(lambda data: data), folder), "PAN_1024/1.mat is missing"
    ),
    "sound": works(matlab(lambda data: data)),
}


def _lost(make: Make, folder: Path) -> Sequence[str]:
    words = make(folder)
    (folder / "set" / "QuickBird" / "PAN_1024" / "1.mat").unlink()
    return words


_HDF5 = {
    "empty": refused(hdf5(content(b"")), "train_qb.h5: the file is empty"),
    "cut-in-header": refused(hdf5(cut(50)), "train_qb.h5: cannot be read as HDF5"),
    "cut-in-values": refused(hdf5(half), "train_qb.h5: cannot be read as HDF5"),
    "gaps": refused(hdf5(lambda data: data[:300] + bytes(3_000) + data[3_300:]), "train_qb.h5: "),
    "is-text": refused(hdf5(content(b"no array\n" * 99)), "train_qb.h5: cannot be read as HDF5"),
    "no-array": refused(hdf5(without="pan"), "train_qb.h5: no array pan"),
    "array-is-group": refused(
        hdf5(add=lambda file: file.create_group("ms"), without="ms"), "train_qb.h5: no array ms"
    ),
    "array-of-text": refused(
        hdf5(add=lambda file: file.create_dataset("ms", data=["a"]), without="ms"), "no array ms"
    ),
    "array-complex": refused(
        hdf5(add=lambda file: file.create_dataset("ms", data=_DEPTH * 1j), without="ms"),
        "train_qb.h5: no array ms",
    ),
    "array-scalar": refused(
        hdf5(add=lambda file: file.create_dataset("ms", data=1.0), without="ms"), "train_qb.h5: "
    ),
    "array-empty": refused(
        hdf5(add=lambda file: file.create_dataset("ms", data=np.zeros((0, 4, 9, 9))), without="ms"),
        "train_qb.h5: ",
    ),
    "claims-terabytes": reported(hdf5(add=endless_array, without="ms"), "train_qb.h5: "),
    "never-written-chunks": reported(hdf5(add=packed_bomb, without="ms"), "train_qb.h5: "),
    "link-outside": refused(hdf5(add=outside_link, without="ms"), "train_qb.h5: no array ms"),
    "values-outside": refused(hdf5(add=outside_data, without="ms"), "train_qb.h5: no array ms"),
    "sound": works(hdf5()),
}
_STACK = {
    "empty": refused(stack(b""), "train_depth_split.npy: the file is empty"),
    "cut": refused(stack(saved(_DEPTH)[:90]), "train_depth_split.npy: "),
    "is-text": refused(stack(b"no array\n" * 99), "train_depth_split.npy: cannot be read as npy"),
    "pickled": refused(_ghost, "train_depth_split.npy: cannot be read as npy"),
    "claims-terabytes": refused(stack(npy("(1048576, 1048576, 4)")), "train_depth_split.npy: "),
    "no-pictures": refused(stack(npy("(0, 8, 8)")), "train_depth_split.npy: an array (0, 8, 8)"),
    "other-size": refused(stack(saved(np.zeros((3, 8, 8), np.float32))), "images_split.npy: (2, 8"),
}
_STORE = {
    "is-list": refused(store(lambda manifest: [manifest]), "manifest.json: is no manifest"),
    "other-format": refused(store(lambda manifest: manifest | {"format": 9}), "format 9"),
    "no-entries": refused(
        store(lambda manifest: {"format": FORMAT}), "manifest.json: is no manifest"
    ),
    "outside": refused(
        store(lambda manifest: manifest | {"entries": [entry(file="../../etc/passwd")]}),
        "manifest.json: is no manifest of a store",
    ),
    "endless-shape": refused(
        store(lambda manifest: manifest | {"entries": [entry(shape=[10**9, 10**9])]}), "a.npy"
    ),
    "array-missing": refused(store(lambda manifest: manifest | {"entries": [entry()]}), "a.npy"),
    "cut": refused(
        spoiled(store(lambda manifest: manifest), "set/manifest.json", half), "is no manifest of"
    ),
    "nested": refused(
        spoiled(store(lambda manifest: manifest), "set/manifest.json", content(b"[" * 99_999)),
        "manifest.json: is no manifest of a store",
    ),
}

CASES: dict[str, Case] = {
    **{f"csv-{name}": case for name, case in _CSV.items()},
    **{f"matlab-{name}": case for name, case in _MATLAB.items()},
    **{f"hdf5-{name}": case for name, case in _HDF5.items()},
    **{f"stack-{name}": case for name, case in _STACK.items()},
    **{f"store-{name}": case for name, case in _STORE.items()},
}
