"""What users say is known of a depth array, against what the array holds."""

import warnings

import numpy as np
import pytest

from gisr.errors import InputError
from gisr.inference.array_pair import make_pair

GUIDE = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
DEPTH = np.linspace(2, 4, 24)[:, None] + np.zeros(32)
HOLE = np.zeros(DEPTH.shape, bool)
HOLE[4:9, 6:14] = True


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_mask_that_is_turned_around_is_refused(value: float) -> None:
    target = np.where(HOLE, value, DEPTH)
    with pytest.raises(InputError, match="turned around: give valid=~valid"):
        make_pair(target, GUIDE, "depth", valid=HOLE)
    pair = make_pair(target, GUIDE, "depth", valid=~HOLE)
    np.testing.assert_array_equal(pair.valid, ~HOLE)


@pytest.mark.parametrize(
    "confidence",
    [
        np.where(HOLE, 0, np.where(DEPTH > 3, 2, 1)).astype(np.uint8),  # ARKit
        np.where(HOLE, 0.05, 0.9),
        np.where(HOLE, 1, 2),
    ],
)
def test_confidences_are_no_mask(confidence: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"valid holds numbers.*compare them, as in valid=conf"):
        make_pair(DEPTH, GUIDE, "depth", valid=confidence)


def test_numbers_that_are_not_known_are_counted() -> None:
    target = np.where(HOLE, np.nan, DEPTH)
    with pytest.raises(InputError, match=r"valid marks 40 pixels as known that are NaN"):
        make_pair(target, GUIDE, "depth", valid=np.ones(DEPTH.shape, bool))


def test_zeros_that_are_said_to_be_known_are_doubted_beside_surfaces() -> None:
    target = np.where(HOLE, 0, DEPTH)
    with pytest.warns(UserWarning, match=r"as known that are 0 \(5\.2%\).*valid & \(target != 0\)"):
        pair = make_pair(target, GUIDE, "depth", valid=np.ones(DEPTH.shape, bool))
    assert pair.valid is None
    inverse = np.maximum(np.arange(768).reshape(24, 32) - 60, 0)  # which runs down to 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_pair(inverse, GUIDE, "depth", valid=np.ones(DEPTH.shape, bool))
        make_pair(target, GUIDE, "depth", valid=~HOLE)


def test_zeros_of_a_camera_that_looks_along_minus_z_are_holes() -> None:
    target = np.where(HOLE, 0, -DEPTH)
    with pytest.warns(UserWarning, match="are 0, NaN or infinite: they are taken for unknown"):
        pair = make_pair(target, GUIDE, "depth")
    np.testing.assert_array_equal(pair.valid, ~HOLE)
    both = np.where(HOLE, 0, DEPTH - 3)  # below and above: 0 is a number like others
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make_pair(both, GUIDE, "depth").valid is None


def test_arrays_of_labels_are_asked_for_as_files_are() -> None:
    labels = np.where(HOLE, 1, 2).astype(np.uint8)
    with pytest.warns(UserWarning, match="from 1 to 2, as in a map of confidence or labels"):
        make_pair(labels, GUIDE, "depth")
