from dataclasses import replace

import cv2
import numpy as np
import pytest

import gisr
from gisr.data.pair import Pair
from gisr.data.resample import resize_pillow
from gisr.inference import trained_ratio
from gisr.inference.trained_ratio import at_trained_ratio, onto_guide, ratio_notes
from gisr.placement import Placement


def before_a_slant(sides: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a depth map of two boxes before a wall that runs away, and its picture."""
    rows, columns = (np.arange(side)[:, None] / side for side in sides)
    truth = (3 + 0.8 * rows + 0 * columns.T).astype(np.float32)
    colours = np.full((*sides, 3), 180.0, np.float32)
    for top, left, depth, colour in (
        (0.21, 0.13, 1.3, (60, 40, 30)),
        (0.4, 0.57, 2, (40, 90, 200)),
    ):
        box = (abs(rows - top - 0.2) < 0.2) & (abs(columns.T - left - 0.13) < 0.13)
        truth[box], colours[box] = depth, colour
    return truth, colours


def pair_of(target: tuple[int, int], guide: tuple[int, int]) -> Pair:
    depth = np.random.default_rng(0).uniform(1, 2, target)
    return gisr.make_pair(depth, np.zeros((*guide, 3)), "depth")


@pytest.mark.parametrize(
    ("guide", "sides"),
    [
        ((120, 160), (96, 128)),
        ((180, 240), (192, 256)),
        ((48, 64), (96, 128)),
        ((98, 131), (96, 128)),
    ],
)
def test_pictures_are_brought_to_a_ratio_that_was_learnt(
    guide: tuple[int, int], sides: tuple[int, int]
) -> None:
    pair = pair_of((24, 32), guide)
    worked = at_trained_ratio(pair)
    assert worked.guide.shape[:2] == sides
    assert worked.placement == Placement.from_grid("centre", (24, 32), sides)
    image = np.full((*sides, 1), 2, np.float32)
    np.testing.assert_allclose(onto_guide(image, pair), np.full((*guide, 1), 2), rtol=1e-6)


def test_others_stay_as_they_are() -> None:
    for guide in ((96, 128), (192, 256), (384, 512), (26, 35)):
        pair = pair_of((24, 32), guide)
        assert at_trained_ratio(pair) is pair
    pair = pair_of((24, 32), (120, 160))
    shifted = replace(pair, placement=Placement(pair.placement.scale, (-0.2, -0.4)))
    assert at_trained_ratio(shifted) is shifted
    for guide in ((40, 250), (300, 260)):  # a part of the target, and more than it
        placed = Placement((0.2, 0.2), (-0.4, -0.4))
        depth = np.random.default_rng(0).uniform(1, 2, (50, 50))
        part = gisr.make_pair(depth, np.zeros((*guide, 3)), "depth", placement=placed)
        assert at_trained_ratio(part) is part
    mri = gisr.make_pair(pair.target, np.zeros((120, 160)), "mri")
    assert at_trained_ratio(mri) is mri


def test_the_grid_is_told() -> None:
    (note,) = ratio_notes(pair_of((24, 32), (120, 160)))
    assert note.text == (
        "sharpened at x4 (128 x 96), the nearest ratio that was learnt, "
        "and resized to the guide's x5"
    )
    assert not ratio_notes(pair_of((24, 32), (96, 128)))


def test_grids_that_take_too_much_memory_are_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trained_ratio, "_MOST_PIXELS", 96 * 128 - 1)
    pair = pair_of((24, 32), (48, 64))
    assert at_trained_ratio(pair) is pair
    (note,) = ratio_notes(pair)
    assert "x2 is no ratio that was learnt, and x4 (128 x 96) takes too much memory" in note.text
    coarser = pair_of((24, 32), (120, 160))  # fewer pixels than the picture has are never too many
    assert at_trained_ratio(coarser).guide.shape[:2] == (96, 128)


@pytest.mark.parametrize("low", [(48, 64), (32, 43), (80, 107)])  # x5, x7.5, x3
def test_ratios_between_are_sharpened_as_well(low: tuple[int, int]) -> None:
    truth, colours = before_a_slant((240, 320))
    target = resize_pillow(truth, low)
    result = gisr.load_model(None, "cpu")(target, colours, "depth")
    linear = cv2.resize(target, (320, 240), interpolation=cv2.INTER_LINEAR)
    errors = [float(np.sqrt(np.mean((image - truth) ** 2))) for image in (result, linear)]
    assert errors[0] < 0.6 * errors[1]
