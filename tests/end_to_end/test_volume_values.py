"""What values of volumes stand for that are no image of a contrast."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.volume_files import save, smooth, told

nibabel = pytest.importorskip("nibabel")
COARSE = np.diag([2.0, 2.0, 1.0, 1.0])
COARSE[:2, 3] = 0.5


@pytest.fixture
def guide(tmp_path: Path) -> Path:
    return save(tmp_path / "sub_T1w.nii", smooth((48, 48, 8)), np.eye(4))


def test_masks_labels_and_one_value_are_told(tmp_path: Path, guide: Path) -> None:
    mask = (smooth((24, 24, 8)) > 400).astype("u1")
    target = save(tmp_path / "brain_mask.nii", mask, COARSE)
    said = told(target, guide)["warning"]
    assert "brain_mask.nii holds only 0 and 1, like a mask or labels" in said
    said = told(save(target, np.full_like(mask, 7), COARSE), guide)["warning"]
    assert said == (
        "brain_mask.nii holds the one value 7: there is nothing to sharpen, check that it is the "
        "right file"
    )
    image = save(tmp_path / "s_T2w.nii", smooth((24, 24, 8)), COARSE)
    high = save(tmp_path / "g_dseg.nii", np.repeat(np.repeat(mask * 3, 2, 0), 2, 1), np.eye(4))
    assert "g_dseg.nii holds only 0 and 3, like a mask" in told(image, high)["warning"]
    few = np.round(smooth((24, 24, 8)) / 90).astype("i2")
    assert len(np.unique(few)) > 8
    assert "like a mask" not in told(save(image, few, COARSE), guide)["warning"]


def test_of_a_series_the_first_volume_is_named(tmp_path: Path, guide: Path) -> None:
    """Others may be images: the file is not the wrong one."""
    blank = np.stack([np.zeros((24, 24, 8)), smooth((24, 24, 8))], axis=-1).astype("f4")
    said = told(save(tmp_path / "s_T2w.nii", blank, COARSE), guide)["warning"]
    assert said.startswith("the first volume of s_T2w.nii holds the one value 0: the shift of")
    assert "take it out of the series" in said and "right file" not in said
    mask = np.stack([blank[..., 1] > 400, blank[..., 1]], axis=-1).astype("f4")
    said = told(save(tmp_path / "s_T2w.nii", mask, COARSE), guide)["warning"]
    assert "the first volume of s_T2w.nii holds only 0 and 1, like a mask or labels" in said


def test_an_atlas_of_many_labels_is_told(tmp_path: Path, guide: Path) -> None:
    """Codes of FreeSurfer: tens of whole numbers, in any order."""
    codes = np.random.default_rng(0).permutation(2035)[:18].reshape(6, 3) + 1
    atlas = np.repeat(np.repeat(np.repeat(codes[..., None], 4, 0), 8, 1), 8, 2).astype("i4")
    said = told(save(tmp_path / "aparc.nii", atlas, COARSE), guide)["warning"]
    assert (
        "aparc.nii holds 18 whole numbers, each in areas of its own, like labels: the result has "
        "values between and beyond them; enlarge labels by nearest neighbours" in said
    )
    image = save(tmp_path / "s_T2w.nii", smooth((24, 24, 8)), COARSE)
    high = save(tmp_path / "g.nii", np.repeat(np.repeat(atlas, 2, 0), 2, 1), np.eye(4))
    assert "g.nii holds 18 whole numbers" in told(image, high)["warning"]
    grey = (smooth((24, 24, 8)) / 4).astype("u1")
    assert "labels" not in told(save(image, grey, COARSE), guide)["warning"]
    labelled = nibabel.Nifti1Image(smooth((24, 24, 8)).round().astype("i2"), COARSE)
    labelled.header["intent_code"] = 1002
    nibabel.save(labelled, image)
    said = told(image, guide)["warning"]
    assert "s_T2w.nii holds labels, as its header says (intent code 1002): the result has" in said


@pytest.mark.parametrize(
    ("turn", "dtype"), [(2 * np.pi, "f4"), (360.0, "f8"), (4096.0, "i2"), (8192.0, "i2")]
)
def test_phases_that_wrap_are_told(turn: float, dtype: str, tmp_path: Path, guide: Path) -> None:
    """In radians, degrees and what scanners store; slopes of the same range are an image."""
    slope = np.tensordot((0.125, 0.0131, 0.0007), np.indices((24, 24, 8)), 1)
    wrapped = ((slope % 1 - 0.5) * turn).astype(dtype)
    said = told(save(tmp_path / "s_T2w.nii", wrapped, COARSE), guide)["warning"]
    assert said.startswith("s_T2w.nii holds what looks like phases, which jump where they wrap")
    image = save(tmp_path / "s_T2w.nii", smooth((24, 24, 8)), COARSE)
    high = save(tmp_path / "g.nii", np.repeat(np.repeat(wrapped, 2, 0), 2, 1), np.eye(4))
    assert "g.nii holds what looks like phases" in told(image, high)["warning"]
    even = ((slope / slope.max() - 0.5) * turn).astype(dtype)
    assert "phases" not in told(save(image, even, COARSE), guide)["warning"]


def test_a_head_without_its_skull_holds_no_phases(tmp_path: Path, guide: Path) -> None:
    """Its highest value may be that of a whole turn, and its rim falls from there to 0."""
    head = np.zeros((24, 24, 8), dtype=np.int16)
    head[4:20, 4:20] = 3600 + 495 * smooth((16, 16, 8)) / 820
    head[4, 4, 0] = 4095
    said = told(save(tmp_path / "s_T2w.nii", head, COARSE), guide)["warning"]
    assert "phases" not in said
    wrapped = np.tensordot((0.125, 0.0131, 0.0007), np.indices(head.shape), 1) % 1 * 4095
    wrapped[:4] = 0
    said = told(save(tmp_path / "s_T2w.nii", wrapped.astype("i2"), COARSE), guide)["warning"]
    assert "s_T2w.nii holds what looks like phases" in said


@pytest.mark.parametrize("ratio", [(2, 2, 1), (1, 1, 2)], ids=["plane", "slices"])
@pytest.mark.parametrize(("air", "low"), [(0.0, 0.0), (-4.0, -400.0), (0.0, -400.0)])
def test_what_a_mask_cleared_stays_clear(
    ratio: tuple[int, int, int], air: float, low: float, tmp_path: Path
) -> None:
    """A guide that keeps its skull, and all filters, reach over the rim of a target's mask."""
    shape = 24, 24, 8
    fine = tuple(np.multiply(shape, ratio))
    guide = save(tmp_path / "g_T1w.nii", smooth(fine), np.eye(4))
    voxels = (smooth(shape) + low) * (0.01 if low else 1)
    voxels[:8] = air
    affine = np.diag([*ratio, 1.0])
    affine[:3, 3] = (np.array(ratio) - 1) / 2
    told(save(tmp_path / "s_T2w.nii", voxels.astype("f4"), affine), guide)
    result = np.asarray(nibabel.load(tmp_path / "out.nii").dataobj)
    cleared = 7 * ratio[0] + 1
    assert (result[:cleared] == np.float32(air)).all()
    assert (result[cleared + ratio[0] :] != np.float32(air)).mean() > 0.99


@pytest.mark.parametrize(
    ("low", "scale", "air", "beside"),
    [
        (0.0, 1.0, None, 0.0),
        (-60.0, 1.0, None, 0.0),
        (-400.0, 0.01, None, -3.8),
        (-400.0, 0.01, 0.0, 0.0),
        (-1020.0, 1.0, -1024.0, -1024.0),
    ],
    ids=["magnitudes", "ringing", "standardised", "standardised and masked", "Hounsfield units"],
)
def test_beside_a_target_is_its_air(
    low: float, scale: float, air: float | None, beside: float, tmp_path: Path, guide: Path
) -> None:
    """0 is tissue in a standardised volume: it framed the result with a bright rim."""
    voxels = (smooth((24, 24, 8)) + low) * scale
    if air is not None:
        voxels[:4] = air
    affine = COARSE.copy()
    affine[0, 3] += 16
    said = told(save(tmp_path / "s_T2w.nii", voxels.astype("f4"), affine), guide)["note"]
    assert f"33.3% of T1 lies outside T2: {beside:g} there" in said
    result = np.asarray(nibabel.load(tmp_path / "out.nii").dataobj)
    np.testing.assert_allclose(result[:16], beside, rtol=1e-6)
    assert np.ptp(result[20:]) > 0.5 * np.ptp(voxels)


def test_a_guide_of_one_value_is_not_moved_for_rounding(tmp_path: Path) -> None:
    high = save(tmp_path / "g_T1w.nii", smooth((48, 48, 8)), np.eye(4))
    constant: NDArray[np.int16] = np.full((24, 24, 8), 7, np.int16)
    said = told(save(tmp_path / "s_T2w.nii", constant, COARSE), high)
    assert said["warning"].startswith("s_T2w.nii holds the one value 7")
    assert "turned" not in said["note"] and "left out" not in said["note"]
