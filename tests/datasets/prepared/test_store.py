"""The prepared store: what goes in comes out, from disk and window by window."""

import json
import os
import pickle
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.random import default_rng

from gisr.datasets.entry import Entry, Frame, PublishedPair, Scan, Scene
from gisr.datasets.entry.checks import smallest
from gisr.datasets.prepared import manifest
from gisr.datasets.prepared.manifest import MANIFEST, read_manifest
from gisr.datasets.prepared.prepare import Preparation, prepare_store
from gisr.datasets.prepared.store import JOURNAL, damaged_arrays, is_store, read_store
from gisr.datasets.sources import read_entries
from gisr.errors import FileFormatError, InputError, MissingExtraError

ABOUT: dict[str, Any] = {"dataset": "made", "split": "train", "group": "g", "open": True}


def test_a_store_that_is_not_finished_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    """Both were said to be recognised by no layout."""
    with pytest.raises(FileFormatError, match="is empty: name the folder of a data set"):
        read_entries(tmp_path)
    (tmp_path / JOURNAL).touch()
    with pytest.raises(FileFormatError, match="a store that is not finished: run its"):
        read_entries(tmp_path)


def image(*shape: int, dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    """Return values that need all of uint8, uint16 or int16, or none of them."""
    low, high = {"uint8": (1, 256), "uint16": (1, 60000), "int16": (-3000, 3000)}.get(dtype, (0, 1))
    rng = default_rng(seed)
    if dtype == "float32":
        return rng.normal(size=shape).astype(np.float32)
    return rng.integers(low, high, shape).astype(dtype)


def scene(name: str = "scene", **about: Any) -> Scene:
    made: dict[str, Any] = {
        **ABOUT,
        "sensor": "QuickBird",
        "bits": 11,
        "guide_offset": (-1.0, 0.5),
        "read_multispectral": partial(image, 6, 5, 4),
        "read_panchromatic": partial(image, 12, 10, 1, seed=1),
    }
    return Scene(name=name, **{**made, **about})


def scan() -> Scan:
    volumes = {"T1": partial(image, 4, 5, 6), "T2": partial(image, 4, 5, 6, dtype="float32")}
    return Scan(**ABOUT, name="scan", slices=(1, 3), read_contrasts=volumes)


def depth() -> tuple[np.ndarray, np.ndarray]:
    values = image(7, 8, dtype="float32")
    values[0, :2] = np.nan
    return values, np.isfinite(values)


def frame() -> Frame:
    return Frame(
        **ABOUT,
        name="frame",
        unit="cm",
        read_depth=depth,
        read_colour=partial(image, 7, 8, 3, dtype="uint8"),
    )


def made_pair(name: str, **about: Any) -> PublishedPair:
    made: dict[str, Any] = {
        **ABOUT,
        "task": "pansharpening",
        "ratio": 2,
        "sensor": "GaoFen-2",
        "bits": np.int64(10),  # as a reader takes it from an array
        "peak": 1023.0,
        "read_target": partial(image, 3, 4, 4),
        "read_guide": partial(image, 6, 8, 1, dtype="int16"),
        "read_truth": partial(image, 6, 8, 4, seed=2),
    }
    return PublishedPair(name=name, **{**made, **about})


def every_kind() -> list[Entry]:
    return [scene(), scan(), frame(), made_pair("pair"), made_pair("no truth", read_truth=None)]


def prepared(folder: Path, entries: list[Entry], **options: Any) -> Preparation:
    return prepare_store(entries, folder.parent / "source", folder, **options)


def whole_images(entry: Entry) -> dict[str, np.ndarray]:
    return {name: np.asarray(found) for name, found in entry.images().items()}


def test_every_kind_of_entry_comes_back_as_it_was(tmp_path: Path) -> None:
    done = prepared(tmp_path / "store", every_kind())
    assert (done.finished, done.entries, done.kept, done.problems) == (True, 5, 0, {})
    for entry, stored in zip(every_kind(), read_store(tmp_path / "store"), strict=True):
        assert type(stored) is type(entry)
        for about in fields(entry):
            if not about.name.startswith("read_"):
                assert getattr(stored, about.name) == getattr(entry, about.name), about.name
        assert stored.images().keys() == entry.images().keys()
        for name, pixels in whole_images(entry).items():
            known = np.isfinite(pixels)
            kept = np.asarray(stored.images()[name])
            np.testing.assert_array_equal(kept[known], pixels[known])
            assert kept.dtype == pixels.dtype
        if isinstance(stored, Frame):
            np.testing.assert_array_equal(stored.depth[1], depth()[1])


def test_the_manifest_says_every_field_of_every_entry() -> None:
    said = set(manifest.FIELDS) | {"files"}  # files are said as sources, with their sums
    for kind in (Scene, Scan, Frame, PublishedPair):
        assert {f.name for f in fields(kind) if not f.name.startswith("read_")} <= said


SHAPES = arrays.array_shapes(min_dims=2, max_dims=3, max_side=5)
RANGES = ((0, 255), (-128, 127), (0, 65535), (-32768, 32767), (-70000, 70000))


@given(
    st.sampled_from(RANGES).flatmap(
        lambda bounds: arrays.arrays(
            st.sampled_from([np.int32, np.float32, np.float64]),
            SHAPES,
            elements=st.integers(*bounds),
        )
    )
    | arrays.arrays(np.float32, SHAPES, elements=st.floats(-(2.0**99), 2.0**99, width=32))
)
def test_the_smallest_type_holds_every_value(pixels: np.ndarray) -> None:
    kept = smallest(pixels)
    np.testing.assert_array_equal(kept.astype(np.float32), pixels.astype(np.float32))
    numeric = manifest.STORED_TYPES[1:]
    for smaller in numeric[: numeric.index(kept.dtype.name)]:
        bounds = np.iinfo(smaller)
        fits = bounds.min <= pixels.min() and pixels.max() <= bounds.max
        assert not (fits and (pixels.astype(smaller) == pixels).all()), smaller


def test_types_and_order_on_disk(tmp_path: Path) -> None:
    prepared(tmp_path / "store", every_kind())
    records = {entry.fields["name"]: entry for entry in read_manifest(tmp_path / "store").entries}
    types = {
        name: {image: array.dtype for image, array in record.arrays.items()}
        for name, record in records.items()
    }
    assert types["scene"] == {"multispectral": "uint16", "panchromatic": "uint16"}
    assert types["scan"] == {"T1": "uint16", "T2": "float32"}
    assert types["frame"] == {"depth": "float32", "valid": "bool", "colour": "uint8"}
    assert types["pair"] == {"target": "uint16", "guide": "int16", "truth": "uint16"}
    volume = np.load(tmp_path / "store" / records["scan"].arrays["T1"].file, mmap_mode="r")
    assert volume.flags.f_contiguous  # a slice lies in one piece


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux does")
def test_windows_are_cut_from_disk_with_few_files_open(tmp_path: Path) -> None:
    import resource

    prepared(tmp_path / "store", [scene(f"scene {number}") for number in range(60)])
    entries = read_store(tmp_path / "store")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, limits[1]))
    try:
        for entry in entries:
            assert isinstance(entry, Scene)
            window = entry.stored_multispectral[1:3, 2:5]
            np.testing.assert_array_equal(window, image(6, 5, 4)[1:3, 2:5])
            assert not isinstance(window, np.memmap) and window.base is None
            assert entry.multispectral.dtype == np.float32
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_entries_of_a_store_can_be_sent_to_other_processes(tmp_path: Path) -> None:
    prepared(tmp_path / "store", every_kind())
    for entry in read_store(tmp_path / "store"):
        sent = pickle.loads(pickle.dumps(entry))
        for name, pixels in whole_images(entry).items():
            np.testing.assert_array_equal(np.asarray(sent.images()[name]), pixels)


def test_names_that_no_disk_takes_or_tells_apart(tmp_path: Path) -> None:
    names = ["a/b", "a_b", "A_B", "..", "æ" * 300, "con", "a b"]
    prepared(tmp_path / "store", [scene(name) for name in names])
    assert [entry.name for entry in read_store(tmp_path / "store")] == names
    folders = {path.name.lower() for path in (tmp_path / "store" / "arrays").iterdir()}
    assert len(folders) == len(names)


def count_reads(reads: list[str], name: str) -> np.ndarray:
    reads.append(name)
    return image(6, 5, 4)


def counted(reads: list[str], names: str, **about: Any) -> list[Entry]:
    return [
        scene(name, read_multispectral=partial(count_reads, reads, name), **about) for name in names
    ]


def test_an_interrupted_preparation_goes_on_and_is_no_store_before(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    reads: list[str] = []

    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(folder, counted(reads, "abcde"), progress=interrupt)
    assert not is_store(folder)
    with pytest.raises(FileFormatError, match="no finished store, run gisr data prepare"):
        read_store(folder)
    with (folder / JOURNAL).open("a") as journal:
        journal.write('{"kind": "Sce')  # as a crash leaves it
    done = prepared(folder, counted(reads, "abcde"))
    assert "".join(reads) == "abcde"
    assert (done.finished, done.entries, done.kept) == (True, 5, 3)
    assert [entry.name for entry in read_store(folder, verify=True)] == list("abcde")
    assert not (folder / JOURNAL).exists()


def test_a_finished_store_is_left_alone_and_changes_are_prepared_again(tmp_path: Path) -> None:
    folder, source = tmp_path / "store", tmp_path / "file"
    source.write_bytes(b"1")
    reads: list[str] = []
    prepared(folder, counted(reads, "ab", files=(source,)))
    written = (folder / MANIFEST).stat().st_mtime_ns
    assert prepared(folder, counted(reads, "ab", files=(source,))).kept == 2
    assert (folder / MANIFEST).stat().st_mtime_ns == written
    source.write_bytes(b"22")
    assert prepared(folder, counted(reads, "ab", files=(source,))).kept == 0
    assert prepared(folder, counted(reads, "ab", bits=9)).kept == 0
    assert prepared(folder, counted(reads, "abc", bits=9)).kept == 2
    assert prepared(folder, counted(reads, "bc", bits=9)).entries == 2
    assert "".join(reads) == "abababc"
    assert [entry.name for entry in read_store(folder)] == ["b", "c"]


def test_sources_are_named_with_their_sums(tmp_path: Path) -> None:
    inside, outside = tmp_path / "source" / "deep" / "a.tif", tmp_path / "b.tif"
    inside.parent.mkdir(parents=True)
    for path in (inside, outside):
        path.write_bytes(b"abc")
    prepared(tmp_path / "store", [scene(files=(inside, outside))])
    (record,) = read_manifest(tmp_path / "store").entries
    assert [found.file for found in record.sources] == ["deep/a.tif", outside.as_posix()]
    # SHA-256 of "abc", FIPS 180-2, appendix B.1.
    assert record.sources[0].sha256.startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")
    gone = scene("gone", files=(tmp_path / "gone.tif",))
    assert "no such file" in prepared(tmp_path / "other", [gone]).problems["gone"]


def test_damage_to_a_store_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    prepared(folder, every_kind())
    files = [
        folder / array.file
        for entry in read_manifest(folder).entries
        for array in entry.arrays.values()
    ]
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))  # one bit
    assert len(read_store(folder)) == 5
    with pytest.raises(FileFormatError, match="has changed since it was prepared: copy"):
        read_store(folder, verify=True)
    files[1].write_bytes(whole[:-1])
    files[2].unlink()
    assert len(damaged_arrays(folder, read_manifest(folder), verify=True)) == 3
    with pytest.raises(FileFormatError, match=r"bytes, not the .* and 1 more: copy"):
        read_store(folder)
    for path in files[:3]:
        path.unlink(missing_ok=True)
    assert prepared(folder, every_kind()).kept == 3
    assert len(read_store(folder, verify=True)) == 5


def test_an_array_that_changed_under_a_store_is_refused(tmp_path: Path) -> None:
    prepared(tmp_path / "store", [scene()])
    (entry,) = read_store(tmp_path / "store")
    assert isinstance(entry, Scene)
    (record,) = read_manifest(tmp_path / "store").entries
    path = tmp_path / "store" / record.arrays["multispectral"].file
    np.save(path, image(5, 6, 4))
    with pytest.raises(FileFormatError, match="its manifest says uint16"):
        entry.stored_multispectral[:1, :1]
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(FileFormatError, match="cannot be read as an array"):
        entry.stored_multispectral[:1, :1]


BAD_MANIFESTS: list[tuple[str, Any]] = [
    ("format", 1),
    ("layout", 3),
    ("entries", {}),
    ("entries", [{}]),
    ("left_out", []),
    ("entries.0.kind", "Popen"),
    ("entries.0.fields.split", "all"),
    ("entries.0.fields.open", "yes"),
    ("entries.0.fields.bits", "eleven"),
    ("entries.0.fields.colour", "red"),
    ("entries.0.fields.ratio", 2),
    ("entries.0.arrays.multispectral.file", "../../secret.npy"),
    ("entries.0.arrays.multispectral.file", "/etc/passwd"),
    ("entries.0.arrays.multispectral.file", "C:\\secret.npy"),
    ("entries.0.arrays.multispectral.dtype", "object"),
    ("entries.0.arrays.multispectral.shape", [0, 5, 4]),
    ("entries.0.arrays.multispectral.shape", "665"),
    ("entries.0.arrays.multispectral.bytes", "many"),
    ("entries.0.arrays", {}),
]


@pytest.mark.parametrize(("place", "value"), BAD_MANIFESTS)
def test_a_manifest_is_not_believed_blindly(tmp_path: Path, place: str, value: object) -> None:
    prepared(tmp_path / "store", [scene()])
    path = tmp_path / "store" / MANIFEST
    content = json.loads(path.read_text())
    inner: Any = content
    *outer, last = place.split(".")
    for step in outer:
        inner = inner[int(step) if step.isdecimal() else step]
    inner[last] = value
    path.write_text(json.dumps(content))
    with pytest.raises(FileFormatError, match=r"manifest\.json"):
        read_store(tmp_path / "store")


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"null"])
def test_a_manifest_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(content)
    with pytest.raises(FileFormatError, match=r"manifest\.json"):
        read_store(tmp_path)


def unreadable() -> np.ndarray:
    raise FileFormatError("image.tif: damaged")


def test_what_is_damaged_or_missing_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    entries: list[Entry] = [scene("good"), scene("bad", read_panchromatic=unreadable)]
    problems = {
        "train split": "has 2 of the 3 entries that are published",
        "bad": "image.tif: damaged",
    }
    done = prepared(folder, list(entries), counts={"train": 3, "test": 9})
    assert (done.finished, done.entries, done.problems) == (False, 1, problems)
    assert not is_store(folder)
    done = prepared(folder, list(entries), counts={"train": 3}, skip_damaged=True)
    assert (done.finished, done.entries, done.kept) == (True, 1, 1)
    assert read_manifest(folder).left_out == problems
    assert [entry.name for entry in read_store(folder)] == ["good"]
    repaired = prepared(folder, [scene("good"), scene("bad")])
    assert (repaired.finished, repaired.entries, repaired.problems) == (True, 2, {})
    assert len(read_store(folder)) == 2
    nothing = prepared(tmp_path / "none", entries[1:], skip_damaged=True)
    assert not nothing.finished and not is_store(tmp_path / "none")


def test_a_missing_package_is_no_damage(tmp_path: Path) -> None:
    def needs_package() -> np.ndarray:
        raise MissingExtraError("install gisr[geo]")

    with pytest.raises(MissingExtraError):
        prepared(tmp_path / "store", [scene(read_multispectral=needs_package)], skip_damaged=True)


def test_entries_that_make_no_data_set_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no entry to prepare"):
        prepared(tmp_path / "store", [])
    with pytest.raises(InputError, match="2 entries are called 'scene'"):
        prepared(tmp_path / "store", [scene(), scene()])
    with pytest.raises(InputError, match="entries of made and other"):
        prepared(tmp_path / "store", [scene(), scene("b", dataset="other")])
    assert not (tmp_path / "store").exists()


def test_a_destination_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "source"
    with pytest.raises(InputError, match="lies in the data set"):
        prepare_store([scene()], source, source / "store")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileFormatError, match=r"holds other files, such as mine\.txt"):
        prepare_store([scene()], source, tmp_path)
    for folder in ("mine.txt", "mine.txt/store"):
        with pytest.raises(FileFormatError, match=r"mine\.txt: is a file: name a folder"):
            prepare_store([scene()], source, tmp_path / folder)
    prepared(tmp_path / "store", [scene()])
    with pytest.raises(FileFormatError, match="holds a store of made, not of other"):
        prepared(tmp_path / "store", [scene(dataset="other")])
