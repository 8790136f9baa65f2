"""Slopes that hold a result: 0 and what stands for unknown voxels stay stored numbers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gisr.io.volumes.nifti import read_nifti_header
from gisr.io.volumes.nifti_writer import NiftiWriter, nifti_writer
from gisr.io.volumes.slope import wider

nibabel = pytest.importorskip("nibabel")

INT16, UINT8 = (-32768, 32767), (0, 255)


def test_a_slope_grows_with_its_values_and_1_stays() -> None:
    assert wider((1.0, 0.0), INT16, -5, 1e5) == (1.0, 0.0)
    assert wider((0.5, 3.0), INT16, -10, 10) == (0.5, 3.0)
    slope, intercept = wider((0.01, 0.0), INT16, 0, 400, whole=True)
    assert INT16[1] * slope + intercept >= 400
    assert INT16[0] * slope + intercept <= -327.68


def test_a_slope_stays_where_moving_the_intercept_is_enough() -> None:
    assert wider((0.5, 0.0), INT16, 0, 16900) == (0.5, 16384.0)
    assert wider((0.5, 0.0), INT16, 0, 16900, fill=-9999.0) == (0.5, 4096.0)
    assert wider((0.25, 0.0), UINT8, -2, 60) == (0.25, -2.0)


@pytest.mark.parametrize("limits", [INT16, UINT8, (-128, 127), (0, 65535), (-(2**31), 2**31 - 1)])
@pytest.mark.parametrize("low", [0.0, -3.7, -611.3])
def test_0_stays_a_stored_number_and_nothing_is_clipped(
    limits: tuple[int, int], low: float
) -> None:
    most = limits[1] - limits[0]
    own = float(np.float32((1000 - low) / most))
    scale = own, float(np.float32(low - limits[0] * own))
    slope, intercept = wider(scale, limits, low * 1.01, 1030.6)
    assert (float(np.float32(slope)), float(np.float32(intercept))) == (slope, intercept)
    zero = round(-intercept / slope)
    assert zero * slope + intercept == 0
    assert zero == limits[0] or low < 0, "magnitudes begin at the type's lowest number"
    stored = (np.array([low * 1.01, 1030.6]) - intercept) / slope
    assert limits[0] - 0.5 <= stored[0] and stored[1] <= limits[1] + 0.5
    assert slope <= 1.004 * max(own, (1030.6 - 1.01 * low) / most)


def test_fill_stays_a_stored_number_at_less_than_twice_the_step() -> None:
    for fill, finest in ((-9999.0, 0.87), (-1000.0, 0.74), (-1024.0, 0.74)):
        slope, intercept = wider((0.5, 0.0), INT16, 0, 46900, fill=fill)
        stored = round((fill - intercept) / slope)
        assert stored * slope + intercept == fill and INT16[0] <= stored
        assert round(-intercept / slope) * slope + intercept == 0
        assert finest <= slope < 2 * finest and (46900 - intercept) / slope <= INT16[1]


def _written(
    folder: Path, slope: float, sharp: NDArray[Any], fill: float, dtype: type = np.int16
) -> tuple[NDArray[np.float64], NiftiWriter]:
    """Return what a result holds of a target with a slope, as other programs read it."""
    image = nibabel.Nifti1Image(np.zeros(sharp.shape, dtype), np.eye(4))
    nibabel.save(image, folder / "t.nii")
    header = read_nifti_header(folder / "t.nii")
    header.header.set_slope_inter(slope, 0)
    target = replace(header, padding=fill / slope)
    out = folder / "out.nii"
    with nifti_writer(out, out, target=target, guide=header) as output:
        output.write(sharp)
    return nibabel.load(out).get_fdata(), output


def test_background_and_fill_come_back_when_peaks_move_the_slope(tmp_path: Path) -> None:
    sharp = np.linspace(-3, 16900, 64, dtype=np.float32).reshape(4, 4, 4)
    sharp[1] = 0
    sharp[0] = np.nan
    found, output = _written(tmp_path, 0.5, sharp, -9999.0)
    assert (found[0] == -9999).all() and (found[1] == 0).all()
    np.testing.assert_allclose(found[2:], sharp[2:], atol=0.25)
    assert output.notes == ()


def test_fill_that_no_slope_can_keep_is_told(tmp_path: Path) -> None:
    sharp = np.linspace(0, 3000, 64, dtype=np.float32).reshape(4, 4, 4)
    sharp[0] = np.nan
    sharp[1] = 0
    found, output = _written(tmp_path, 7.0, sharp, -7.0, np.int8)
    assert (found[1] == 0).all() and (found[0] == found[0, 0, 0]).all()
    (note,) = output.notes
    assert f"unknown voxels hold {found[0, 0, 0]:.8g} in place of -7:" in note.text
