import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, rotate

from gisr.data.degradations import mtf_reduced
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.datasets.entry import Scene
from gisr.datasets.open_pairs import read_open_pairs
from gisr.estimation.pair_cells import CellVotes, look
from gisr.estimation.registration import _decide, align_guide
from gisr.inference.array_pair import make_pair
from gisr.placement import place_by_shape
from gisr.tasks.pansharpening import PANSHARPENING


def test_unrelated_images_have_no_believable_shift() -> None:
    rng = np.random.default_rng(0)
    pair = make_pair(rng.random((24, 24, 4)), rng.random((96, 96)), "pansharpening")
    same, alignment = align_guide(pair)
    assert same is pair
    assert not alignment.applied
    assert "no shift" in alignment.note or "too much" in alignment.note


def _crop(side: int, seed: int, whole: int = 40) -> Pair:
    """An aligned pair at ratio 4 whose target has so many pixels a side, of so many of a scene."""
    rng = np.random.default_rng(seed)
    size = 4 * whole, 4 * whole
    bands = np.stack([gaussian_filter(rng.random(size), 2) for _ in range(4)], axis=-1)
    truth = (bands - bands.min()) / np.ptp(bands) + 0.3 * bands[..., :1] / bands.max()
    low = mtf_reduced(
        truth.astype(np.float32),
        (whole, whole),
        place_by_shape((whole, whole), size, "centre", None),
        0.3,
    )
    first, last = 10, 10 + side
    guide = truth.mean(axis=2)[4 * first : 4 * last, 4 * first : 4 * last]
    return make_pair(low[first:last, first:last], guide, "pansharpening")


def test_a_few_pixels_do_not_shift_a_guide_by_chance() -> None:
    """One cell has one vote, with which nothing disagrees: these pairs lie on each other."""
    for side in (3, 4, 5, 6):
        for seed in range(4):
            same, alignment = align_guide(pair := _crop(side, seed))
            assert same is pair, (side, seed, alignment)


def test_a_shift_that_few_pixels_show_is_told_and_not_undone() -> None:
    notes = [align_guide(_crop(5, seed))[1].note for seed in range(8)]
    told = [note for note in notes if "in 25 pixels of the MS image" in note]
    assert told
    assert all("may be chance: left as it is" in note for note in told)


def test_a_small_image_is_still_aligned() -> None:
    pair = _crop(16, 1)
    moved = replace(pair, guide=np.roll(pair.guide, (2, -1), axis=(0, 1)))
    alignment = align_guide(moved)[1]
    assert alignment.applied
    assert np.allclose(alignment.offset, (2, -1), atol=0.3)


def test_too_few_pixels_to_compare_are_told_as_that() -> None:
    alignment = align_guide(_crop(2, 1))[1]
    assert alignment.level == "note"
    assert alignment.note == (
        "no shift of the PAN image can be seen: too few pixels are known to compare the two"
    )


def test_parts_that_are_off_by_something_else_are_told() -> None:
    """A piece of a mosaic that was placed 4 pixels off, and a map that is turned."""
    pair = _crop(60, 1, 80)
    assert align_guide(pair)[1].apart is None
    mosaic = pair.guide.copy()
    mosaic[:, 144:] = np.roll(pair.guide, 4, axis=1)[:, 144:]
    found = align_guide(replace(pair, guide=mosaic))[1]
    assert (found.found, found.offset, found.level) == ("aligned", (0.0, 0.0), "warning")
    assert found.note == (
        "the PAN image lies on the MS image, but 22% of its parts are off by something else, up to "
        "4.0 pixels (relief, a mosaic, a map that is turned, clouds that moved): register it first "
        "(gdalwarp with control points)"
    )
    turned = rotate(pair.guide, 2.0, reshape=False, order=3, mode="nearest")
    found = align_guide(replace(pair, guide=turned))[1]
    assert (found.found, found.level) == ("unclear", "warning")
    assert found.note.startswith("no single shift of the PAN image fits: ")


def test_a_part_without_a_vote_says_nothing_of_the_others() -> None:
    """Its cells have correlations, and no shift that they could be counted with."""
    voted = look(_crop(60, 1, 80))
    alike, better = np.full(len(voted.before) + 7, 0.9), np.full(len(voted.before) + 7, 0.99)
    silent = CellVotes(np.empty((0, 2)), alike, alike, better)
    for parts in ([voted, silent], [silent, voted], [voted]):
        found = _decide(parts, PANSHARPENING)
        assert (found.found, found.apart) == ("aligned", None)
    assert _decide([silent], PANSHARPENING).apart is None


def _bands(side: int = 48) -> Pair:
    """Coarse bands and the fine ones of the same scene, which lie on each other, at ratio 2."""
    rng = np.random.default_rng(7)
    size = 2 * side, 2 * side
    fine = np.stack([gaussian_filter(rng.random(size), 1.5) for _ in range(3)], axis=-1)
    fine += 0.5 * fine.mean(axis=2, keepdims=True)
    coarse = np.stack([fine[..., 0] + fine[..., 1], fine.sum(axis=2)], axis=-1)
    placement = place_by_shape((side, side), size, "centre", None)
    low = mtf_reduced(coarse.astype(np.float32), (side, side), placement, 0.3)
    units = np.array([1.0, 1e3, 1e-3], np.float32)  # each in a range of its own
    return make_pair(low, fine.astype(np.float32) * units, "multiband")


def test_fine_bands_that_are_off_are_aligned() -> None:
    pair = _bands()
    assert align_guide(pair)[1].found == "aligned"
    moved = replace(pair, guide=np.roll(pair.guide, (1, -2), axis=(0, 1)))
    same, found = align_guide(moved)
    assert found.applied and np.allclose(found.offset, (1, -2), atol=0.2), found
    assert found.note.startswith("the image of fine bands was off by (+1.0")
    inner = (slice(8, -8), slice(8, -8))
    error = np.abs(same.guide - pair.guide)[inner].max(axis=(0, 1))
    assert (error < 0.1 * np.ptp(pair.guide, axis=(0, 1))).all()


def test_fine_bands_are_not_moved_by_what_a_producer_leaves() -> None:
    pair = _bands()
    near = shift(pair.guide, (-0.2, 0.15))
    same, found = align_guide(moved := replace(pair, guide=near))
    assert same is moved and found.found == "aligned", found


def test_fine_bands_of_another_place_or_without_contrast_are_told() -> None:
    pair, rng = _bands(), np.random.default_rng(8)
    other = np.stack([gaussian_filter(rng.random((96, 96)), 1.5) for _ in range(3)], axis=-1)
    found = align_guide(replace(pair, guide=other.astype(np.float32)))[1]
    assert (found.applied, found.level) == (False, "warning")
    assert "image of fine bands and image of coarse bands hardly resemble" in found.note
    flat = align_guide(replace(pair, guide=np.ones_like(pair.guide)))[1]
    assert flat.level == "warning" and flat.note.endswith("image of coarse bands has no contrast")


def test_other_tasks_are_left_alone() -> None:
    rng = np.random.default_rng(0)
    pair = make_pair(rng.random((24, 24)), rng.random((96, 96)), "mri")
    assert align_guide(pair)[0] is pair


def test_known_shifts_of_real_pairs_are_found(data_folder: Path) -> None:
    """95 % within 0.6 pixels of the known shift, which the index gives in whole pixels.

    Every eighth pair; all of them with GISR_ALL_PAIRS=1, which takes a minute.
    """
    scenes = [entry for entry in read_open_pairs(data_folder) if isinstance(entry, Scene)]
    assert len(scenes) > 50
    errors = {}
    for entry in scenes[:: 1 if os.environ.get("GISR_ALL_PAIRS") == "1" else 8]:
        pair = _full_resolution(entry.multispectral, entry.panchromatic, entry.sensor)
        found = align_guide(pair)[1].offset
        errors[entry.name] = max(abs(a - b) for a, b in zip(found, entry.guide_offset, strict=True))
    assert np.mean(np.array(list(errors.values())) <= 0.6 + 1e-9) >= 0.95, errors


def _full_resolution(target: np.ndarray, guide: np.ndarray, sensor: str | None) -> Pair:
    """Return a corner of a pair at its own resolution: enough to see a shift by."""
    ratio = round(guide.shape[0] / target.shape[0])
    side = min(target.shape[0], target.shape[1], 256)
    return make_pair(
        target[:side, :side],
        guide[: side * ratio, : side * ratio],
        "pansharpening",
        sensor=sensor,
    )


def test_shifts_of_real_bands_are_found(data_folder: Path) -> None:
    """To 0.3 fine pixels, and none where there is none; of every eighth scene, else of all."""
    entries = read_open_pairs(data_folder / "index_more.json")
    scenes = [e for e in entries if isinstance(e, Scene) and e.task == "multiband"]
    assert len(scenes) >= 32
    for entry in scenes[:: 1 if os.environ.get("GISR_ALL_PAIRS") == "1" else 8]:
        target = np.asarray(entry.multispectral, np.float32)
        guide = np.asarray(entry.panchromatic, np.float32)
        if target.shape[:2] == guide.shape[:2]:  # as fine as its guide: made half as fine
            rows, columns = (side // 2 for side in guide.shape[:2])
            guide = guide[: 2 * rows, : 2 * columns]
            placement = place_by_shape((rows, columns), guide.shape[:2], "centre", None)
            target = mtf_reduced(target[: 2 * rows, : 2 * columns], (rows, columns), placement, 0.3)
        for true in ((0.0, 0.0), (0.5, 0.5), (1.0, -1.0), (2.0, 1.0)):
            moved = shift(guide, (-true[0], -true[1]))
            found = align_guide(make_pair(target, moved, "multiband", sensor=entry.sensor))[1]
            assert found.level != "warning", (entry.name, found)
            assert found.applied is any(true)
            assert np.allclose(found.offset, true, atol=0.3 + 1e-9), (entry.name, true, found)
