"""Bicubic rows of the depth literature, from the readers' values and Pillow alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gisr.datasets.entry import Entry, Frame
from gisr.datasets.sources import read_entries

BICUBIC = Image.Resampling.BICUBIC

# Folder, ratio, mean RMSE with no border cut and with 6 pixels cut. Lu and NYU v2: peers.md, B.1,
# measured there with code of its own. RGB-D-D: the 21 frames here, measured with the loop below
# (on all 405 peers.md has 1.916 / 1.920, 3.198 / 3.206 and 5.138 / 5.142 cm).
ROWS = [
    ("lu", 4, 2.42, 2.47),
    ("lu", 8, 4.54, 4.64),
    ("lu", 16, 7.38, 7.52),
    ("nyu", 4, 3.43, 3.42),
    ("nyu", 8, 5.63, 5.64),
    ("nyu", 16, 9.53, 9.36),
    ("rgbdd", 4, 1.75, 1.74),
    ("rgbdd", 8, 2.95, 2.94),
    ("rgbdd", 16, 4.74, 4.72),
]


def there_and_back(truth: np.ndarray, ratio: int) -> np.ndarray:
    height, width = truth.shape
    small = Image.fromarray(truth).resize((width // ratio, height // ratio), BICUBIC)
    return np.asarray(small.resize((width, height), BICUBIC), dtype=np.float64)


def errors(entry: Entry, ratio: int) -> tuple[float, float]:
    """Return the RMSE of a frame without a border cut, and with 6 pixels."""
    assert isinstance(entry, Frame) and entry.split == "test"
    values, valid = entry.depth
    assert valid.all() and entry.colour.shape == (*values.shape, 3)
    rows, columns = (side // ratio * ratio for side in values.shape)
    truth = values[:rows, :columns]
    squared = (there_and_back(truth, ratio) - truth) ** 2
    return float(np.sqrt(squared.mean())), float(np.sqrt(squared[6:-6, 6:-6].mean()))


@pytest.mark.parametrize(("collection", "ratio", "uncut", "cut"), ROWS)
def test_bicubic_rows(
    data_folder: Path, collection: str, ratio: int, uncut: float, cut: float
) -> None:
    folder = data_folder / "standard" / collection
    if not folder.is_dir():
        pytest.skip(f"needs the published samples: {folder} is not there")
    measured = np.mean([errors(entry, ratio) for entry in read_entries(folder)], axis=0)
    np.testing.assert_allclose(measured, [uncut, cut], atol=0.005)
