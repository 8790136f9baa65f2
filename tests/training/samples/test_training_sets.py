"""Samples: made from a pair by its protocol, normalised, and cut with care for borders."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.random import default_rng

from gisr.data.degradations import ReducedAs, wald
from gisr.data.protocols import ScanReduction, depth_pair, kspace_pair, wald_pair
from gisr.data.synthetic.depth_frame import DepthFrame
from gisr.datasets.entry import Frame, PublishedPair, Scan, Scene
from gisr.errors import RecipeError
from gisr.tasks import built_in_descriptions
from gisr.tasks.text.table import built_in_table
from gisr.training.objective import SampleBatch, sample_errors
from gisr.training.samples import frames
from gisr.training.samples.frames import FrameSet, GeneratedFrameSet
from gisr.training.samples.pairs import PairSet
from gisr.training.samples.patches import (
    Sample,
    cut_sample,
    random_window,
    target_window,
    window_side,
)
from gisr.training.samples.scans import ScanSet
from gisr.training.samples.scenes import SceneSet
from gisr.training.samples.training_set import JoinedSet, TrainingSet

ABOUT: dict[str, Any] = {"dataset": "made", "split": "train"}


def given(image: Any) -> Callable[[], Any]:
    """Return a reader of an image that is at hand."""
    return lambda *_: image


def smooth(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return waves between about 10 and 200."""
    rows, columns = np.meshgrid(*(np.arange(n) for n in shape[:2]), indexing="ij")
    bands = [
        np.sin(rows / rng.uniform(3, 9)) * np.cos(columns / rng.uniform(3, 9))
        for _ in range(int(np.prod(shape[2:])))
    ]
    return (105 + 95 * np.stack(bands, -1).reshape(shape)).astype(np.float32)


def pansharpening(size: int = 64) -> SceneSet:
    rng = default_rng(1)
    scenes = [
        Scene(
            name=f"scene{number}",
            **ABOUT,
            sensor="Landsat-7 ETM+",
            bits=8,
            read_multispectral=given(smooth(rng, size, size, 4)),
            read_panchromatic=given(smooth(rng, 2 * size, 2 * size, 1)),
        )
        for number in range(2)
    ]
    return SceneSet(tuple(scenes), 4)


def volume(contrast: str, shape: tuple[int, ...]) -> np.ndarray:
    return smooth(default_rng(len(contrast)), *shape)


def scan(
    *shape: int,
    contrasts: tuple[str, ...] = ("T1", "FLAIR"),
    slices: tuple[int, ...] | None = None,
) -> Scan:
    reads = {contrast: partial(volume, contrast, shape) for contrast in contrasts}
    return Scan(name="subject", **ABOUT, read_contrasts=reads, slices=slices)


def mri(*shape: int, contrasts: tuple[str, ...] = ("T1", "FLAIR")) -> ScanSet:
    return ScanSet((scan(*shape, contrasts=contrasts),), 4)


def frame(values: np.ndarray, valid: np.ndarray, colour: np.ndarray | None = None) -> Frame:
    colour = smooth(default_rng(2), *values.shape, 3) if colour is None else colour
    return Frame(
        name="frame",
        **ABOUT,
        read_depth=given((values, valid)),
        read_colour=given(colour),
    )


def depth(ratio: int = 8, *, holes: bool = True) -> FrameSet:
    values, valid = smooth(default_rng(2), 90, 100), np.ones((90, 100), bool)
    if holes:
        valid[20:50, 30:60] = False
    values[~valid] = 0
    return FrameSet((frame(values, valid),), ratio)


def published(size: int = 64, bands: int = 4, ratio: int = 4) -> PublishedPair:
    truth = smooth(default_rng(4), size, size, bands) / 255
    return PublishedPair(
        name="pair",
        **ABOUT,
        task="pansharpening",
        ratio=ratio,
        sensor="wv3",
        read_target=given(wald(truth, ratio)),
        read_guide=given(truth.mean(axis=2, keepdims=True)),
        read_truth=given(truth),
    )


def made(ratio: int = 4) -> PairSet:
    return PairSet((published(ratio=ratio),), ratio, "pansharpening")


def made_mri() -> PairSet:
    rng = default_rng(6)
    pair = kspace_pair(smooth(rng, 64, 72), smooth(rng, 64, 72), 2)
    entry = PublishedPair(
        name="slice",
        **ABOUT,
        task="mri",
        ratio=2,
        read_target=given(pair.target),
        read_guide=given(pair.guide),
        read_truth=given(pair.truth),
    )
    return PairSet((entry,), 2, "mri")


SETS: dict[str, TrainingSet] = {
    "pansharpening": pansharpening(),
    "mri": mri(60, 70, 5),
    "depth": depth(),
    "made": made(),
    "made-mri": made_mri(),
    "joined": JoinedSet((pansharpening(), made())),
}
every_set = pytest.mark.parametrize("chosen", SETS.values(), ids=SETS)


def check(sample: Sample, patch: int) -> None:
    assert sample.target.shape == sample.truth.shape == (4, patch, patch)
    assert sample.guide.shape == (4, patch, patch)
    assert sample.known.shape == (1, patch, patch)
    assert set(np.unique(sample.known)) <= {0.0, 1.0}
    for image in (sample.target, sample.guide, sample.truth, sample.known):
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert np.abs(image).max() < 20  # about 0 to 1, whatever the units
    assert sample.description in built_in_descriptions()


@every_set
def test_samples_are_normalised_patches(chosen: TrainingSet) -> None:
    for seed in range(12):
        sample = chosen.sample(seed % len(chosen), default_rng(seed), 48)
        check(sample, 48)
        assert sample.task == chosen.task
        assert sample.ratio == pytest.approx(chosen.ratio, rel=0.1)


@every_set
def test_samples_are_functions_of_their_generator(chosen: TrainingSet) -> None:
    one, same, other = (chosen.sample(0, default_rng(seed), 32) for seed in (5, 5, 6))
    for name in ("target", "guide", "truth", "known"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.target, other.target)


@every_set
def test_targets_lie_on_their_truths(chosen: TrainingSet) -> None:
    """What is asked of the network is small: no shift, flip or scale between target and truth."""
    errors, flipped = [], []
    for seed in range(8):
        sample = chosen.sample(0, default_rng(seed), 48)
        known = sample.known[0] > 0
        errors.append(np.abs(sample.target - sample.truth)[:, known].mean())
        flipped.append(np.abs(sample.target[:, ::-1] - sample.truth)[:, known].mean())
    assert np.mean(errors) < 0.5 * np.mean(flipped)


@every_set
def test_scales_have_a_mean_square_of_one(chosen: TrainingSet) -> None:
    scale = chosen.sample(0, default_rng(0), 48).scale
    assert scale.shape == (4,) and scale.dtype == np.float32
    assert np.mean(np.square(scale)) == pytest.approx(1, rel=1e-5)
    if chosen.task != "pansharpening":
        np.testing.assert_allclose(scale, 1, rtol=1e-6)


def test_scales_bring_errors_of_bands_back_to_one_unit() -> None:
    """Bands 1 : 2 : 4 : 8 as lively: normalised alike, weighed as they were."""
    band = smooth(default_rng(0), 64, 64)
    truth = band[..., None] * np.array((1, 2, 4, 8), np.float32)
    pair = wald_pair(truth, band[..., None], 4)
    sample = cut_sample(default_rng(0), pair, 32, "a sentence")
    np.testing.assert_allclose(sample.scale / sample.scale[0], (1, 2, 4, 8), rtol=1e-4)
    np.testing.assert_allclose(sample.truth, sample.truth[:1].repeat(4, axis=0), atol=1e-3)


@pytest.mark.parametrize("chosen", [made(), made_mri()], ids=["made", "made-mri"])
def test_made_pairs_are_turned_all_ways_target_guide_and_truth_together(chosen: PairSet) -> None:
    whole = chosen.entries[0].pair(chosen.ratio)
    assert whole.truth is not None
    images = [whole.on_guide_grid(), whole.guide, whole.truth]
    found = set()
    for seed in range(60):
        sample = chosen.sample(0, default_rng(seed), 64)
        cut = (sample.target[0], sample.guide[0], sample.truth[0])
        shared = set.intersection(*(_ways(*both) for both in zip(images, cut, strict=True)))
        assert len(shared) == 1
        found |= shared
    assert len(found) == 8


def _ways(image: np.ndarray, cut: np.ndarray) -> set[tuple[int, bool]]:
    """Return the turns and flips under which a square cut is part of an image."""
    side, plane = cut.shape[0], image[..., 0]
    found = set()
    for turns in range(4):
        for flipped in (False, True):
            back = np.rot90(cut[:, ::-1] if flipped else cut, -turns)
            found |= {
                (turns, flipped)
                for left in range(plane.shape[1] - side + 1)
                if _correlation(plane[:side, left : left + side], back) > 0.9999
            }
    return found


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_made_pairs_of_many_bands_show_every_group() -> None:
    """A network of four channels sees eight bands as two groups of neighbours."""
    entry = published(bands=8)
    chosen, truth = PairSet((entry,), 4, "pansharpening"), entry.truth
    assert truth is not None
    groups = set()
    for seed in range(12):
        sample = chosen.sample(0, default_rng(seed), 64)
        spreads = [band.std() for band in sample.truth]
        match = [
            np.allclose(np.array(spreads) / spreads[0], _spreads(truth, first), rtol=0.15)
            for first in (0, 4)
        ]
        groups.add(tuple(match))
    assert len(groups) == 2


def _spreads(truth: np.ndarray, first: int) -> np.ndarray:
    low, high = np.percentile(truth, (1, 99), axis=(0, 1))
    spreads: np.ndarray = (truth.std(axis=(0, 1)) / (high - low))[first : first + 4]
    relative: np.ndarray = spreads / spreads[0]
    return relative


def test_a_made_set_refuses_what_it_cannot_learn_from() -> None:
    entry = published()
    with pytest.raises(RecipeError, match="pair: pansharpening x4 in a set of pansharpening x2"):
        PairSet((entry,), 2, "pansharpening")
    bare = PublishedPair(
        name="bare",
        **ABOUT,
        task="depth",
        ratio=4,
        read_target=entry.read_target,
        read_guide=entry.read_guide,
    )
    with pytest.raises(RecipeError, match="bare: has no truth"):
        PairSet((bare,), 4, "depth")
    with pytest.raises(RecipeError, match="patch 72 is larger"):
        made().sample(0, default_rng(0), 72)


def test_a_joined_set_has_the_items_of_its_parts_in_order() -> None:
    joined = JoinedSet((pansharpening(), made()))
    assert (len(joined), joined.task, joined.ratio) == (3, "pansharpening", 4)
    for item, part, own in ((1, joined.parts[0], 1), (2, joined.parts[1], 0)):
        one = joined.sample(item, default_rng(7), 32)
        other = part.sample(own, default_rng(7), 32)
        np.testing.assert_array_equal(one.truth, other.truth)
    with pytest.raises(IndexError, match="item 3 of 3"):
        joined.sample(3, default_rng(0), 32)


def test_a_patch_is_degraded_as_the_middle_of_the_whole() -> None:
    """The margin around a window hides its borders."""
    rng = default_rng(3)
    truth, colour = smooth(rng, 160, 160), smooth(rng, 160, 160, 3)
    whole = depth_pair(truth, colour, 4).on_guide_grid()[64:96, 64:96]
    window = (slice(48, 112), slice(48, 112))  # the patch and 4 target samples around it
    part = depth_pair(truth[window], colour[window], 4).on_guide_grid()[16:48, 16:48]
    np.testing.assert_allclose(part, whole, atol=1e-3)


def test_holes_are_not_known_and_do_not_count() -> None:
    """The colour image is dark where depth is unknown, so it shows where the holes of a patch are.

    What is stored in a hole changes nothing, and an error in a hole is none.
    """
    values, valid = smooth(default_rng(2), 90, 100), np.ones((90, 100), bool)
    valid[20:50, 30:60] = False
    colour = np.where(valid, 200, 20)[..., None].repeat(3, axis=2).astype(np.float32)
    stored = [np.where(valid, values, hole).astype(np.float32) for hole in (0, 9999)]
    empty, filled = (FrameSet((frame(image, valid, colour),), 8) for image in stored)
    partly = 0
    for seed in range(20):
        sample, same = (chosen.sample(0, default_rng(seed), 32) for chosen in (empty, filled))
        for name in ("target", "guide", "truth", "known", "scale"):
            np.testing.assert_array_equal(getattr(sample, name), getattr(same, name))
        known = sample.known[0] > 0
        if known.all() or not known.any():
            continue
        partly += 1
        bright = sample.guide[0] > (sample.guide[0].min() + sample.guide[0].max()) / 2
        np.testing.assert_array_equal(bright, known)
        batch = SampleBatch.of([sample], built_in_table())
        wrong_in_holes = torch.where(batch.known > 0, batch.truth, 5.0)
        assert sample_errors(wrong_in_holes, batch).item() == 0
    assert partly > 5


def test_a_window_of_holes_is_a_flat_sample() -> None:
    """Whatever is stored in the holes: a patch of one value, which the target shows already."""
    valid = np.zeros((64, 64), bool)
    for seed in range(8):
        values = smooth(default_rng(seed), 64, 64)
        sample = FrameSet((frame(values, valid),), 4).sample(0, default_rng(seed), 32)
        check(sample, 32)
        assert np.ptp(sample.truth) == 0
        np.testing.assert_array_equal(sample.target, sample.truth)
        assert np.ptp(sample.guide) > 0


def test_a_generated_frame_says_in_which_type_it_is_reduced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rounded maps of a few levels are far from the others'."""
    side = window_side(32, 4)
    values = np.rint(smooth(default_rng(2), side, side) / 40).astype(np.float32)
    known, colour = np.ones(values.shape, bool), smooth(default_rng(3), side, side, 3)
    samples = []
    for kind in get_args(ReducedAs):
        frame = given(DepthFrame(values, known, colour, kind))
        monkeypatch.setattr(frames, "generated_depth_frame", frame)
        samples.append(GeneratedFrameSet(4).sample(0, default_rng(0), 32))
    assert np.abs(samples[0].target - samples[1].target).max() > 0.02


def test_bands_are_repeated_in_order() -> None:
    rng = default_rng(5)
    pair = kspace_pair(smooth(rng, 40, 40), smooth(rng, 40, 40), 2)
    sample = cut_sample(rng, pair, 32, "any", anywhere=True)
    for channel in range(1, 4):
        np.testing.assert_array_equal(sample.target[channel], sample.target[0])
    np.testing.assert_array_equal(sample.guide[2], sample.guide[0])


def test_mri_counts_filled_slices_of_every_contrast() -> None:
    assert len(mri(40, 44, 5, contrasts=("T1", "T2", "FLAIR"))) == 15


def test_the_data_set_or_the_recipe_says_which_slices_count() -> None:
    def counted(entry: Scan, **rule: Any) -> list[int]:
        chosen = ScanSet((entry,), 4, contrast="T1", **rule)
        return [index for _, _, index in chosen._slices]

    flat = scan(40, 44, 9)
    assert counted(flat) == list(range(9))
    assert counted(flat, middle=3) == [3, 4, 5]
    assert counted(flat, middle=4, foreground_share=0.0) == [2, 3, 4, 5]
    assert counted(flat, middle=20) == list(range(9))
    ruled = scan(40, 44, 9, slices=(0, 4, 8))
    assert counted(ruled) == [0, 4, 8]
    assert counted(ruled, middle=3) == [4]
    head = np.zeros((40, 44, 3), np.float32)
    head[:4, :, 1], head[:, :, 2] = 100, 100
    reads = {"T1": given(head), "T2": given(head)}
    shared = Scan(name="head", **ABOUT, read_contrasts=reads)
    assert counted(shared) == [1, 2]  # a tenth of slice 1 is head
    assert counted(shared, foreground_share=0.2) == [2]
    assert counted(shared, foreground_share=0.0) == [0, 1, 2]


def test_slices_of_a_data_set_with_a_rule_are_counted_without_reading() -> None:
    def unread() -> np.ndarray:
        raise AssertionError

    entry = Scan(name="far", **ABOUT, read_contrasts={"T1": unread, "T2": unread}, slices=(1, 2))
    assert len(ScanSet((entry,), 2)) == 4


def test_a_recipe_may_choose_contrasts() -> None:
    entry = scan(40, 44, 5, contrasts=("T1", "T2", "FLAIR"))
    assert len(ScanSet((entry,), 4)) == 15
    assert len(ScanSet((entry,), 4, contrast="T2")) == 5
    assert len(ScanSet((entry,), 4, guide_contrast="T1")) == 10
    chosen = ScanSet((entry,), 4, contrast="T2", guide_contrast="T1")
    sentences = {chosen.sample(0, default_rng(seed), 32).description for seed in range(12)}
    assert sentences == {
        "Super-resolution of T2 MR image guided by T1 MR image at ratio 4",
        "Super-resolution of an MR image guided by another contrast at ratio 4",
    }
    with pytest.raises(RecipeError, match="subject: has no contrast PD"):
        ScanSet((entry,), 4, contrast="PD")


class Recorded:
    """A volume that keeps the axis and index of every slice that was cut of it."""

    def __init__(self, voxels: np.ndarray) -> None:
        self.voxels, self.shape, self.cuts = voxels, voxels.shape, list[tuple[int, int]]()

    def __getitem__(self, window: tuple[slice | int, ...], /) -> np.ndarray:
        ((axis, index),) = [(k, part) for k, part in enumerate(window) if isinstance(part, int)]
        self.cuts.append((axis, index))
        return self.voxels[window]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.voxels, dtype)


@pytest.mark.parametrize(
    ("shape", "patch", "axes"),
    [
        ((70, 72, 64), 64, {0, 1, 2}),
        ((70, 72, 64), 70, {2}),  # 64 slices do not hold a patch of 70
        ((70, 72, 60), 32, {2}),  # 60 slices are thick ones
    ],
)
def test_isotropic_volumes_are_cut_in_other_planes_where_a_patch_fits(
    shape: tuple[int, ...], patch: int, axes: set[int]
) -> None:
    volumes = {name: Recorded(volume(name, shape)) for name in ("T1", "FLAIR")}
    reads = {name: given(recorded) for name, recorded in volumes.items()}
    chosen = ScanSet((Scan(name="subject", **ABOUT, read_contrasts=reads),), 4)
    for seed in range(24):
        check(chosen.sample(seed, default_rng(seed), patch), patch)
    target, guide = (recorded.cuts for recorded in volumes.values())
    assert target == guide
    assert {axis for axis, _ in target} == axes
    across = [index / shape[axis] for axis, index in target if axis != 2]
    assert all(0.2 < place < 0.75 for place in across)  # the middle half


@pytest.mark.parametrize(("slices", "other_planes"), [(None, True), ((7,), False)])
def test_slices_that_a_rule_counts_are_of_its_plane(
    slices: tuple[int, ...] | None, other_planes: bool
) -> None:
    """All but slice 7 is dark: across it, a slice is nearly all dark."""
    volume = np.zeros((70, 72, 64), np.float32)
    volume[:, :, 7] = smooth(default_rng(0), 70, 72)
    reads = dict.fromkeys(("T1", "T2"), given(volume))
    chosen = ScanSet((Scan(name="one", **ABOUT, read_contrasts=reads, slices=slices),), 4)
    samples = [chosen.sample(0, default_rng(seed), 64) for seed in range(12)]
    dark = [np.median(sample.truth) - sample.truth.min() < 0.1 for sample in samples]
    assert any(dark) == other_planes
    assert not all(dark)


@pytest.mark.parametrize("reduced", get_args(ScanReduction))
def test_slices_are_made_coarse_as_the_set_says(reduced: ScanReduction) -> None:
    entry = scan(99, 102, 2, slices=(0, 1))
    chosen = ScanSet((entry,), 4, reduced=reduced)
    for seed in range(8):
        sample = chosen.sample(0, default_rng(seed), 64)
        check(sample, 64)
        assert sample.cropped == (reduced == "kspace")
        assert sample.ratio == pytest.approx(4, rel=0.05)
        means = sample.truth.reshape(4, 16, 4, 16, 4).mean(axis=(2, 4))
        same = bool(np.abs(sample.coarse - means).max() < 1e-4)
        assert same == (reduced == "means")


def test_what_no_patch_fits_is_refused() -> None:
    with pytest.raises(RecipeError, match="one contrast only"):
        mri(40, 40, 5, contrasts=("T1",))
    for chosen, patch in ((pansharpening(), 72), (mri(40, 44, 5), 48), (depth(16), 84)):
        with pytest.raises(
            RecipeError, match=rf"patch {patch} is larger than .+ of \d+ x \d+: .*exclude"
        ):
            chosen.sample(0, default_rng(0), patch)
        later = replace(chosen, largest_patch=patch)
        with pytest.raises(RecipeError, match=rf"patch {patch} is larger than"):
            later.sample(0, default_rng(0), 16)


def test_windows_are_a_patch_with_margin_or_all_there_is() -> None:
    tops = set()
    for seed in range(30):
        rows, columns = random_window(default_rng(seed), 48, 4, (200, 60, 4))
        assert rows.stop - rows.start == 80 and 0 <= rows.start <= 120
        assert (columns.start, columns.stop) == (0, 60)
        tops.add(rows.start)
        rows, columns = target_window(default_rng(seed), 48, 4, (50, 15))
        assert rows.stop - rows.start == 20 and 0 <= rows.start <= 30
        assert (columns.start, columns.stop) == (0, 15)
    assert len(tops) > 20
