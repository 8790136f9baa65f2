"""Tensors of spectra agree with the project's protocol for MR images."""

import numpy as np
import pytest
import torch

from gisr.baselines.mri.kspace import centre_mask, centred_image, centred_spectrum, kspace_reduced
from gisr.data.degradations import kspace_centre, zero_fill


def images(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(24, 36), (26, 39), (17, 21)])
@pytest.mark.parametrize("ratio", [2, 3])
def test_images_are_reduced_as_the_protocol_reduces_them(size: tuple[int, int], ratio: int) -> None:
    image = images(2, 3, *size)
    low = (size[0] // ratio, size[1] // ratio)
    reduced = kspace_reduced(image, low)
    assert reduced.shape == (2, 3, *low)
    expected = kspace_centre(image[1, 2].numpy(), low)
    np.testing.assert_allclose(reduced[1, 2].numpy(), expected, atol=1e-5)


def test_reduction_keeps_the_grey_level() -> None:
    flat = torch.full((1, 1, 24, 32), 0.3)
    torch.testing.assert_close(kspace_reduced(flat, (6, 8)), torch.full((1, 1, 6, 8), 0.3))


@pytest.mark.parametrize("size", [(9, 12), (8, 7)])
def test_the_image_of_a_spectrum_is_the_image(size: tuple[int, int]) -> None:
    image = images(1, 2, *size)
    torch.testing.assert_close(centred_image(centred_spectrum(image)).real, image)


@pytest.mark.parametrize("low", [(7, 9), (3, 11)])
def test_the_mask_is_where_zero_filling_puts_what_was_measured(low: tuple[int, int]) -> None:
    # Odd blocks alone: the real part of an image mirrors the outermost line of an even block.
    filled = torch.from_numpy(zero_fill(images(1, 1, *low)[0, 0].numpy(), (28, 36)))[None, None]
    outside = 1 - centre_mask((28, 36), low, filled)
    energy = (centred_spectrum(filled) * outside).abs().square().sum()
    assert energy < 1e-9 * centred_spectrum(filled).abs().square().sum()
    assert (1 - outside).sum() == low[0] * low[1]
