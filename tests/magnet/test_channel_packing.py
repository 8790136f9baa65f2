"""Any number of bands through 4 channels and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gisr.magnet.blocks import carry_guide, carry_target, restore


def numbered(batch: int, bands: int) -> torch.Tensor:
    """Return images whose value says which image and band they are."""
    values = 100.0 * torch.arange(batch)[:, None] + torch.arange(bands)
    return values[..., None, None].expand(batch, bands, 2, 3).contiguous()


@given(batch=st.integers(1, 3), bands=st.integers(1, 21))
def test_restoring_gives_back_what_was_carried(batch: int, bands: int) -> None:
    target = numbered(batch, bands) / 7
    carried, groups = carry_target(target)
    assert carried.shape == (batch * groups, 4, 2, 3)
    assert groups == -(-bands // 4)
    torch.testing.assert_close(restore(carried, bands), target)


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        (1, [[0, 0, 0, 0]]),
        (2, [[0, 1, 0, 1]]),
        (3, [[0, 1, 2, 0]]),
        (4, [[0, 1, 2, 3]]),
        (5, [[0, 1, 0, 1], [2, 3, 4, 2]]),
        (9, [[0, 1, 2, 0], [3, 4, 5, 3], [6, 7, 8, 6]]),
    ],
)
def test_order_of_the_carried_bands(bands: int, expected: list[list[int]]) -> None:
    carried, _ = carry_target(numbered(2, bands))
    first = [[100 * image + band for band in row] for image in range(2) for row in expected]
    assert carried[:, :, 0, 0].tolist() == first


def test_channels_of_one_band_are_averaged() -> None:
    carried = torch.tensor([1.0, 2.0, 3.0, 5.0]).reshape(1, 4, 1, 1)
    assert restore(carried, 1).flatten().tolist() == [2.75]
    assert restore(carried, 2).flatten().tolist() == [2.0, 3.5]
    assert restore(carried, 3).flatten().tolist() == [3.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(1, [0, 0, 0, 0]), (2, [0, 1, 0, 1]), (3, [0, 1, 2, 0]), (4, [0, 1, 2, 3])],
)
def test_guides_are_repeated(channels: int, expected: list[int]) -> None:
    assert carry_guide(numbered(1, channels), 4)[0, :, 0, 0].tolist() == expected


@pytest.mark.parametrize("channels", [0, 4])
def test_guides_of_no_or_too_many_channels_are_refused(channels: int) -> None:
    with pytest.raises(ValueError, match="1 to 3"):
        carry_guide(numbered(1, channels), 3)


def test_targets_without_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="no band"):
        carry_target(numbered(1, 0))
