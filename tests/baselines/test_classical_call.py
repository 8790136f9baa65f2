"""What every classical baseline owes its caller: the upscaler's call, units, holes, refusals."""

from typing import Any, get_args

import numpy as np
import pytest
import torch
from numpy.typing import DTypeLike
from PIL import Image

from gisr.baselines.classical import (
    CLASSICAL,
    BaselineName,
    Bicubic,
    GramSchmidtAdaptive,
    GuidedFilter,
    ZeroFilled,
    load_baseline,
)
from gisr.data.degradations import kspace_crop, zero_fill
from gisr.data.resample import bicubic_to_guide
from gisr.errors import InputError, PairError
from gisr.inference.system import PairSystem
from gisr.placement import Placement
from gisr.tasks import TaskName

APPLIES = [(name, task) for name, baseline in CLASSICAL.items() for task in baseline.tasks]
REFUSES = [
    (name, task)
    for name, baseline in CLASSICAL.items()
    for task in get_args(TaskName)
    if task not in baseline.tasks
]


def smooth(height: int, width: int, bands: int = 1) -> np.ndarray:
    """Return waves and an edge over one field of view at any size, values 50 to about 250."""
    rows, columns = np.mgrid[0:height, 0:width]
    y, x = (rows + 0.5) / height, (columns + 0.5) / width
    waves = [
        np.sin((9.0 + band) * y + 1.0) * np.cos(8.0 * x) + (x + 0.3 * y > 0.6)
        for band in range(bands)
    ]
    return (np.stack(waves, axis=2) * 65.0 + 115.0).astype(np.float32)


def example(task: TaskName, bands: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return a target (12, 10, bands) and a guide (48, 40, 1 or 3) of the same scene."""
    return smooth(12, 10, bands), smooth(48, 40, 3 if task == "depth" else 1)


FACTS: dict[str, dict[str, Any]] = {
    "pansharpening": {"sensor": "QuickBird"},
    "multiband": {"sensor": "QuickBird"},
    "mri": {"contrast": "T2", "guide_contrast": "T1"},
    "depth": {},
}
"""What may be said of the images of a task."""


def test_names_are_the_keys() -> None:
    assert set(CLASSICAL) == set(get_args(BaselineName))
    for name, baseline in CLASSICAL.items():
        assert baseline.name == name
        assert load_baseline(name) is baseline
    with pytest.raises(InputError, match="bicubic, zero-filled"):
        load_baseline("cubic")


@pytest.mark.parametrize(("name", "task"), APPLIES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, np.float64])
def test_shape_and_type_of_the_result(name: str, task: TaskName, dtype: DTypeLike) -> None:
    target, guide = (image.clip(0, 255).astype(dtype) for image in example(task, bands=2))
    before = target.copy(), guide.copy()
    upscaler: PairSystem = load_baseline(name)
    result = upscaler(
        target,
        guide,
        task,
        ratio=4,
        bits=11,
        description="a sentence",
        **FACTS[task],
    )
    assert result.shape == (48, 40, 2)
    assert result.dtype == np.float32
    flat = upscaler(target[..., 0], guide[..., 0], task)
    assert flat.shape == (48, 40)
    np.testing.assert_array_equal(target, before[0])
    np.testing.assert_array_equal(guide, before[1])


@pytest.mark.parametrize(("name", "task"), APPLIES)
def test_units_are_the_targets(name: str, task: TaskName) -> None:
    target, guide = example(task, bands=2)
    result = load_baseline(name)(target, guide, task)
    changed = load_baseline(name)(8.0 * target + 500.0, guide, task)
    np.testing.assert_allclose(changed, 8.0 * result + 500.0, rtol=1e-4, atol=0.5)


@pytest.mark.parametrize(("name", "task"), APPLIES)
def test_units_of_the_guide_do_not_matter(name: str, task: TaskName) -> None:
    target, guide = example(task)
    result = load_baseline(name)(target, guide, task)
    changed = load_baseline(name)(target, 16.0 * guide + 100.0, task)
    np.testing.assert_allclose(changed, result, rtol=1e-4, atol=0.5)


@pytest.mark.parametrize(("name", "task"), APPLIES)
def test_a_constant_target_stays_constant(name: str, task: TaskName) -> None:
    _, guide = example(task)
    result = load_baseline(name)(np.full((12, 10), 700.0), guide, task)
    np.testing.assert_allclose(result, 700.0, rtol=1e-5)


@pytest.mark.parametrize(("name", "task"), APPLIES)
def test_a_constant_guide_adds_nothing_sharp(name: str, task: TaskName) -> None:
    target, guide = example(task)
    result = load_baseline(name)(target, np.full_like(guide, 90.0), task)
    assert np.isfinite(result).all()
    plain = (ZeroFilled() if name == "zero-filled" else Bicubic())(target, guide, task)
    if name == "guided-filter":  # a window average of it
        assert np.abs(np.diff(result[..., 0])).max() < np.abs(np.diff(plain[..., 0])).max()
    else:
        np.testing.assert_array_equal(result, plain)


@pytest.mark.parametrize(("name", "task"), APPLIES)
def test_holes_are_filled_before_whatever_they_hold(name: str, task: TaskName) -> None:
    target, guide = example(task)
    valid = np.ones(target.shape[:2], dtype=bool)
    valid[4:6, 3:5] = valid[0, 0] = False
    upscaler = load_baseline(name)
    masked = upscaler(np.where(valid[..., None], target, -9999.0), guide, task, valid=valid)
    holes = np.where(valid[..., None], target, np.nan)
    nan = upscaler(holes, guide, task, valid=torch.from_numpy(valid))
    np.testing.assert_array_equal(masked, nan)
    # Ringing of the interpolation aside, nothing outside the range of the known values.
    spread = np.ptp(target)
    assert masked.min() > target.min() - spread
    assert masked.max() < target.max() + spread
    if task == "depth":  # NaN is unknown in any depth map
        with pytest.warns(UserWarning, match="NaN or infinite: they are taken for unknown"):
            found = upscaler(holes, guide, task)
        np.testing.assert_array_equal(found, masked)
        return
    with pytest.raises(InputError, match="mark unknown pixels with valid="):
        upscaler(holes, guide, task)


@pytest.mark.parametrize(("name", "task"), APPLIES)
def test_tensors_are_taken_like_arrays(name: str, task: TaskName) -> None:
    target, guide = example(task)
    result = load_baseline(name)(torch.from_numpy(target), torch.from_numpy(guide), task)
    np.testing.assert_array_equal(result, load_baseline(name)(target, guide, task))


@pytest.mark.parametrize(("name", "task"), APPLIES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (2, 2)])
def test_tiny_images(name: str, task: TaskName, shape: tuple[int, int]) -> None:
    target = smooth(*shape)
    guide = smooth(4 * shape[0], 4 * shape[1], 3 if task == "depth" else 1)
    result = load_baseline(name)(target, guide, task)
    assert result.shape == (4 * shape[0], 4 * shape[1], 1)
    assert np.isfinite(result).all()


@pytest.mark.parametrize(("name", "task"), REFUSES)
def test_another_task_is_refused(name: str, task: TaskName) -> None:
    target, guide = example(task)
    with pytest.raises(InputError, match=f"{name} does not apply to task '{task}'"):
        load_baseline(name)(target, guide, task)


@pytest.mark.parametrize(("name", "task"), APPLIES)
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"guide": np.full((48, 40), np.nan)}, InputError),
        ({"target": np.zeros((12, 10), dtype=np.complex64)}, InputError),
        ({"target": np.zeros((0, 10))}, InputError),
        ({"target": np.zeros(10)}, InputError),
        ({"guide": np.zeros((6, 5))}, PairError),
        ({"ratio": 3.0}, PairError),
        ({"valid": np.ones((3, 3), dtype=bool)}, PairError),
    ],
    ids=["guide nan", "complex", "empty", "line", "guide coarser", "ratio", "mask"],
)
def test_what_is_no_pair_is_refused(
    name: str, task: TaskName, change: dict[str, Any], error: type[Exception]
) -> None:
    target, guide = example(task)
    arguments: dict[str, Any] = {"target": target, "guide": guide, "task": task} | change
    with pytest.raises(error):
        load_baseline(name)(**arguments)


def test_bicubic_is_pillows_where_pixel_areas_are_aligned() -> None:
    target = smooth(12, 10)[..., 0]
    expected = Image.fromarray(target).resize((40, 48), Image.Resampling.BICUBIC)
    result = Bicubic()(target, smooth(48, 40), "depth")
    np.testing.assert_allclose(result, np.asarray(expected), rtol=1e-5)


def test_bicubic_keeps_the_samples_of_a_kspace_grid() -> None:
    target = smooth(12, 10)[..., 0]
    result = Bicubic()(target, smooth(48, 40), "mri")
    np.testing.assert_allclose(result[::4, ::4], target, rtol=1e-6)
    centred = Bicubic()(target, smooth(48, 40), "mri", grid="centre")
    placement = Placement.from_grid("centre", (12, 10), (48, 40))
    np.testing.assert_array_equal(centred, bicubic_to_guide(target, (48, 40), placement))


def test_zero_filling_restores_a_band_limited_slice() -> None:
    rows, columns = np.mgrid[0:32, 0:24]
    truth = 5 + np.cos(2 * np.pi * 3 * rows / 32) * np.sin(2 * np.pi * 2 * columns / 24 + 0.3)
    target = np.stack([kspace_crop(truth, 2), kspace_crop(2 * truth, 2)], axis=2)
    result = ZeroFilled()(target, truth, "mri")
    np.testing.assert_allclose(result[..., 0], truth, atol=1e-5)
    np.testing.assert_allclose(result[..., 1], 2 * truth, atol=1e-5)
    np.testing.assert_array_equal(result[..., 0], zero_fill(target[..., 0], (32, 24)))
    with pytest.raises(InputError, match='pass grid="kspace"'):
        ZeroFilled()(target, truth, "mri", grid="centre")


@pytest.mark.parametrize(
    ("baseline", "task", "channels"),
    [(GramSchmidtAdaptive(), "pansharpening", 3), (GuidedFilter(), "depth", 2)],
)
def test_a_guide_with_other_channels_is_refused(
    baseline: PairSystem, task: TaskName, channels: int
) -> None:
    with pytest.raises(InputError, match=f"{channels}"):
        baseline(smooth(12, 10), smooth(48, 40, channels), task)
