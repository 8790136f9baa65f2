"""Samples: made from a pair by its protocol, normalised, and cut with care for borders."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng

from gisr.data.open_pairs import OpenPair
from gisr.data.protocols import depth_pair, kspace_pair
from gisr.data.training_sets import (
    DepthSet,
    MRISet,
    PansharpeningSet,
    Sample,
    TrainingSet,
    cut_sample,
    random_window,
)
from gisr.errors import RecipeError
from gisr.tasks.task import built_in_descriptions


def entry(name: str, record: dict[str, Any], **images: Any) -> OpenPair:
    """Return an entry whose images are at hand instead of in files."""
    made = OpenPair(Path(), {"id": name, **record})
    made.__dict__.update(images)
    return made


def smooth(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return waves between about 10 and 200."""
    rows, columns = np.meshgrid(*(np.arange(n) for n in shape[:2]), indexing="ij")
    bands = [
        np.sin(rows / rng.uniform(3, 9)) * np.cos(columns / rng.uniform(3, 9))
        for _ in range(int(np.prod(shape[2:])))
    ]
    return (105 + 95 * np.stack(bands, -1).reshape(shape)).astype(np.float32)


def pansharpening(size: int = 64) -> PansharpeningSet:
    rng = default_rng(1)
    record = {"task": "pansharpening", "sensor": "Landsat-7 ETM+", "bits": 8}
    scenes = [
        entry(
            f"scene{number}",
            record,
            multispectral=smooth(rng, size, size, 4),
            panchromatic=smooth(rng, 2 * size, 2 * size, 1),
        )
        for number in range(2)
    ]
    return PansharpeningSet(tuple(scenes), 4)


class Subject(OpenPair):
    """An MR entry with volumes at hand."""

    def volume(self, contrast: str) -> np.ndarray:
        shape = tuple(self.record["shape"])
        return smooth(default_rng(len(contrast)), *shape)


def mri(*shape: int, contrasts: tuple[str, ...] = ("T1", "FLAIR")) -> MRISet:
    record = {"id": "subject", "task": "mri", "shape": shape, "contrasts": dict.fromkeys(contrasts)}
    return MRISet((Subject(Path(), record),), 4)


def depth(ratio: int = 8, *, holes: bool = True) -> DepthSet:
    rng = default_rng(2)
    values, valid = smooth(rng, 90, 100), np.ones((90, 100), bool)
    if holes:
        valid[20:50, 30:60] = False
    values[~valid] = 0
    images = {"depth": (values, valid), "colour": smooth(rng, 90, 100, 3)}
    return DepthSet((entry("frame", {"task": "depth"}, **images),), ratio)


SETS: list[TrainingSet] = [pansharpening(), mri(60, 70, 5), depth()]


def check(sample: Sample, patch: int) -> None:
    assert sample.target.shape == sample.truth.shape == (4, patch, patch)
    assert sample.guide.shape == (3, patch, patch)
    assert sample.known.shape == (1, patch, patch)
    assert set(np.unique(sample.known)) <= {0.0, 1.0}
    for image in (sample.target, sample.guide, sample.truth, sample.known):
        assert image.dtype == np.float32
        assert np.isfinite(image).all()
        assert np.abs(image).max() < 20  # about 0 to 1, whatever the units
    assert sample.description in built_in_descriptions()


@pytest.mark.parametrize("chosen", SETS, ids=lambda chosen: chosen.task)
def test_samples_are_normalised_patches(chosen: TrainingSet) -> None:
    for seed in range(12):
        sample = chosen.sample(seed % len(chosen), default_rng(seed), 48)
        check(sample, 48)
        assert sample.task == chosen.task
        assert sample.ratio == pytest.approx(chosen.ratio, rel=0.1)


@pytest.mark.parametrize("chosen", SETS, ids=lambda chosen: chosen.task)
def test_samples_are_functions_of_their_generator(chosen: TrainingSet) -> None:
    one, same, other = (chosen.sample(0, default_rng(seed), 32) for seed in (5, 5, 6))
    for name in ("target", "guide", "truth", "known"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.target, other.target)


def test_targets_lie_on_their_truths() -> None:
    """What is asked of the network is small: no shift, flip or scale between target and truth."""
    for chosen in SETS:
        errors, flipped = [], []
        for seed in range(8):
            sample = chosen.sample(0, default_rng(seed), 48)
            known = sample.known[0] > 0
            errors.append(np.abs(sample.target - sample.truth)[:, known].mean())
            flipped.append(np.abs(sample.target[:, ::-1] - sample.truth)[:, known].mean())
        assert np.mean(errors) < 0.5 * np.mean(flipped)


def test_a_patch_is_degraded_as_the_middle_of_the_whole() -> None:
    """The margin around a window hides its borders."""
    rng = default_rng(3)
    truth, colour = smooth(rng, 160, 160), smooth(rng, 160, 160, 3)
    whole = depth_pair(truth, colour, 4).on_guide_grid()[64:96, 64:96]
    window = (slice(48, 112), slice(48, 112))  # the patch and 4 target samples around it
    part = depth_pair(truth[window], colour[window], 4).on_guide_grid()[16:48, 16:48]
    np.testing.assert_allclose(part, whole, atol=1e-3)


def test_holes_are_not_known_and_do_not_count() -> None:
    sample = next(
        sample
        for seed in range(50)
        if 0 < (sample := depth().sample(0, default_rng(seed), 32)).known.mean() < 1
    )
    check(sample, 32)


def test_a_window_of_holes_is_a_flat_sample() -> None:
    values, valid = np.zeros((64, 64), np.float32), np.zeros((64, 64), bool)
    frame = entry("hole", {}, depth=(values, valid), colour=smooth(default_rng(0), 64, 64, 3))
    check(DepthSet((frame,), 4).sample(0, default_rng(0), 32), 32)


def test_bands_are_repeated_in_order() -> None:
    rng = default_rng(5)
    pair = kspace_pair(smooth(rng, 40, 40), smooth(rng, 40, 40), 2)
    sample = cut_sample(rng, pair, 32, "any", anywhere=True)
    for channel in range(1, 4):
        np.testing.assert_array_equal(sample.target[channel], sample.target[0])
    np.testing.assert_array_equal(sample.guide[2], sample.guide[0])


def test_mri_counts_filled_slices_of_every_contrast() -> None:
    assert len(mri(40, 44, 5, contrasts=("T1", "T2", "FLAIR"))) == 15


def test_isotropic_volumes_are_cut_in_other_planes_where_a_patch_fits() -> None:
    deep = mri(70, 72, 64)
    for seed in range(12):
        check(deep.sample(seed, default_rng(seed), 64), 64)
    for seed in range(12):  # 64 slices do not hold a patch of 70
        check(deep.sample(seed, default_rng(seed), 70), 70)


def test_what_no_patch_fits_is_refused() -> None:
    with pytest.raises(RecipeError, match="one contrast only"):
        mri(40, 40, 5, contrasts=("T1",))
    for chosen, patch in ((pansharpening(), 72), (mri(40, 44, 5), 48), (depth(16), 84)):
        with pytest.raises(RecipeError, match=f"patch {patch} is larger"):
            chosen.sample(0, default_rng(0), patch)


def test_windows_are_a_patch_with_margin_or_all_there_is() -> None:
    truth = np.arange(200.0 * 60).reshape(200, 60, 1)
    for seed in range(10):
        window, guide = random_window(default_rng(seed), 48, 4, truth, -truth)
        assert window.shape == (80, 60, 1)
        np.testing.assert_array_equal(guide, -window)
