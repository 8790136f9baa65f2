"""The centre of k-space of real slices, by the half of their spectra that holds all of it.

The spectrum of a real slice has at each frequency what it has, conjugated, at the opposite one. So
half of the columns say all, and transforms take half of the time. Along an even side a slice has a
single sample for its Nyquist frequency of either sign; a finer slice has one for each.
"""

import numpy as np
from jaxtyping import Complex, Float

Slice = Float[np.ndarray, "H W"]
HalfSpectrum = Complex[np.ndarray, "H K"]
"""Columns 0 to W // 2 of a spectrum."""


def half_spectrum(image: Slice) -> HalfSpectrum:
    """Transform a slice in float32."""
    from scipy import fft  # imported on use: it is slow to import

    spectrum: HalfSpectrum = fft.rfft2(np.asarray(image, dtype=np.float32))
    return spectrum


def slice_of(spectrum: HalfSpectrum, size: tuple[int, int]) -> Slice:
    """Return the slice of so many rows and columns that has a spectrum, in float32."""
    from scipy import fft

    image: Slice = fft.irfft2(spectrum, s=size)
    return image


def centre_of(spectrum: HalfSpectrum, width: int, size: tuple[int, int]) -> HalfSpectrum:
    """Return the centre of a spectrum, as the real part of the image has it.

    That has at its Nyquist frequency the mean of what the spectrum has at both signs of it.

    Args:
        spectrum: Of a slice.
        width: Its columns.
        size: Rows and columns to keep.
    """
    rows, columns = size
    kept = spectrum[:, : columns // 2 + 1]
    centre = np.empty((rows, columns // 2 + 1), spectrum.dtype)
    _copy_rows(kept, centre, rows)
    if rows % 2 == 0:
        middle = rows // 2
        centre[middle] = (kept[middle] + kept[-middle]) / 2
        if columns % 2 == 0 and columns < width:
            centre[middle, -1] = kept[middle, -1]  # the inverse transform takes its real part
    return centre


def filled(
    centre: HalfSpectrum, small: tuple[int, int], size: tuple[int, int], at_nyquist: float
) -> HalfSpectrum:
    """Return a spectrum that is 0 but for its centre.

    Args:
        centre: Half spectrum of a slice.
        small: Its rows and columns.
        size: Rows and columns of the slice to make, no fewer.
        at_nyquist: Share of what the centre has at its Nyquist frequency that either sign of it
            gets: a half where the real part of a zero-filled image is meant.
    """
    rows, columns = small
    spectrum = np.zeros((size[0], size[1] // 2 + 1), centre.dtype)
    part = spectrum[:, : columns // 2 + 1]
    _copy_rows(centre, part, rows)
    middle, shared = rows // 2, rows % 2 == 0 and rows < size[0]
    if rows % 2 == 0:
        part[middle] = centre[middle]
    if shared:
        part[middle] *= at_nyquist
        part[-middle] = part[middle]
    if columns % 2 == 0 and columns < size[1]:
        part[:, -1] *= at_nyquist
        if shared:  # one corner of four and the opposite one hold it
            part[middle, -1] = centre[middle, -1] * at_nyquist
            part[-middle, -1] = 0
    return spectrum


def _copy_rows(source: HalfSpectrum, into: HalfSpectrum, rows: int) -> None:
    """Copy what lies below the Nyquist frequency of so many rows."""
    positive, negative = (rows + 1) // 2, (rows - 1) // 2
    into[:positive] = source[:positive]
    if negative:
        into[-negative:] = source[-negative:]
