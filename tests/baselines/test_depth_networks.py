"""What the published networks for depth do beside what their originals compute."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gisr.baselines.depth import AHMF, DAGF, DKN, FDKN, DCTNet, GeoDSR, SGNet
from gisr.baselines.depth.dctnet import (
    CosineSolver,
    cosine_transform,
    eigenvalues,
    inverse_cosine_transform,
)
from gisr.baselines.depth.dkn import gather
from gisr.baselines.depth.geodsr import read_at
from gisr.baselines.depth.given import mirrored, standardised
from gisr.baselines.depth.sgnet_blocks import InvertibleMixing
from gisr.baselines.network import ComparedNetwork, NetworkInput

NARROW: dict[str, Callable[[int, int], ComparedNetwork]] = {
    "GeoDSR": lambda channels, ratio: GeoDSR(channels, width=8, blocks=1),
    "DAGF": lambda channels, ratio: DAGF(channels, width=4),
    "AHMF": lambda channels, ratio: AHMF(channels, ratio=ratio, width=4),
    "DCTNet": lambda channels, ratio: DCTNet(channels, width=8),
    "DKN": lambda channels, ratio: DKN(channels, width=2),
    "FDKN": lambda channels, ratio: FDKN(channels, width=2),
    "SGNet": lambda channels, ratio: SGNet(
        channels, ratio=ratio, width=4, gradient_blocks=1, trunk_blocks=1, tail_blocks=1
    ),
}


def pair(
    size: tuple[int, int], ratio: int, channels: int = 1, guide_channels: int = 3, batch: int = 2
) -> NetworkInput:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(batch, channels, *size, generator=generator)
    fine = [side * ratio for side in size]
    guide = torch.rand(batch, guide_channels, *fine, generator=generator)
    return NetworkInput(target, nn.functional.interpolate(target, fine), guide, ratio)


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize(("size", "ratio"), [((1, 1), 2), ((2, 7), 4), ((3, 5), 8), ((1, 2), 16)])
def test_small_targets_are_sharpened(name: str, size: tuple[int, int], ratio: int) -> None:
    torch.manual_seed(0)
    network, given = NARROW[name](2, ratio).eval(), pair(size, ratio, channels=2)
    with torch.no_grad():
        sharpened = network.sharpen(given)
    assert sharpened.shape == given.enlarged.shape
    assert sharpened.isfinite().all()


@pytest.mark.parametrize("name", NARROW)
def test_bfloat16_autocast_stays_near_float32(name: str) -> None:
    torch.manual_seed(0)
    network, given = NARROW[name](1, 4).eval(), pair((8, 9), 4)
    with torch.no_grad():
        exact = network.sharpen(given)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = network.sharpen(given)
    assert (rounded - exact).abs().mean() < 0.03


@pytest.mark.parametrize("kind", [GeoDSR, DAGF, AHMF, DCTNet, DKN, FDKN, SGNet])
def test_ratios_that_are_not_published_are_refused(kind: type[ComparedNetwork]) -> None:
    title = kind.published.title
    with pytest.raises(ValueError, match=f"{title} cannot be built for ratio 3: use one of 2, 4"):
        kind.build(1, 3, 3)
    with pytest.raises(ValueError, match=f"{title} cannot be built for 0 target and 3 guide"):
        kind.build(0, 3, 4)


@pytest.mark.parametrize("guide_channels", [1, 2])
def test_guides_without_three_colours_are_taken(guide_channels: int) -> None:
    torch.manual_seed(0)
    given = pair((5, 6), 4, guide_channels=guide_channels)
    for kind in (DKN, FDKN):
        network = kind(1, guide_channels, width=2).eval()
        with torch.no_grad():
            assert network.sharpen(given).isfinite().all()
    assert standardised(given.guide).shape == given.guide.shape


def test_constants_of_colours_stand_in_their_order() -> None:
    means = torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(1, 3, 2, 2)
    torch.testing.assert_close(standardised(means), torch.zeros(1, 3, 2, 2))


@pytest.mark.parametrize("kind", [DKN, FDKN])
def test_dkn_is_given_blue_first(kind: type[DKN]) -> None:
    torch.manual_seed(0)
    network, given = kind(width=2).eval(), pair((5, 6), 4)
    with torch.no_grad():
        blue_first = network(given.enlarged, given.guide.flip(1))
        red_first = network(given.enlarged, given.guide)
        sharpened = network.sharpen(given)
    torch.testing.assert_close(sharpened, blue_first)
    assert not torch.equal(sharpened, red_first)


def test_mirrored_target_and_guide_still_fit() -> None:
    given = pair((13, 18), 4)
    padded = mirrored(given, least=20, fine_multiple=32)
    assert padded.target.shape[2:] == (24, 24)
    assert padded.guide.shape[2:] == padded.enlarged.shape[2:] == (96, 96)
    # The enlarged target repeats pixels: so it still does beyond the edge.
    assert torch.equal(nn.functional.interpolate(padded.target, (96, 96)), padded.enlarged)
    assert torch.equal(padded.guide[:, :, :52, :72], given.guide)
    assert mirrored(given) is given


def test_reading_at_the_own_pixels_changes_nothing() -> None:
    feature = torch.rand(2, 3, 5, 8)
    torch.testing.assert_close(read_at(feature, (5, 8)), feature)


def test_tau_is_one_over_the_ratio() -> None:
    torch.manual_seed(0)
    network = GeoDSR(width=8, blocks=1).eval()
    seen: list[float] = []
    encoder = network.depth_encoder
    encoder.register_forward_pre_hook(lambda _, given: seen.append(given[1]))
    for ratio in (2, 8):
        network.sharpen(pair((15, 16), ratio))
    assert seen == [1 / 2, 1 / 8]


def test_coarse_outputs_of_dagf_are_built_on_request() -> None:
    torch.manual_seed(0)
    network, given = DAGF(width=4, coarse_outputs=True).eval(), pair((8, 8), 4)
    with torch.no_grad():
        results = network(given.target, given.guide, given.enlarged)
    assert [result.shape for result in results] == [given.enlarged.shape] * 3
    assert len(DAGF(width=4).outputs) == 1


def test_the_cosine_transform_is_undone() -> None:
    image = torch.rand(2, 3, 37, 50)
    torch.testing.assert_close(inverse_cosine_transform(cosine_transform(image)), image)


def solver(log_balance: float) -> CosineSolver:
    torch.manual_seed(0)
    made = CosineSolver(8)
    with torch.no_grad():
        made.log_balance.fill_(log_balance)
    return made


def test_without_balance_the_solver_returns_depth() -> None:
    depth, guide = torch.rand(2, 2, 8, 20, 24)
    with torch.no_grad():
        torch.testing.assert_close(solver(-30.0)(depth, guide), depth)


def test_a_flat_guide_leaves_a_smoothed_depth_of_equal_mean() -> None:
    depth = torch.rand(2, 8, 20, 24)
    with torch.no_grad():
        smoothed = solver(1.0)(depth, torch.ones_like(depth))
    damped = 1 + torch.tensor(1.0).exp() * eigenvalues(20, 24, like=depth).square()
    expected = inverse_cosine_transform(cosine_transform(depth) / damped)
    torch.testing.assert_close(smoothed, expected)
    torch.testing.assert_close(smoothed.mean(dim=(2, 3)), depth.mean(dim=(2, 3)))
    assert (smoothed.std(dim=(2, 3)) < depth.std(dim=(2, 3))).all()


def test_dctnet_minimises_the_square() -> None:
    torch.manual_seed(0)
    network, given = DCTNet(width=8).eval(), pair((5, 6), 4)
    truth, known = given.enlarged.roll(1, dims=3), torch.ones(2, 1, 20, 24)
    with torch.no_grad():
        expected = (network.sharpen(given) - truth).square().mean(dim=(1, 2, 3))
        torch.testing.assert_close(network.errors(given, truth, known), expected)


@pytest.mark.parametrize(("aligned", "first"), [(True, 7 * 14 / 15 - 7), (False, -0.5)])
def test_places_without_offset_lie_beside_the_pixel(aligned: bool, first: float) -> None:
    ramp = torch.arange(40.0).expand(1, 1, 40, 40)
    weights, offsets = torch.zeros(1, 9, 40, 40), torch.zeros(1, 18, 40, 40)
    weights[:, 0] = 1
    read = gather(ramp, weights, offsets, corner_aligned=aligned)
    inner = (..., slice(10, 30), slice(10, 30))
    torch.testing.assert_close(read[inner], ramp[inner] + first)


@pytest.mark.parametrize(("offset", "share"), [(50.0, 0.0), (8.0, 0.5), (7.5, 1.0)])
def test_nothing_is_read_beyond_the_window(offset: float, share: float) -> None:
    # Not aligned, tap 0 reads half a pixel before its offset; the window ends after 7 pixels.
    ones = torch.ones(1, 1, 40, 40)
    weights, offsets = torch.zeros(1, 9, 40, 40), torch.zeros(1, 18, 40, 40)
    weights[:, 0] = 1
    offsets[:, 0] = offset
    offsets[:, 1] = 0.5
    read = gather(ones, weights, offsets, corner_aligned=False)
    torch.testing.assert_close(read[..., 10:30], torch.full((1, 1, 40, 20), share))


def sgnet_errors(truth: Tensor, known: Tensor) -> Tensor:
    torch.manual_seed(0)
    network = NARROW["SGNet"](1, 4).eval()
    with torch.no_grad():
        return network.errors(pair((5, 6), 4), truth, known)


def test_unknown_pixels_do_not_count_for_sgnet() -> None:
    truth, known = torch.rand(2, 1, 20, 24), torch.ones(2, 1, 20, 24)
    known[:, :, 5:8, 5:8] = 0
    other = torch.where(known > 0, truth, 7.0)
    torch.testing.assert_close(sgnet_errors(truth, known), sgnet_errors(other, known))
    assert not torch.equal(sgnet_errors(truth, known), sgnet_errors(truth, torch.ones_like(known)))


def test_sgnet_counts_spectrum_and_gradient_a_little() -> None:
    torch.manual_seed(0)
    network, given = NARROW["SGNet"](1, 4).eval(), pair((5, 6), 4)
    truth, known = torch.rand(2, 1, 20, 24), torch.ones(2, 1, 20, 24)
    with torch.no_grad():
        difference = (network.sharpen(given) - truth).abs().mean(dim=(1, 2, 3))
    more = sgnet_errors(truth, known) - difference
    assert (more > 0).all()
    assert (more < 0.1).all()


def test_mixing_starts_as_a_rotation_and_its_draw_is_kept_with_the_weights() -> None:
    torch.manual_seed(0)
    mixing, other = InvertibleMixing(12), InvertibleMixing(12)
    vector = torch.rand(1, 12, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(mixing(vector).norm(), vector.norm())
        assert not torch.allclose(mixing(vector), other(vector))
        other.load_state_dict(mixing.state_dict())
        torch.testing.assert_close(mixing(vector), other(vector))
