"""NYU v2 in both layouts, on files written as they are published."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.datasets.entry import Entry, Frame
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError

RNG = np.random.default_rng(4)
DKN, JIIF = LAYOUTS["nyu-dkn"], LAYOUTS["nyu-jiif"]


def frames(entries: list[Entry]) -> list[Frame]:
    found = [entry for entry in entries if isinstance(entry, Frame)]
    assert len(found) == len(entries)
    return found


def write_dkn(folder: Path, train: int = 3, test: int = 2) -> dict[str, np.ndarray]:
    """Write the five stacks, 6 x 8 pixels, and return them by name."""
    metres = RNG.uniform(0.7, 9.9, (test, 6, 8))
    top, bottom = metres.max(axis=(1, 2)), metres.min(axis=(1, 2))
    stretched = (metres - bottom[:, None, None]) / (top - bottom)[:, None, None]
    arrays = {
        "train_depth_split": RNG.uniform(0, 1, (train, 6, 8)).astype(np.float32),
        "train_images_split": RNG.integers(0, 256, (train, 6, 8, 3)).astype(np.uint8),
        "test_depth": stretched.astype(np.float32),
        "test_images_v2": RNG.integers(0, 256, (test, 6, 8, 3)).astype(np.uint8),
        "test_minmax": np.stack([top, bottom]),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return {**arrays, "metres": metres}


def test_dkn_gives_centimetres_for_the_test_and_the_range_for_training(tmp_path: Path) -> None:
    arrays = write_dkn(tmp_path)
    entries = frames(read_entries(tmp_path))
    assert [entry.name for entry in entries] == [
        *(f"train-{index:04d}" for index in range(3)),
        *(f"test-{index:04d}" for index in range(2)),
    ]
    assert [entry.unit for entry in entries] == ["[0, 1]"] * 3 + ["cm"] * 2
    for split, values, images in (
        ("train", arrays["train_depth_split"], arrays["train_images_split"]),
        ("test", arrays["metres"] * 100, arrays["test_images_v2"]),
    ):
        own = [entry for entry in entries if entry.split == split]
        for index, entry in enumerate(own):
            depth, valid = entry.depth
            assert depth.dtype == np.float32 and valid.all()
            np.testing.assert_allclose(depth, values[index], rtol=1e-5)
            np.testing.assert_array_equal(entry.colour, images[index])


def test_dkn_scores_as_the_published_formula(tmp_path: Path) -> None:
    """calc_rmse of DKN and SGNet: cut 6, stretch both, times 100; here on the entry's values."""
    arrays = write_dkn(tmp_path)
    estimate = RNG.uniform(0, 1, (6, 8))
    top, bottom = arrays["test_minmax"][:, 1]
    published = [(x * (top - bottom) + bottom) * 100 for x in (arrays["test_depth"][1], estimate)]
    truth = frames(DKN.read(tmp_path))[-1].depth[0]
    lowest, highest = float(truth.min()), float(truth.max())
    error = np.sqrt(np.mean((truth - (estimate * (highest - lowest) + lowest)) ** 2))
    wanted = np.sqrt(np.mean((published[0] - published[1]) ** 2))
    assert error == pytest.approx(wanted, rel=1e-5)


def test_dkn_entries_name_their_stacks_and_can_go_to_another_process(tmp_path: Path) -> None:
    write_dkn(tmp_path)
    first, *_, last = frames(DKN.read(tmp_path))
    assert [path.name for path in first.files] == [
        "train_depth_split.npy",
        "train_images_split.npy",
    ]
    assert last.files[-1].name == "test_minmax.npy"
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(last)).depth[0], last.depth[0])
    assert set(last.checked_images()) == {"depth", "valid", "colour"}


def test_dkn_one_split_alone_is_read_and_half_a_split_refused(tmp_path: Path) -> None:
    write_dkn(tmp_path)
    (tmp_path / "train_depth_split.npy").unlink()
    assert DKN.recognises(tmp_path)
    with pytest.raises(
        FileFormatError, match=r"train_depth_split\.npy of the train set is missing"
    ):
        DKN.read(tmp_path)
    (tmp_path / "train_images_split.npy").unlink()
    assert {entry.split for entry in DKN.read(tmp_path)} == {"test"}
    (tmp_path / "test_minmax.npy").unlink()
    assert not DKN.recognises(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("test_minmax", np.ones((2, 3)), r"test_minmax\.npy: \(2, 3\) numbers for 2 frames"),
        ("test_minmax", np.array([[1.0, 1], [2, 0]]), "frame 0 has its maximum 100 cm below"),
        ("test_minmax", np.full((2, 2), np.nan), "row 0 must hold the maxima"),
        ("test_images_v2", np.ones((2, 6, 8), np.uint8), "does not go with test_depth"),
        ("test_depth", np.ones((2, 8, 6), np.float32), "does not go with test_depth"),
    ],
)
def test_dkn_stacks_that_do_not_fit_are_refused(
    tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    write_dkn(tmp_path)
    np.save(tmp_path / f"{name}.npy", array)
    with pytest.raises(FileFormatError, match=message):
        DKN.read(tmp_path)


def write_jiif(folder: Path, numbers: list[int], *, apart: bool) -> dict[int, np.ndarray]:
    """Write frames of 6 x 8 pixels and return their metres by number."""
    places = [folder / "RGB", folder / "Depth"] if apart else [folder, folder]
    metres = {}
    for place in places:
        place.mkdir(exist_ok=True)
    for number in numbers:
        metres[number] = RNG.uniform(0.7, 9.9, (6, 8)).astype(np.float32)
        np.save(places[1] / f"{number}.npy", metres[number])
        Image.fromarray(np.full((6, 8, 3), number % 256, np.uint8)).save(
            places[0] / f"{number}.jpg"
        )
    return metres


@pytest.mark.parametrize("apart", [True, False])
def test_jiif_splits_by_number(tmp_path: Path, apart: bool) -> None:
    metres = write_jiif(tmp_path, [1000, 0, 10, 9, 999, 1448], apart=apart)
    (tmp_path / "readme.txt").write_text("not a frame")
    entries = frames(read_entries(tmp_path))
    assert [int(entry.name) for entry in entries] == [0, 9, 10, 999, 1000, 1448]
    assert [entry.split for entry in entries] == ["train"] * 4 + ["test"] * 2
    for entry in entries:
        depth, valid = entry.depth
        assert valid.all() and entry.unit == "cm" and not entry.open
        np.testing.assert_allclose(depth, metres[int(entry.name)] * 100, rtol=1e-6)
        np.testing.assert_array_equal(entry.colour, int(entry.name) % 256)
        assert [path.suffix for path in entry.files] == [".npy", ".jpg"]


def test_jiif_refuses_what_is_no_frame_of_it(tmp_path: Path) -> None:
    write_jiif(tmp_path, [3, 1449], apart=True)
    with pytest.raises(FileFormatError, match=r"1449\.npy: NYU v2 has frames 0 to 1448"):
        JIIF.read(tmp_path)
    (tmp_path / "RGB" / "3.jpg").unlink()
    with pytest.raises(FileFormatError, match=r"3\.npy: .*3\.jpg is missing"):
        JIIF.read(tmp_path)


def test_jiif_refuses_a_picture_without_its_map(tmp_path: Path) -> None:
    write_jiif(tmp_path, [3, 4], apart=False)
    (tmp_path / "4.npy").unlink()
    with pytest.raises(FileFormatError, match=r"4\.jpg: .*4\.npy is missing: .* take 4\.jpg away"):
        read_entries(tmp_path)


def test_suffixes_of_any_case(tmp_path: Path) -> None:
    metres = write_jiif(tmp_path, [3], apart=True)
    (tmp_path / "RGB" / "3.jpg").rename(tmp_path / "RGB" / "3.JPG")
    (tmp_path / "Depth" / "3.npy").rename(tmp_path / "Depth" / "3.NPY")
    (entry,) = frames(read_entries(tmp_path))
    np.testing.assert_allclose(entry.depth[0], metres[3] * 100, rtol=1e-6)
    stacks = tmp_path / "stacks"
    stacks.mkdir()
    write_dkn(stacks)
    count = len(DKN.read(stacks))
    for path in list(stacks.iterdir()):
        path.rename(path.with_name(path.name.upper()))
    assert len(read_entries(stacks)) == count > 0


def test_jiif_holes_are_unknown(tmp_path: Path) -> None:
    write_jiif(tmp_path, [5], apart=False)
    np.save(tmp_path / "5.npy", np.array([[1.0, np.nan], [np.inf, 0.0]]))
    (entry,) = frames(JIIF.read(tmp_path))
    assert entry.depth[1].tolist() == [[True, False], [False, True]]
