"""The search finds what the original finds, and what it copies is what is there."""

import pytest
import torch
import torch.nn.functional as F
from tests.baselines.parity.fill import fill, uniform
from tests.baselines.parity.golden import read_golden
from torch import Tensor

from gisr.baselines.mri import MASA
from gisr.baselines.mri.matching import Matches, coarse_search, match, transfer
from gisr.baselines.mri.matching import _patches as patches_of

STATISTICS = "transferred_patches [shape, mean, std] scale 1,2,4"


def features(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_places_are_those_that_the_original_finds() -> None:
    golden = read_golden("masa")["matching_internals"]
    network = MASA(1, 4).eval()
    fill(network, "AS")
    with torch.no_grad():
        target = network.encoder[0](uniform(1, 1, 1, 16, 16))
        reduced = network.encoder[0](uniform(3, 1, 1, 16, 16))
        found = coarse_search(patches_of(target), reduced)
        matches = match(target, reduced)
    assert found.tolist() == [[index for (index,) in golden["coarse_index"][0]]]
    assert matches.place[0, 0, :3].tolist() == golden["fine_index_patch0_rows0-2"]
    assert matches.likeness.mean().item() == pytest.approx(golden["fine_corr_mean"], abs=1e-5)


def test_what_is_copied_has_the_spread_of_what_the_original_copies() -> None:
    golden = read_golden("masa")["matching_internals"]
    network = MASA(1, 4).eval()
    fill(network, "AS")
    with torch.no_grad():
        target, reduced = (network.encoder[0](uniform(stream, 1, 1, 16, 16)) for stream in (1, 3))
        matches = match(target, reduced)
        feature = uniform(2, 1, 1, 64, 64)
        maps = []
        for stage in network.encoder:
            feature = stage(feature)
            maps.append(feature)
    for scale, listed in zip((1, 2, 4), golden[STATISTICS], strict=True):
        shape, mean, spread = listed
        copied = transfer(matches, maps.pop(), scale, align_corners=False)
        assert copied.numel() == torch.Size(shape).numel()
        assert copied.mean().item() == pytest.approx(mean, abs=1e-4)
        assert copied.std(correction=0).item() == pytest.approx(spread, abs=1e-4)


def test_a_guide_that_is_the_target_is_copied_to_its_place() -> None:
    feature = features(2, 4, 24, 32)
    matches = match(feature, feature)
    inner = matches.likeness[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(inner, torch.ones_like(inner))
    even = matches._replace(likeness=torch.ones_like(matches.likeness))
    copied = transfer(even, feature, 1, align_corners=False)
    torch.testing.assert_close(copied[:, :, 8:16, 8:24], feature[:, :, 8:16, 8:24])


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_copies_that_overlap_are_averaged(scale: int) -> None:
    generator = torch.Generator().manual_seed(0)
    corner = torch.randint(0, 4, (2, 4, 2), generator=generator) % 2
    place = torch.randint(0, 169, (2, 4, 8, 8), generator=generator)
    likeness = torch.rand(2, 4, 8, 8, generator=generator)
    guide = features(2, 3, 16 * scale, 16 * scale)
    copied = transfer(Matches(corner, place, likeness), guide, scale, align_corners=True)
    for sample, patch in ((0, 0), (1, 3)):
        down, right = (patch // 2) * 8 * scale, (patch % 2) * 8 * scale
        own = copied[sample, :, down : down + 8 * scale, right : right + 8 * scale]
        top, left = (corner[sample, patch] * scale).tolist()
        window = guide[sample, :, top : top + 15 * scale, left : left + 15 * scale]
        expected = pasted(window, place[sample, patch], likeness[sample, patch], scale)
        torch.testing.assert_close(own, expected)


def pasted(window: Tensor, place: Tensor, likeness: Tensor, scale: int) -> Tensor:
    """Cut a window into blocks and paste them, as the paper draws it."""
    blocks = F.unfold(window[None], 3 * scale, stride=scale)[:, :, place.flatten()]
    canvas, count = (
        F.fold(each, (8 * scale, 8 * scale), 3 * scale, stride=scale, padding=scale)
        for each in (blocks, torch.ones_like(blocks))
    )
    weight = F.interpolate(
        likeness[None, None], scale_factor=scale, mode="bilinear", align_corners=True
    )
    return (canvas / count * weight)[0]


def test_gradients_reach_what_is_copied_and_how_alike_it_is() -> None:
    target, guide, fine = (features(1, 4, 16, 16).requires_grad_() for _ in range(3))
    transfer(match(target, guide * 2), fine, 1, align_corners=False).sum().backward()
    assert all(each.grad is not None and each.grad.any() for each in (target, guide, fine))


def test_half_precision_around_the_search_does_not_change_what_is_found() -> None:
    target, guide = features(1, 8, 24, 24), features(1, 8, 24, 24).flip(2)
    with torch.autocast("cpu", torch.bfloat16):
        found = match(target, guide)
    assert found.likeness.dtype == torch.float32
    assert torch.equal(found.place, match(target, guide).place)
