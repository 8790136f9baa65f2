"""What MR networks do beside the numbers of their originals: sizes, channels, losses, sharing."""

import pytest
import torch
from tests.baselines.parity.golden import read_golden
from tests.baselines.parity.systems import SYSTEMS
from torch import Tensor, nn

from gisr.baselines.mri import MASA, MGDUN, SANet
from gisr.baselines.mri.deformable_alignment import deformable_convolution
from gisr.baselines.mri.kspace import centre_mask, centred_image, centred_spectrum
from gisr.baselines.mri.mgdun import ContrastCoupling
from gisr.baselines.mri.shifted_windows import ShiftedWindowBlock
from gisr.baselines.mri.staged import StagedNetwork
from gisr.baselines.network import ComparedNetwork, NetworkInput

NAMES = [name for name, system in SYSTEMS.items() if system.kind.published.tasks == ("mri",)]
SEARCHING = ("masa", "mcmrsr")
TOTALS = {
    "dudonet": (1_465_133, 1_465_133, 1_465_133),
    "masa": (4_025_985 - 516_928, 4_025_985, 4_025_985),
    "mcmrsr": (3_175_741 - 292_140, 3_175_741, 3_175_741),
    "mgdun": (122_976, 122_976, 122_976),
    "minet": (6_748_189, 6_895_901, 7_043_613),
    "sanet": (4_637_057, 4_784_769, 4_932_481),
}


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def pair(size: tuple[int, int], ratio: int, channels: tuple[int, int] = (1, 1)) -> NetworkInput:
    target = drawn(2, channels[0], *size)
    full = (size[0] * ratio, size[1] * ratio)
    enlarged = nn.functional.interpolate(target, full, mode="bicubic")
    return NetworkInput(target, enlarged, drawn(2, channels[1], *full, seed=1), ratio)


def small(name: str, ratio: int = 2, channels: tuple[int, int] = (1, 1)) -> ComparedNetwork:
    torch.manual_seed(0)
    return SYSTEMS[name].small(*channels, ratio).eval()


def test_all_six_are_here() -> None:
    assert set(NAMES) == set(TOTALS)


@pytest.mark.parametrize("name", NAMES)
def test_published_sizes_are_built_for_every_ratio(name: str) -> None:
    kind = SYSTEMS[name].kind
    with torch.device("meta"):
        networks = [kind.build(1, 1, ratio) for ratio in kind.published.ratios]
    counts = tuple(sum(each.numel() for each in network.parameters()) for network in networks)
    assert counts == TOTALS[name]


@pytest.mark.parametrize("name", ["minet", "sanet"])
def test_what_is_left_out_took_no_part(name: str) -> None:
    golden = read_golden(name)["params"]
    assert TOTALS[name] == tuple(golden[f"only what takes part x{ratio}"] for ratio in (2, 4, 8))


@pytest.mark.parametrize("name", NAMES)
def test_other_ratios_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be built for ratio 3: use one of 2, 4, 8"):
        SYSTEMS[name].kind.build(1, 1, 3)


@pytest.mark.parametrize("name", ["masa", "mcmrsr", "mgdun"])
def test_unequal_channels_that_cannot_be_repeated_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot take 4 and 3: use equal numbers, or one channel"):
        SYSTEMS[name].kind.build(4, 3, 2)


def test_dudonet_takes_magnitudes_alone() -> None:
    with pytest.raises(ValueError, match="cannot take 2 target and 1 guide channels"):
        SYSTEMS["dudonet"].kind.build(2, 1, 2)


@pytest.mark.parametrize("ratio", [2, 4, 8])
@pytest.mark.parametrize("name", NAMES)
def test_tiny_images_are_sharpened(name: str, ratio: int) -> None:
    with torch.no_grad():
        sharpened = small(name, ratio).sharpen(pair((3, 5), ratio))
    assert sharpened.shape == (2, 1, 3 * ratio, 5 * ratio)
    assert sharpened.isfinite().all()


@pytest.mark.parametrize("ratio", [2, 4, 8])
@pytest.mark.parametrize("name", NAMES)
def test_every_layer_takes_part_at_every_ratio(name: str, ratio: int) -> None:
    network = small(name, ratio)
    given = pair((8, 9), ratio)
    network.errors(given, given.enlarged + 1, torch.ones_like(given.guide)).sum().backward()
    assert [key for key, each in network.named_parameters() if each.grad is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_trained_and_used(name: str) -> None:
    network, given = small(name), pair((8, 9), 2)
    with torch.autocast("cpu", torch.bfloat16):
        sharpened = network.sharpen(given)
        network.errors(given, given.enlarged, torch.ones_like(given.guide)).sum().backward()
    with torch.no_grad():
        exact = network.sharpen(given)
    spread = exact.std()
    assert (sharpened - exact).abs().mean() < 0.1 * spread


@pytest.mark.parametrize("name", NAMES)
def test_empty_images_do_not_break_training(name: str) -> None:
    network, empty = small(name).train(), torch.zeros(2, 1, 18, 22)
    given = NetworkInput(torch.zeros(2, 1, 9, 11), empty, empty, 2)
    network.errors(given, empty, torch.ones_like(empty)).sum().backward()
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    assert gradients
    assert all(each.isfinite().all() for each in gradients)


def test_the_unet_of_mgdun_is_used_whole() -> None:
    network = MGDUN(2, 2, width=8, prior="unet", prior_width=4)
    network.sharpen(pair((5, 7), 2, (2, 1))).sum().backward()
    assert all(each.grad is not None for each in network.parameters())


@pytest.mark.parametrize("name", ["masa", "mcmrsr", "mgdun"])
def test_a_target_of_one_channel_stays_one_beside_a_guide_of_three(name: str) -> None:
    given = pair((9, 11), 2, (1, 3))
    with torch.no_grad():
        assert small(name, 2, (1, 3)).sharpen(given).shape == (2, 1, 18, 22)


@pytest.mark.parametrize("name", SEARCHING)
def test_sizes_that_fit_are_not_changed(name: str) -> None:
    given, network = pair((16, 24), 2), small(name)
    low = centred_spectrum(given.guide)[:, :, 8:24, 12:36]
    reduced = centred_image(low).real / 4
    with torch.no_grad():
        torch.testing.assert_close(
            network.sharpen(given), network(given.target, given.guide, reduced)
        )


def test_dudonet_reads_the_zero_filled_magnitude() -> None:
    given, network = pair((8, 10), 2), small("dudonet")
    negative = NetworkInput(given.target, -given.enlarged, given.guide, 2)
    with torch.no_grad():
        mask = centre_mask((16, 20), (8, 10), given.guide)
        expected = network(given.enlarged.abs(), given.guide, mask)
        torch.testing.assert_close(network.sharpen(given), expected)
        torch.testing.assert_close(network.sharpen(negative), expected)


def test_the_map_between_contrasts_is_undone_by_its_inverse() -> None:
    torch.manual_seed(0)
    between, image = ContrastCoupling(2, 8).double(), drawn(1, 4, 6, 8).double()
    torch.testing.assert_close(between.inverse(between(image)), image)


@pytest.mark.parametrize("name", ["minet", "sanet"])
def test_the_grey_scale_of_an_image_does_not_matter(name: str) -> None:
    given, network = pair((9, 11), 2), small(name)
    other = NetworkInput(
        given.target * 30 + 7, given.enlarged * 30 + 7, given.guide * 0.2 - 3, given.ratio
    )
    with torch.no_grad():
        expected = network.sharpen(given) * 30 + 7
        torch.testing.assert_close(network.sharpen(other), expected, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("name", ["minet", "sanet"])
def test_both_outputs_are_trained_and_the_guide_weighs_more(name: str) -> None:
    network = small(name)
    assert isinstance(network, StagedNetwork)
    given = pair((9, 11), 2)
    truth, known = drawn(2, 1, 18, 22, seed=2), torch.ones(2, 1, 18, 22)
    with torch.no_grad():
        spread = given.target.std(dim=(1, 2, 3), correction=0)
        target_error = (network.sharpen(given) - truth).abs().mean(dim=(1, 2, 3)) / spread
        remaining = network.errors(given, truth, known) - 0.3 * target_error
        same_guide = network.errors(given, network.sharpen(given), known)
    torch.testing.assert_close(remaining, same_guide, atol=1e-5, rtol=1e-4)
    assert (remaining > 0).all()


def test_mcmrsr_trains_k_space_outside_the_measured_block_alone() -> None:
    given, network = pair((12, 16), 2), small("mcmrsr")
    known = torch.ones(2, 1, 24, 32)
    with torch.no_grad():
        sharpened = network.sharpen(given)
        changed = centred_spectrum(drawn(2, 1, 24, 32, seed=3))
        mask = centre_mask((24, 32), (11, 15), known)
        measured = centred_image(changed * mask).real
        checkers = torch.ones(24, 32)
        checkers[::2, 1::2] = checkers[1::2, ::2] = -1
        inside = network.errors(given, sharpened + measured, known)
        outside = network.errors(given, sharpened + 0.1 * checkers, known)
    torch.testing.assert_close(inside, measured.abs().mean(dim=(1, 2, 3)))
    # One frequency of 0.1 * 24 * 32, squared, over all pixels and two parts.
    expected = 0.1 + 1e-4 * (0.1 * 24 * 32) ** 2 / (2 * 24 * 32)
    torch.testing.assert_close(outside, torch.full((2,), expected))


def test_residuals_are_dropped_in_training_alone() -> None:
    torch.manual_seed(0)
    block, image = ShiftedWindowBlock(8, 2, shifted=True, dropped=0.5), drawn(64, 8, 8, 8)
    with torch.no_grad():
        assert not torch.isclose(block.eval()(image), image).flatten(1).all(dim=1).any()
        unchanged = torch.isclose(block.train()(image), image).flatten(1).all(dim=1).sum()
    assert 4 < unchanged < 32


def test_shifted_windows_do_not_see_across_the_border() -> None:
    torch.manual_seed(0)
    block, image = ShiftedWindowBlock(8, 2, shifted=True).eval(), drawn(1, 16, 16, 8)
    changed = image.clone()
    changed[:, :4] += 1
    with torch.no_grad():
        difference = (block(changed) - block(image)).abs().amax(dim=(0, 2, 3))
    assert difference[:4].amin() > 0
    assert difference[4:].amax() < 1e-6


def test_deformable_taps_without_shifts_are_a_convolution() -> None:
    torch.manual_seed(0)
    kernel, image = nn.Conv2d(8, 4, 3, padding=1), drawn(2, 8, 7, 1)
    still, full = torch.zeros(2, 72, 7, 1), torch.ones(2, 36, 7, 1)
    with torch.no_grad():
        plain = deformable_convolution(image, still, full, kernel, 4)
        torch.testing.assert_close(plain, kernel(image))


def test_ratio_8_applies_the_last_weights_of_masa_again() -> None:
    four, eight = (dict(MASA(1, ratio).named_parameters()) for ratio in (4, 8))
    assert {key: each.shape for key, each in four.items()} == {
        key: each.shape for key, each in eight.items()
    }


def test_sanet_may_have_more_stages() -> None:
    network = SANet(1, 1, 2, width=16, groups=3, blocks=1).eval()
    with torch.no_grad():
        assert network.sharpen(pair((6, 7), 2)).shape == (2, 1, 12, 14)
