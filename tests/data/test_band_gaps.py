from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from gisr.data.band_gaps import find_band_gaps, gap_text
from gisr.inference.array_pair import make_pair


def _land() -> NDArray[np.uint16]:
    """Smooth patches with texture in four bands, from 50 to 1700."""
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.standard_normal((80, 80, 4)), (3, 3, 0))
    image = image + 0.05 * rng.standard_normal(image.shape) * image.std()
    return np.rint(50 + (image - image.min()) / np.ptp(image) * 1650).astype(np.uint16)


def _line(image: NDArray[np.uint16]) -> None:
    image[40, :, 1] = 0


def _half(image: NDArray[np.uint16]) -> None:
    image[40:, :, 1] = 0


@pytest.mark.parametrize(("lose", "share"), [(_line, 80 / 6400), (_half, 0.5)])
def test_lines_and_parts_of_one_band_are_found(
    lose: Callable[[NDArray[np.uint16]], None], share: float
) -> None:
    image = _land()
    assert find_band_gaps(image) == ()
    lose(image)
    (gap,) = find_band_gaps(image)
    assert (gap.value, gap.bands, gap.certainty) == (0.0, (1,), "likely")
    assert gap.share == pytest.approx(share)
    assert gap_text(gap, (4, 3, 2, 1)).startswith(f"0 in {share:.1%} of the pixels of band 3, in")


def test_of_declared_nodata_lines_alone_are_told() -> None:
    lake, line = _land(), _land()
    lake[20:40, 20:40, 1] = 0
    _line(line)
    assert find_band_gaps(lake, None, (0, 0, 0, 0)) == ()
    assert [gap.bands for gap in find_band_gaps(lake, None, (None, None, None, 0))] == [(1,)]
    assert [gap.bands for gap in find_band_gaps(line, None, (0, 0, 0, 0))] == [(1,)]


def test_dark_content_and_single_pixels_are_no_gaps() -> None:
    shade, dots, roof = (_land() for _ in range(3))
    shade[..., 3] = np.maximum(shade[..., 3].astype(int) - 500, 0)  # clipped: 1, 2, 3 beside the 0
    dots[::7, ::7, 2] = 0
    roof[40:50, 40:50, 0] = 65535  # above the others: saturated
    for image in (shade, dots, roof):
        assert find_band_gaps(image) == ()
    assert find_band_gaps(np.zeros((20, 20, 3))) == ()


def test_arrays_with_lines_of_one_band_are_told() -> None:
    image = _land()
    _line(image)
    guide = np.random.default_rng(1).integers(50, 1700, (320, 320))
    with pytest.warns(UserWarning, match=r"target: 0 in 1\.2% of the pixels of band 2, in areas"):
        pair = make_pair(image, guide, "pansharpening")
    assert pair.valid is None
