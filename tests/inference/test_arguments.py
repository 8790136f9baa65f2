"""Arguments of Python calls that cannot be: refused by name, and none passed over in silence."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from gisr.errors import InputError
from gisr.inference.answers import Settings
from gisr.inference.array_pair import make_pair
from gisr.inference.upscaler import Upscaler
from gisr.weights.store import Weights

RNG = np.random.default_rng(3)
TARGET = RNG.uniform(20, 220, (12, 16)).astype(np.float32)
GUIDE = RNG.uniform(20, 220, (48, 64)).astype(np.float32)
VALID = np.ones(TARGET.shape, bool)
VALID[2:4, 3:6] = False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"consistent": True}, "consistent True must be one of default, always, kspace, never"),
        ({"consistent": "no"}, "consistent 'no' must be one of default, always"),
        ({"align": False}, "align False must be one of auto, off"),
        ({"align": "report"}, "align 'report' must be one of auto, off"),
        ({"spread": 2}, "spread 2 must be one of True, False"),
        ({"spread": "spread.npy"}, "spread 'spread.npy' must be one of True, False"),
        ({"precision": "float16"}, "precision 'float16' must be one of auto, float32, bfloat16"),
        ({"description": 5}, "description 5 must be text, or left out"),
    ],
)
def test_settings_that_are_no_choice(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Settings(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"batch": 2.5}, "batch 2.5 must be a whole number, or left out"),
        ({"batch": "2"}, "batch '2' must be a whole number"),
        ({"batch": True}, "batch True must be a whole number"),
        ({"batch": 0}, "batch 0 must be at least 1"),
        ({"overlap": -1}, r"overlap -1 must lie between 0 and half of the tile \(256\)"),
        ({"overlap": 1.5}, "overlap 1.5 must be a whole number"),
        ({"overlap": None}, "overlap None must be a whole number"),
        ({"tile": "64"}, "tile '64' must be a whole number"),
        ({"tile": 64.0}, "tile 64.0 must be a whole number"),
        ({"tile": None}, "tile None must be a whole number"),
        ({"tile": 50}, "tile 50 must be a multiple of 4 pixels"),
    ],
)
def test_tiles_that_cannot_be(
    given: dict[str, Any], said: str, weights: Callable[..., Weights]
) -> None:
    with pytest.raises(InputError, match=said):
        Upscaler(weights(), "cpu", **given)
    numbers: dict[str, Any] = {"tile": np.int64(64), "batch": np.int64(2), "overlap": 0}
    assert Upscaler(weights(), "cpu", **numbers).tile == 64


@pytest.mark.parametrize(
    ("task", "given", "said"),
    [
        ("depth", {"ratio": "4"}, "ratio '4' must be a number, or left out"),
        ("depth", {"ratio": True}, "ratio True must be a number"),
        ("depth", {"ratio": (4, 4)}, r"ratio \(4, 4\) must be a number"),
        ("pansharpening", {"bits": "8"}, "bits '8' must be a whole number, or left out"),
        ("pansharpening", {"bits": 8.5}, "bits 8.5 must be a whole number"),
        ("pansharpening", {"mtf": "0.3"}, "mtf '0.3' must be a number"),
        ("pansharpening", {"sensor": 5}, "sensor 5 must be text"),
        ("mri", {"contrast": 2}, "contrast 2 must be text"),
        ("mri", {"guide_contrast": 1}, "guide_contrast 1 must be text"),
        ("depth", {"valid": VALID.astype(str)}, "valid of type <U5 must be true where"),
        ("depth", {"valid": np.where(VALID, 1, np.nan)}, "valid holds 6 NaN, which are neither"),
        ("depth", {"guide_valid": np.full((48, 64), np.nan)}, "guide_valid holds 3072 NaN"),
    ],
)
def test_facts_of_a_wrong_type(task: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_pair(TARGET, GUIDE, task, **given)


def test_numbers_of_numpy_are_numbers() -> None:
    wide = 8 * TARGET  # beyond 8 bits, and powers of two beyond them overflow np.uint8
    facts: dict[str, Any] = {"ratio": np.float32(4), "bits": np.uint8(11), "mtf": np.float64(0.3)}
    pair = make_pair(wide, GUIDE, "pansharpening", **facts)
    assert (pair.ratio, pair.bits, pair.mtf) == (4, 11, pytest.approx(0.3))


def test_what_a_mask_of_a_mask_hides_is_unknown() -> None:
    masked = np.ma.masked_array(np.ones(VALID.shape, bool), ~VALID)
    for valid in (masked, VALID.tolist(), torch.tensor(VALID), VALID * 255):
        pair = make_pair(TARGET, GUIDE, "depth", valid=valid)
        np.testing.assert_array_equal(pair.valid, VALID)


@pytest.mark.parametrize("given", [None, SimpleNamespace(dataobj=np.ones((4, 4)))])
def test_objects_of_other_libraries_are_named(given: object) -> None:
    reason = rf"target is of type {type(given).__name__}, and not an array.*target.dataobj"
    with pytest.raises(InputError, match=reason):
        make_pair(given, np.ones((8, 8)), "mri")  # type: ignore[arg-type]


def test_what_is_no_array_is_named() -> None:
    with pytest.raises(InputError, match=r"target 'depth.png' is the name of a file.*upscale_file"):
        make_pair("depth.png", GUIDE, "depth")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"guide is no array: .*inhomogeneous shape"):
        make_pair(TARGET, [[1.0, 2.0], [3.0]], "depth")  # type: ignore[arg-type]


def test_values_beyond_float32_are_not_called_infinite() -> None:
    large = TARGET.astype(np.float64)
    large[2, 3] = 1e300
    with pytest.raises(InputError, match=r"target holds 1e\+300, more than float32 .*divide"):
        make_pair(large, GUIDE, "mri", valid=np.ones(TARGET.shape, bool))
    assert make_pair(large, GUIDE, "mri", valid=VALID).valid is not None  # it is unknown there


def test_sizes_that_are_no_multiples_are_at_a_whole_ratio_as_in_files() -> None:
    """A rest of the guide was cut off; with grid or ratio the caller says how they lie."""
    rng = np.random.default_rng(4)
    target, guide = rng.random((20, 18, 4)), rng.random((77, 71))
    with pytest.warns(
        UserWarning, match=r"71 x 77 is no multiple of 18 x 20: taken for ratio 4 fr"
    ):
        pair = make_pair(target, guide, "pansharpening")
    assert pair.placement == make_pair(target, guide, "pansharpening", ratio=4).placement
    edges = make_pair(target, guide, "pansharpening", grid="centre").placement
    assert edges.ratios == pytest.approx((77 / 20, 71 / 18))
