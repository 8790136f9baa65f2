"""What may go into a store: images that hold something, and fit together."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from gisr.datasets.entry import Entry, Frame, PublishedPair, Scan, Scene
from gisr.errors import InputError

ABOUT: dict[str, Any] = {"name": "entry", "dataset": "made", "split": "train"}


def ones(*shape: int) -> Any:
    return partial(np.ones, shape)


def filled(value: object, *shape: int) -> Any:
    return partial(np.full, shape, value)


def pair(target: Any = None, guide: Any = None, truth: Any = None) -> PublishedPair:
    return PublishedPair(
        **ABOUT,
        task="pansharpening",
        ratio=2,
        read_target=target or ones(3, 4, 4),
        read_guide=guide or ones(6, 8, 1),
        read_truth=truth,
    )


def scene(multispectral: Any, panchromatic: Any) -> Scene:
    return Scene(**ABOUT, read_multispectral=multispectral, read_panchromatic=panchromatic)


def scan(slices: tuple[int, ...] | None = None, **contrasts: Any) -> Scan:
    return Scan(**ABOUT, slices=slices, read_contrasts=contrasts)


def frame(values: Any, valid: Any, colour: Any) -> Frame:
    return Frame(**ABOUT, read_depth=lambda: (values(), valid()), read_colour=colour)


KNOWN = filled(True, 5, 6)
REFUSED: list[tuple[Entry, str]] = [
    (pair(guide=ones(9, 8, 1)), "guide of 8 x 9 does not fit: 2 times the target is 8 x 6"),
    (pair(truth=ones(6, 8, 3)), "truth of 8 x 6 x 3 does not fit: 2 times the target is 8 x 6 x 4"),
    (pair(filled(0, 3, 4, 4)), "target is empty: every value is 0"),
    (pair(ones(0, 4, 4)), r"target of shape \(0, 4, 4\) is empty"),
    (pair(ones(3, 4)), "has not 3 axes"),
    (pair(guide=filled(np.nan, 6, 8, 1)), "guide holds 48 values that are NaN or infinite"),
    (pair(guide=filled(1e39, 6, 8, 1)), "beyond float32"),
    (pair(guide=filled("a", 6, 8, 1)), "must be numbers"),
    (scene(ones(6, 5, 4), ones(15, 10, 1)), "panchromatic image of 10 x 15 x 1 is no whole mul"),
    (scene(ones(6, 5, 4), ones(12, 15, 1)), "no whole multiple"),
    (scene(ones(6, 5, 4), ones(2, 2, 1)), "no whole multiple"),
    (scene(ones(6, 5, 4), ones(12, 10, 3)), "has 3 channels: it must have one"),
    (scan(T1=ones(4, 5, 6)), r"only one contrast \(T1\): a guide is missing"),
    (scan(T1=ones(4, 5, 6), T2=ones(4, 5, 7)), "T2 of 4 x 5 x 7 does not fit: T1 is 4 x 5 x 6"),
    (scan((5, 6), T1=ones(4, 5, 6), T2=ones(4, 5, 6)), "slice 6 counts, but there are 6"),
    (frame(ones(5, 6), filled(False, 5, 6), ones(5, 6, 3)), "depth is empty: no pixel is known"),
    (frame(filled(np.inf, 5, 6), KNOWN, ones(5, 6, 3)), "depth holds 30 values that are NaN"),
    (frame(ones(5, 6), filled(True, 6, 5), ones(5, 6, 3)), "mask of known values of 5 x 6"),
    (frame(ones(5, 6), KNOWN, ones(5, 7, 3)), "colour of 7 x 5 does not fit: depth is 6 x 5"),
]


@pytest.mark.parametrize(("entry", "reason"), REFUSED)
def test_damaged_images_are_refused_with_the_reason(entry: Entry, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        entry.checked_images()


def test_a_panchromatic_image_may_miss_a_part_of_a_pixel() -> None:
    # As the Landsat-8 scene of 310 x 400 and 620 x 799 pixels.
    assert len(scene(ones(31, 40, 4), ones(62, 79, 1)).checked_images()) == 2
    with pytest.raises(InputError, match="no whole multiple"):
        scene(ones(31, 40, 4), ones(62, 78, 1)).checked_images()


def test_unknown_depth_is_not_looked_at() -> None:
    values = np.array([[np.nan, 2.0], [np.inf, 3.0]])
    images = frame(lambda: values, lambda: np.isfinite(values), ones(2, 2, 3)).checked_images()
    assert images["depth"].tolist() == [[0, 2], [0, 3]]
    assert images["depth"].dtype == np.uint8


def test_images_are_not_kept_in_the_entry() -> None:
    entry = pair()
    entry.checked_images()
    assert not set(vars(entry)) & {"stored_target", "stored_guide", "stored_truth"}
