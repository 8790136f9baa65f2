"""A bank of random fields that every generated image cuts its textures from.

Drawing noise is the dearest part of a small image. The bank is drawn once a process, from a fixed
seed; an image takes windows of it at random places, turns and scales.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, Integer
from numpy.random import Generator
from numpy.typing import NDArray

NoisePlane = NDArray[np.float32]
"""An image of any number of channels."""
SIDE = 512
"""Side of a field, a power of two; fields repeat beyond it without a seam."""
_SLOPES = (0.0, 0.7, 1.1, 1.5, 1.5, 2.0, 2.0, 2.6)
"""Amplitude falls as frequency ** -slope: from sensor noise over rough cloth to soft clouds."""
WHITE = 0
"""Number of the field without neighbourhood."""
ROUGH = slice(1, 4)
"""Numbers of those for fine textures."""
SMOOTH = slice(4, 8)
"""Numbers of those for outlines and clouds, smoother and smoother."""


@cache
def noise_fields() -> Float[np.ndarray, "fields side side"]:
    """Return the bank: periodic fields of mean 0 and deviation 1, float32."""
    rng = np.random.default_rng(2026)
    frequencies = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    frequencies[0, 0] = np.inf
    fields = []
    for slope in _SLOPES:
        # Waves longer than a third of the field would make most windows of it plain.
        gain = np.maximum(frequencies, 3.0 / SIDE) ** -slope
        spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * gain
        spectrum[0, 0] = 0
        field = np.fft.irfft2(spectrum, (SIDE, SIDE))
        fields.append((field / field.std()).astype(np.float32))
    bank = np.stack(fields)
    bank.flags.writeable = False
    return bank


def random_field(rng: Generator, fields: slice, shape: tuple[int, int]) -> NoisePlane:
    """Return a window of a random field of a part of the bank: a view, not to be written to."""
    return field_window(rng, int(rng.integers(fields.start, fields.stop)), shape)


def field_window(rng: Generator, number: int, shape: tuple[int, int]) -> NoisePlane:
    """Return a random window of one field: a view, not to be written to.

    Args:
        rng: Source of randomness.
        number: Of the field in the bank.
        shape: Of the window, at most :data:`SIDE` a side.
    """
    top, left = int(rng.integers(SIDE - shape[0] + 1)), int(rng.integers(SIDE - shape[1] + 1))
    return noise_fields()[number, top : top + shape[0], left : left + shape[1]]


def field_at(
    number: Integer[np.ndarray, "..."],
    row: Float[np.ndarray, "..."],
    column: Float[np.ndarray, "..."],
) -> NoisePlane:
    """Return the bank's values at any places, each of its own field, from the sample before.

    Args:
        number: Fields.
        row: Any; fields repeat.
        column: Likewise.
    """
    places = row.astype(np.intp) & (SIDE - 1)
    places += number * SIDE
    places *= SIDE
    places += column.astype(np.intp) & (SIDE - 1)
    values: NoisePlane = noise_fields().reshape(-1).take(places)
    return values
