"""A user's own pairs: every kind of row, and messages that name the line and the column."""

import pickle
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio import Affine

from gisr.datasets.entry import Entry, Frame, PublishedPair, Scan, Scene
from gisr.datasets.prepared.prepare import prepare_store
from gisr.datasets.readers import LAYOUTS
from gisr.datasets.readers.user_index import COLUMNS
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError, GisrError, PairError

PAIRS = LAYOUTS["pairs"]
RNG = np.random.default_rng(8)


def raster(path: Path, *shape: int, left: float = 5e5, **profile: Any) -> np.ndarray:
    """Write a GeoTIFF of (bands, rows, columns) over 80 x 80 m, return (rows, columns, bands)."""
    pixels = RNG.integers(1, 2048, shape).astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    size = {"count": shape[0], "height": shape[1], "width": shape[2], "dtype": "uint16"}
    grid = Affine(80 / shape[2], 0, left, 0, -80 / shape[1], 5e6)
    about = {"driver": "GTiff", "crs": "EPSG:32633", "transform": grid, **size, **profile}
    with rasterio.open(path, "w", **about) as dataset:
        dataset.write(pixels)
    return np.moveaxis(pixels, 0, -1)


def volume(path: Path, *shape: int, shift: float = 0.0) -> np.ndarray:
    voxels = RNG.uniform(1, 1000, shape).astype(np.float32)
    affine = np.diag([48 / shape[0], 48 / shape[1], 2.0, 1.0])
    affine[0, 3] = shift
    image: Any = nibabel.Nifti1Image  # nibabel's types are partial
    nibabel.save(image(voxels, affine), path)
    return voxels


def picture(path: Path, *shape: int, dtype: type = np.uint8) -> np.ndarray:
    stored: np.ndarray = RNG.integers(1, 200, shape).astype(dtype)
    Image.fromarray(stored).save(path)
    return stored


def index(folder: Path, *lines: str, separator: str = ",", encoding: str = "utf-8") -> Path:
    """Write an index whose cells are divided by blanks here; a dash is an empty cell."""
    table = [separator.join(cell.strip("-") for cell in line.split()) for line in lines]
    (folder / "pairs.csv").write_text("\r\n".join(table), encoding=encoding)
    return folder


def only(folder: Path) -> Entry:
    (entry,) = read_entries(folder)
    # Entries go to the processes that load data.
    assert pickle.loads(pickle.dumps(entry)).name == entry.name
    return entry


def test_a_scene_of_full_resolution(tmp_path: Path) -> None:
    low = raster(tmp_path / "a/ms.tif", 4, 20, 24)
    pan = raster(tmp_path / "a/pan.tif", 1, 40, 48)
    index(
        tmp_path,
        "name task truth guide split group open sensor bits guide_offset_y guide_offset_x",
        "north Pansharpening a/ms.tif a/pan.tif train orbit-7 YES qb 11 -1 0.5",
    )
    scene = only(tmp_path)
    assert isinstance(scene, Scene)
    assert (scene.name, scene.dataset, scene.split, scene.group) == (
        "north",
        "pairs",
        "train",
        "orbit-7",
    )
    assert (scene.open, scene.sensor, scene.bits, scene.guide_offset) == (True, "qb", 11, (1, 0.5))
    np.testing.assert_array_equal(scene.multispectral, low)
    np.testing.assert_array_equal(scene.panchromatic, pan)
    names = [path.relative_to(tmp_path).as_posix() for path in scene.files]
    assert names == ["pairs.csv", "a/pan.tif", "a/ms.tif"]


def test_a_scan_of_full_resolution(tmp_path: Path) -> None:
    truth = volume(tmp_path / "t2.nii.gz", 24, 16, 6)
    guide = volume(tmp_path / "t1.nii.gz", 24, 16, 6)
    head = "name task split truth guide contrast guide_contrast first_slice last_slice"
    index(tmp_path, head, "s1 mri val t2.nii.gz t1.nii.gz t2 T1 1 4.0")
    scan = only(tmp_path)
    assert isinstance(scan, Scan)
    assert (scan.contrasts, scan.slices, scan.open) == (("T1", "T2"), (1, 2, 3, 4), False)
    np.testing.assert_array_equal(scan.volume("T2"), truth)
    np.testing.assert_array_equal(scan.volume("T1"), guide)

    index(tmp_path, head, "s1 mri val t2.nii.gz t1.nii.gz t2 T1 - -")
    scan = only(tmp_path)
    assert isinstance(scan, Scan) and scan.slices is None  # the recipe's rule decides


def test_a_frame_of_full_resolution(tmp_path: Path) -> None:
    depth = picture(tmp_path / "depth.png", 12, 16, dtype=np.uint16)
    depth[2, 3] = 65535
    Image.fromarray(depth).save(tmp_path / "depth.png")
    colour = picture(tmp_path / "colour.png", 12, 16, 3)
    index(
        tmp_path,
        "name task split truth guide scale invalid unit",
        "room depth test depth.png colour.png 1000 65535 m",
    )
    frame = only(tmp_path)
    assert isinstance(frame, Frame) and frame.unit == "m"
    values, valid = frame.depth
    np.testing.assert_array_equal(~valid, depth == 65535)
    np.testing.assert_allclose(values, depth / 1000, rtol=1e-6)
    np.testing.assert_array_equal(frame.colour, colour)


def test_every_depth_format_with_a_grey_guide(tmp_path: Path) -> None:
    np.save(tmp_path / "depth.npy", np.full((6, 8), 2.5))
    picture(tmp_path / "grey.png", 6, 8)
    index(tmp_path, "name task split truth guide", "room depth test depth.npy grey.png")
    frame = only(tmp_path)
    assert isinstance(frame, Frame)
    assert (frame.depth[0] == 2.5).all() and frame.colour.shape == (6, 8, 1)


def test_a_reduced_satellite_pair(tmp_path: Path) -> None:
    target, guide, truth = (
        raster(tmp_path / f"{name}.tif", *shape)
        for name, shape in (("t", (4, 5, 6)), ("g", (1, 20, 24)), ("o", (4, 20, 24)))
    )
    head = "name task split target guide truth ratio sensor bits peak"
    index(tmp_path, head, "p pansharpening test t.tif g.tif o.tif 4 IKONOS 11 1023")
    pair = only(tmp_path)
    assert isinstance(pair, PublishedPair) and pair.truth is not None
    assert (pair.task, pair.ratio, pair.sensor, pair.bits, pair.peak) == (
        "pansharpening",
        4,
        "IKONOS",
        11,
        1023,
    )
    for image, stored in ((pair.target, target), (pair.guide, guide), (pair.truth, truth)):
        np.testing.assert_array_equal(image, stored)
    index(tmp_path, head, "p pansharpening test t.tif g.tif - 4 - - -")
    pair = only(tmp_path)
    assert isinstance(pair, PublishedPair)
    assert (pair.truth, pair.sensor, pair.bits, pair.peak) == (None, None, None, None)


def test_reduced_volumes_give_a_pair_for_every_slice(tmp_path: Path) -> None:
    images = {
        "target": volume(tmp_path / "low.nii", 12, 8, 6),
        "guide": volume(tmp_path / "t1.nii", 24, 16, 6),
        "truth": volume(tmp_path / "t2.nii.gz", 24, 16, 6),
    }
    index(
        tmp_path,
        "name task split target guide truth ratio first_slice",
        "s1 mri train low.nii t1.nii t2.nii.gz 2 4",
    )
    pairs = read_entries(tmp_path)
    assert [pair.name for pair in pairs] == ["s1-004", "s1-005"]
    for number, pair in zip((4, 5), pairs, strict=True):
        assert isinstance(pair, PublishedPair) and pair.group == "s1"
        for role, stored in images.items():
            np.testing.assert_array_equal(getattr(pair, role)[..., 0], stored[..., number])
        assert pair.pair().grid == "kspace"


def test_slices_that_are_pictures(tmp_path: Path) -> None:
    target, guide = picture(tmp_path / "low.png", 6, 8), picture(tmp_path / "high.png", 12, 16)
    index(tmp_path, "name task split target guide ratio", "s mri test low.png high.png 2")
    pair = only(tmp_path)
    assert isinstance(pair, PublishedPair)
    np.testing.assert_array_equal(pair.target[..., 0], target)
    np.testing.assert_array_equal(pair.guide[..., 0], guide)


def test_a_reduced_depth_map(tmp_path: Path) -> None:
    low = picture(tmp_path / "low.png", 3, 4, dtype=np.uint16)
    high = picture(tmp_path / "high.png", 12, 16, dtype=np.uint16)
    picture(tmp_path / "colour.png", 12, 16, 3)
    head = "name task split target guide truth ratio scale"
    index(tmp_path, head, "r depth train low.png colour.png high.png 4 10")
    pair = only(tmp_path)
    assert isinstance(pair, PublishedPair) and pair.truth is not None
    np.testing.assert_allclose(pair.target[..., 0], low / 10, rtol=1e-6)
    np.testing.assert_allclose(pair.truth[..., 0], high / 10, rtol=1e-6)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_what_spreadsheets_write(tmp_path: Path, separator: str) -> None:
    """A byte order mark, other separators, empty columns and lines at the end, TRUE."""
    np.save(tmp_path / "depth.npy", np.ones((6, 8)))
    picture(tmp_path / "grey.png", 6, 8)
    index(
        tmp_path,
        "name task split truth guide open - -",
        "a depth TEST depth.npy grey.png TRUE - -",
        "- - - - - - - -",
        "",
        "b depth research depth.npy grey.png FALSE - -",
        separator=separator,
        encoding="utf-8-sig",
    )
    assert [(entry.name, entry.split, entry.open) for entry in read_entries(tmp_path)] == [
        ("a", "test", True),
        ("b", "research", False),
    ]


def test_a_store_is_made_of_them(tmp_path: Path) -> None:
    source = tmp_path / "own"
    raster(source / "ms.tif", 4, 20, 24)
    raster(source / "pan.tif", 1, 40, 48)
    volume(source / "t.nii", 24, 16, 3)
    volume(source / "g.nii", 24, 16, 3)
    picture(source / "depth.png", 12, 16)
    picture(source / "colour.png", 12, 16, 3)
    index(
        source,
        "name task split truth guide contrast guide_contrast",
        "a pansharpening train ms.tif pan.tif - -",
        "b mri train t.nii g.nii FLAIR T1",
        "c depth test depth.png colour.png - -",
    )
    entries = read_entries(source)
    outcome = prepare_store(list(entries), source, tmp_path / "store")
    assert outcome.finished and outcome.entries == 3
    for entry, stored in zip(entries, read_entries(tmp_path / "store"), strict=True):
        assert (stored.name, type(stored)) == (entry.name, type(entry))
        images = stored.checked_images()
        for name, image in entry.checked_images().items():
            np.testing.assert_array_equal(images[name], image)


def refused(entry: Entry, kind: type[GisrError], message: str) -> None:
    with pytest.raises(kind, match=message):
        entry.checked_images()


def test_images_that_do_not_fit_are_refused_with_line_and_column(tmp_path: Path) -> None:
    np.save(tmp_path / "depth.npy", np.ones((6, 8)))
    for name, shape in (
        ("wide", (6, 9, 3)),
        ("four", (24, 32, 3)),
        ("grey", (24, 32)),
        ("strip", (6, 20, 3)),
    ):
        picture(tmp_path / f"{name}.png", *shape)
    index(
        tmp_path,
        "name task split target truth guide ratio",
        "a depth test - depth.npy wide.png -",
        "b depth test depth.npy - four.png 8",
        "c depth test depth.npy wide.png four.png 4",
        "d pansharpening test wide.png four.png grey.png 4",
        "e pansharpening test four.png grey.png grey.png 2",
        "f pansharpening test - grey.png four.png -",
        "g pansharpening test - strip.png grey.png -",
        "h mri test four.png - four.png 2",
    )
    with pytest.raises(FileFormatError, match=r"line 9, column target: .*a colour picture"):
        PAIRS.read(tmp_path)
    text = (tmp_path / "pairs.csv").read_text().splitlines()[:-1]
    (tmp_path / "pairs.csv").write_text("\n".join(text))
    entries = PAIRS.read(tmp_path)
    refused(entries[0], PairError, r"line 2, column guide: size \(6, 9\), but the truth is \(6, 8")
    refused(entries[1], PairError, r"line 3, column guide: .* at ratio 8: must be \(48, 64\)")
    refused(entries[2], FileFormatError, r"line 4, column truth: .*wide\.png")
    refused(entries[3], PairError, r"line 5, column guide: .* must be \(24, 36\)")
    refused(entries[4], PairError, r"line 6, column guide: .* must be \(48, 64\)")
    refused(entries[5], PairError, r"line 7, column guide: 3 bands: a panchromatic guide has one")
    refused(entries[6], PairError, r"line 8, column guide: .*different proportions")


def test_bands_and_slices_must_be_those_of_the_target(tmp_path: Path) -> None:
    picture(tmp_path / "low.png", 6, 8, 3)
    picture(tmp_path / "high.png", 12, 16)
    index(
        tmp_path,
        "name task split target guide truth ratio",
        "a pansharpening test low.png high.png high.png 2",
    )
    refused(only(tmp_path), PairError, "line 2, column truth: 1 bands or slices for a target that")
    volume(tmp_path / "low.nii", 12, 8, 2)
    volume(tmp_path / "high.nii", 24, 16, 3)
    index(tmp_path, "name task split target guide ratio", "a mri test low.nii high.nii 2")
    refused(read_entries(tmp_path)[0], PairError, "line 2, column guide: 3 bands or slices")


def test_files_of_two_places_are_refused(tmp_path: Path) -> None:
    raster(tmp_path / "ms.tif", 4, 20, 20)
    raster(tmp_path / "near.tif", 1, 40, 40, left=5e5 + 1.9)
    raster(tmp_path / "far.tif", 1, 40, 40, left=5e5 + 2.1)
    raster(tmp_path / "other.tif", 1, 40, 40, crs="EPSG:32634")
    volume(tmp_path / "t2.nii", 24, 16, 3)
    volume(tmp_path / "near.nii", 24, 16, 3, shift=0.9)
    volume(tmp_path / "far.nii", 24, 16, 3, shift=1.1)
    index(
        tmp_path,
        "name task split truth guide contrast guide_contrast",
        "a pansharpening test ms.tif near.tif - -",
        "b pansharpening test ms.tif far.tif - -",
        "c pansharpening test ms.tif other.tif - -",
        "d mri test t2.nii near.nii T2 T1",
        "e mri test t2.nii far.nii T2 T1",
    )
    near, far, other, near_scan, far_scan = PAIRS.read(tmp_path)
    assert set(near.checked_images()) == {"multispectral", "panchromatic"}
    refused(far, PairError, r"line 3, column guide: its georeference puts it up to 0\.525 pixels")
    refused(other, PairError, "line 4, column guide: .*the two do not overlap")
    assert set(near_scan.checked_images()) == {"T1", "T2"}
    refused(far_scan, PairError, r"line 6, column guide: its affine puts it up to 0\.55 voxels")


def test_a_fill_that_no_file_declares_is_refused(tmp_path: Path) -> None:
    raster(tmp_path / "ms.tif", 4, 40, 40)
    raster(tmp_path / "pan.tif", 1, 80, 80)
    index(tmp_path, "name task truth guide split", "x pansharpening ms.tif pan.tif test")
    assert isinstance(only(tmp_path), Scene)
    with rasterio.open(tmp_path / "ms.tif", "r+") as dataset:
        pixels = dataset.read()
        pixels[:, :10, :10] = 65535
        dataset.write(pixels)
    says = r"line 2, column truth: .*ms\.tif: 65535 in 6\.2% of the pixels looks like unknown "
    says += "ones, though the file names no such nodata: cut "
    refused(only(tmp_path), FileFormatError, says)


def test_unknown_pixels_that_an_entry_cannot_say_are_refused(tmp_path: Path) -> None:
    raster(tmp_path / "ms.tif", 4, 20, 20, nodata=0)
    raster(tmp_path / "pan.tif", 1, 40, 40)
    with rasterio.open(tmp_path / "ms.tif", "r+") as dataset:
        pixels = dataset.read()
        pixels[2, :2, 0] = 0
        dataset.write(pixels)
    np.save(tmp_path / "holes.npy", np.array([[1.0, 0.0], [2.0, np.nan]]))
    picture(tmp_path / "colour.png", 8, 8, 3)
    volume(tmp_path / "t1.nii", 8, 8, 2)
    volume(tmp_path / "t2.nii", 8, 8, 2)
    content = bytearray((tmp_path / "t2.nii").read_bytes())
    content[-4:] = np.float32(np.nan).tobytes()
    (tmp_path / "t2.nii").write_bytes(content)
    index(
        tmp_path,
        "name task split truth target guide ratio contrast guide_contrast",
        "a pansharpening test ms.tif - pan.tif - - -",
        "b depth test - holes.npy colour.png 4 - -",
        "c mri test t2.nii - t1.nii - T2 T1",
    )
    scene, frame, scan = PAIRS.read(tmp_path)
    refused(scene, FileFormatError, r"line 2, column truth: .*ms\.tif: 2 pixels are unknown")
    refused(frame, FileFormatError, r"line 3, column target: .*holes\.npy: 2 pixels are unknown")
    refused(scan, FileFormatError, r"line 4, column truth: .*t2\.nii: 1 voxels are NaN or infinite")


def test_a_volume_that_changed_is_read_again(tmp_path: Path) -> None:
    volume(tmp_path / "low.nii", 12, 8, 2)
    volume(tmp_path / "high.nii", 24, 16, 2)
    index(tmp_path, "name task split target guide ratio", "a mri test low.nii high.nii 2")
    before = read_entries(tmp_path)[1]
    assert isinstance(before, PublishedPair) and before.target.shape == (12, 8, 1)
    changed = volume(tmp_path / "low.nii", 12, 8, 2)
    after = read_entries(tmp_path)[1]
    assert isinstance(after, PublishedPair)
    np.testing.assert_array_equal(after.target[..., 0], changed[..., 1])


def test_the_page_has_every_layout_and_every_column() -> None:
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    for layout in LAYOUTS.values():
        assert f"`{layout.name}`" in page
        for line in layout.expects.splitlines():
            assert line in page, layout.name
    for name, column in COLUMNS.items():
        assert f"| `{name}` | {column.meaning} |" in page


@pytest.mark.parametrize(("splits", "refused"), [("train test", True), ("test research", False)])
def test_a_file_is_not_trained_and_tested_on(tmp_path: Path, splits: str, refused: bool) -> None:
    """Without a group nothing kept a frame out of both."""
    picture(tmp_path / "a.png", 16, 16)
    for name in ("b.png", "c.png"):
        picture(tmp_path / name, 16, 16, 3)
    one, other = splits.split()
    index(
        tmp_path,
        "name task split truth guide",
        f"x depth {one} a.png b.png",
        f"y depth {other} ./a.png c.png",
    )
    if not refused:
        assert len(read_entries(tmp_path)) == 2
        return
    with pytest.raises(FileFormatError, match=r"line 3, column split: 'test', but line 2 has \./a"):
        read_entries(tmp_path)
