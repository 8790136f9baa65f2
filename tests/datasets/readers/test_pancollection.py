"""PanCollection, on HDF5 files written as it is published."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gisr.datasets.entry import Entry, PublishedPair
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError

h5py = pytest.importorskip("h5py")

Digital = Callable[..., np.ndarray]
Pairs = Callable[[list[Entry]], list[PublishedPair]]
PANCOLLECTION = LAYOUTS["pancollection"]


@pytest.fixture
def write_pairs(digital: Digital) -> Callable[..., Path]:
    """Write a file of pairs as float64, (N, bands, H, W), the published sizes divided by eight."""

    def write(
        path: Path, *, count: int = 3, bands: int = 4, truth: bool = True, pan: int = 32
    ) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            file["ms"] = digital(count, bands, 8, 8, seed=1).astype(np.float64)
            file["lms"] = digital(count, bands, 32, 32, seed=2).astype(np.float64)
            file["pan"] = digital(count, 1, pan, pan, seed=3).astype(np.float64)
            if truth:
                file["gt"] = digital(count, bands, 32, 32, seed=4).astype(np.float64)
        return path

    return write


def test_pairs_with_truth(
    tmp_path: Path, write_pairs: Callable[..., Path], digital: Digital, made_pairs: Pairs
) -> None:
    write_pairs(tmp_path / "training_data" / "train_wv3.h5", bands=8)
    path = write_pairs(tmp_path / "training_data" / "valid_gf2_19809.h5", count=1)
    write_pairs(tmp_path / "Testing Dataset (ReducedData, H5 Format)" / "test_qb_multiExm1.h5")
    entries = made_pairs(read_entries(tmp_path))
    about = {entry.name: (entry.split, entry.sensor, entry.bits) for entry in entries}
    assert about == {
        **{f"test_qb_multiExm1-0000{n}": ("test", "QuickBird", 11) for n in range(3)},
        **{f"train_wv3-0000{n}": ("train", "WorldView-3", 11) for n in range(3)},
        "valid_gf2_19809-00000": ("val", "GaoFen-2", 10),
    }
    assert {entry.ratio for entry in entries} == {4} and {entry.peak for entry in entries} == {None}
    images = next(entry for entry in entries if entry.name == "train_wv3-00002").checked_images()
    for name, stored in (
        ("target", digital(3, 8, 8, 8, seed=1)),
        ("guide", digital(3, 1, 32, 32, seed=3)),
        ("truth", digital(3, 8, 32, 32, seed=4)),
    ):
        np.testing.assert_array_equal(images[name], np.moveaxis(stored[2], 0, -1))
    assert (entries[-1].files, entries[-1].group) == ((path,), "valid_gf2_19809")


def test_pairs_of_full_resolution(
    tmp_path: Path, write_pairs: Callable[..., Path], made_pairs: Pairs
) -> None:
    write_pairs(tmp_path / "test_wv2_OrigScale_multiExm1.h5", bands=8, truth=False)
    pair, *others = made_pairs(PANCOLLECTION.read(tmp_path))
    assert (pair.sensor, pair.split, pair.truth, len(others)) == ("WorldView-2", "test", None, 2)
    assert pair.guide.shape == (32, 32, 1) and pair.target.shape == (8, 8, 8)


def test_one_pair_is_read_at_a_time(
    tmp_path: Path,
    write_pairs: Callable[..., Path],
    made_pairs: Pairs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_pairs(tmp_path / "train_qb.h5", count=50)
    read: list[tuple[int, ...]] = []
    whole = h5py.Dataset.__getitem__

    def watched(dataset: Any, window: object, **options: object) -> np.ndarray:
        values: np.ndarray = whole(dataset, window, **options)
        read.append(values.shape)
        return values

    monkeypatch.setattr(h5py.Dataset, "__getitem__", watched)
    pair = made_pairs(PANCOLLECTION.read(tmp_path))[17]
    assert read == []
    _ = pair.target, pair.guide
    assert read == [(4, 8, 8), (1, 32, 32)]


def test_what_is_wrong_with_files(tmp_path: Path, write_pairs: Callable[..., Path]) -> None:
    with pytest.raises(FileFormatError, match="no folder of the layout pancollection: it has"):
        PANCOLLECTION.read(tmp_path)
    assert not PANCOLLECTION.recognises(write_pairs(tmp_path / "a" / "wv3.h5").parent)
    assert not PANCOLLECTION.recognises(write_pairs(tmp_path / "b" / "train_moon.h5").parent)
    write_pairs(tmp_path / "c" / "test_wv3.h5", truth=False)
    with pytest.raises(FileFormatError, match=r"no array gt, it holds lms, ms, pan; .* OrigScale"):
        PANCOLLECTION.read(tmp_path / "c")
    write_pairs(tmp_path / "d" / "test_wv3.h5", pan=16)
    with pytest.raises(FileFormatError, match=r"pan \(3, 1, 16, 16\) does not fit ms"):
        PANCOLLECTION.read(tmp_path / "d")
    (tmp_path / "e").mkdir()
    (tmp_path / "e" / "test_wv3.h5").write_bytes(b"<html>404</html>")
    with pytest.raises(FileFormatError, match=r"test_wv3\.h5: a web page under this name"):
        PANCOLLECTION.read(tmp_path / "e")
