"""Spectra of images as tensors: what a network does itself of the protocol of MR super-resolution.

The same block of k-space as :func:`gisr.data.degradations.kspace_centre` keeps, for batches.
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def centred_spectrum(image: Float[Tensor, "b c h w"]) -> Complex[Tensor, "b c h w"]:
    """Return the spectrum of each channel, not scaled, frequency zero in the middle."""
    spectrum: Tensor = torch.fft.fftshift(torch.fft.fft2(at_least_float32(image)), dim=(-2, -1))
    return spectrum


def centred_image(spectrum: Complex[Tensor, "b c h w"]) -> Complex[Tensor, "b c h w"]:
    """Return the image of such a spectrum; of any size, as the shift back is the true inverse."""
    image: Tensor = torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(-2, -1)))
    return image


def centre_mask(
    size: tuple[int, int], block: tuple[int, int], like: Tensor
) -> Float[Tensor, "1 1 h w"]:
    """Return 1 in the central block of a spectrum that an acquisition measured, else 0.

    Args:
        size: Height and width of the spectrum.
        block: Height and width of the block.
        like: Tensor whose type and device the mask gets.
    """
    mask = like.new_zeros(1, 1, *size)
    mask[(..., *_block(size, block))] = 1
    return mask


def kspace_reduced(
    image: Float[Tensor, "b c H W"], size: tuple[int, int]
) -> Float[Tensor, "b c h w"]:
    """Reduce images to ``size`` by the central block of their k-space.

    The grey level is kept; real part, as the targets of the project's protocol are made.
    """
    full = (image.shape[2], image.shape[3])
    block = centred_spectrum(image)[(..., *_block(full, size))]
    return centred_image(block).real * (size[0] * size[1] / (full[0] * full[1]))


def at_least_float32(image: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Return an image in a precision that there are transforms for, and places to a pixel."""
    return image.to(torch.promote_types(image.dtype, torch.float32))


def _block(size: tuple[int, int], block: tuple[int, int]) -> tuple[slice, slice]:
    rows, columns = (
        slice(side // 2 - part // 2, side // 2 - part // 2 + part)
        for side, part in zip(size, block, strict=True)
    )
    return rows, columns
