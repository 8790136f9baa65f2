"""Sizes are written as users have them: width first, volumes in the order of their axes."""

from pathlib import Path

import numpy as np
import pytest

from gisr.datasets.entry.checks import check_equal
from gisr.errors import InputError, LimitError, PairError
from gisr.io.limits import Limits, check_picture
from gisr.pipelines.request import FileResult
from gisr.placement import Placement, check_overlap, place_by_shape
from gisr.sizes import picture_size, volume_size
from gisr.tasks import TaskName


@pytest.mark.parametrize(
    ("shape", "written"),
    [((480, 640), "640 x 480"), ((480, 640, 4), "640 x 480 x 4"), (np.ones((2, 3)).shape, "3 x 2")],
)
def test_width_comes_first(shape: tuple[int, ...], written: str) -> None:
    assert picture_size(shape) == written


@pytest.mark.parametrize(
    ("task", "shape", "volume", "written"),
    [
        ("pansharpening", (200, 300, 4), False, "300 x 200 x 4"),
        ("depth", (480, 640), False, "640 x 480"),
        ("mri", (176, 256, 160), True, "176 x 256 x 160"),
        ("mri", (200, 300, 1), False, "300 x 200 x 1"),
    ],
)
def test_the_size_of_a_result(
    task: TaskName, shape: tuple[int, ...], volume: bool, written: str
) -> None:
    result = FileResult(Path("out"), task, shape, "uint8", 4.0, "centre", volume=volume)
    assert result.size == written


def test_messages_on_two_images_say_width_and_height() -> None:
    with pytest.raises(PairError, match="target of 40 x 30 and guide of 160 x 90 pixels have diff"):
        Placement.from_grid("centre", (30, 40), (90, 160))
    with pytest.raises(PairError, match=r"ratio 3 .* 40 x 30 and .* 160 x 120 .*\(4 x 4\)"):
        place_by_shape((30, 40), (120, 160), "centre", 3)
    with pytest.raises(InputError, match="target of 0 x 30 and guide of 160 x 120 pixels"):
        place_by_shape((30, 0), (120, 160), "centre", None)
    with pytest.raises(PairError, match="of 40 x 30 pixels"):
        check_overlap(Placement((0.25, 0.25), (900.0, 0.0)), (30, 40), (120, 160), "a and b")


def test_messages_on_one_file_say_width_and_height() -> None:
    with pytest.raises(LimitError, match=r"1200 pixels \(40 x 30\)"):
        check_picture("a.tif", Limits(max_pixels=9), height=30, width=40, bands=1, itemsize=1)
    with pytest.raises(InputError, match="mask of 4 x 3 does not fit: depth is 5 x 3"):
        check_equal("mask", (3, 4), "depth", (3, 5))
    with pytest.raises(InputError, match="T2 of 3 x 4 x 9 does not fit: T1 is 3 x 5 x 9"):
        check_equal("T2", (3, 4, 9), "T1", (3, 5, 9), volume_size)
