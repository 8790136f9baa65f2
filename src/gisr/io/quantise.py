"""From the network's float32 to the type of the file, without making valid values unknown."""

import numpy as np
from jaxtyping import Bool, Shaped

from gisr.errors import InputError


def value_range(dtype: np.dtype, bits: int | None = None) -> tuple[int, int] | None:
    """Return the smallest and largest value of an integer type, None for a float type.

    Args:
        dtype: The type on disk.
        bits: Bits in use when fewer than the type has (11-bit data in uint16).
    """
    if dtype.kind not in "iu":
        return None
    whole = np.iinfo(dtype)
    if bits is None or bits >= 8 * dtype.itemsize:
        return int(whole.min), int(whole.max)
    if dtype.kind == "i":
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return 0, int(2**bits - 1)


def holds(dtype: np.dtype, value: float) -> bool:
    """Return whether a file of this type can store ``value`` exactly (a float file any)."""
    limits = value_range(dtype)
    if limits is None:
        return True
    return bool(np.isfinite(value)) and value == int(value) and limits[0] <= value <= limits[1]


def count_beyond(
    values: Shaped[np.ndarray, "..."], dtype: np.dtype, bits: int | None = None
) -> int:
    """Return how many values lie outside what a type holds, by more than rounding; of a float 0."""
    limits = value_range(dtype, bits)
    if limits is None:
        return 0
    return int(((values > limits[1] + 0.5) | (values < limits[0] - 0.5)).sum())


def quantise(
    values: Shaped[np.ndarray, "..."],
    dtype: np.dtype,
    *,
    valid: Bool[np.ndarray, "..."],
    marker: float,
    reserved: bool = True,
    bits: int | None = None,
    path: object = "output",
) -> Shaped[np.ndarray, "..."]:
    """Round (half to even) and clip to a type, and write ``marker`` where values are not valid.

    A valid value never becomes a reserved marker: one that rounds to it is moved to the
    neighbour on its own side, or to the only neighbour the range has.

    Args:
        values: Values in the file's unit, any shape.
        dtype: Type to store, integer or float.
        valid: Which values are known; broadcast against ``values``.
        marker: Value to store where not valid; must be storable in ``dtype``.
        reserved: Whether the marker alone stands for "unknown". False when a mask does, and
            valid values may equal it.
        bits: Bits in use when fewer than the type has.
        path: The file, for messages.

    Raises:
        InputError: A valid value is NaN or infinite.
    """
    known = np.broadcast_to(valid, values.shape)
    broken = known & ~np.isfinite(values)
    if broken.any():
        raise InputError(
            f"{path}: {int(broken.sum())} of {int(known.sum())} valid values are NaN or infinite: "
            "mark them as not valid or correct them before writing"
        )
    filled = np.where(known, values, 0)
    limits = value_range(dtype, bits)
    stored = _as_float(filled, dtype) if limits is None else _as_integer(filled, dtype, limits)
    code = np.asarray(marker).astype(dtype)
    if reserved:
        _leave_marker(stored, filled, known, code, limits)
    stored[~known] = code
    return stored


def _as_float(values: Shaped[np.ndarray, "..."], dtype: np.dtype) -> Shaped[np.ndarray, "..."]:
    if np.can_cast(values.dtype, dtype):
        return values.astype(dtype)
    whole = np.finfo(dtype)
    stored: np.ndarray = np.clip(values, float(whole.min), float(whole.max)).astype(dtype)
    return stored


def _as_integer(
    values: Shaped[np.ndarray, "..."], dtype: np.dtype, limits: tuple[int, int]
) -> Shaped[np.ndarray, "..."]:
    # float32 is exact to 2^24: enough for 16 bits, not for 32.
    work = values.dtype if dtype.itemsize <= 2 else np.dtype(np.float64)
    top = float(limits[1])
    if int(top) > limits[1]:  # 2^63 - 1 is not a float64; the next one above overflows
        top = float(np.nextafter(top, 0))
    stored: np.ndarray = np.clip(np.rint(values.astype(work)), limits[0], top).astype(dtype)
    return stored


def _leave_marker(
    stored: Shaped[np.ndarray, "..."],
    values: Shaped[np.ndarray, "..."],
    known: Bool[np.ndarray, "..."],
    code: Shaped[np.ndarray, ""],
    limits: tuple[int, int] | None,
) -> None:
    """Move known samples that would read as the marker to the nearest value that does not."""
    below: float
    above: float
    if limits is not None:
        hit = known & (stored == code)
        below, above = int(code) - 1, int(code) + 1
        below_fits, above_fits = below >= limits[0], above <= limits[1]
    elif np.isfinite(code):
        # GDAL takes floats within about 4 units in the last place for equal. At 0, the smallest
        # normal number: many programs read the subnormal ones below it as 0.
        whole, marker = np.finfo(stored.dtype), float(code)
        margin = max(8 * float(whole.eps) * abs(marker), float(whole.tiny))
        below, above = marker - margin, marker + margin
        hit = known & (stored > np.float64(below)) & (stored < np.float64(above))
        below_fits, above_fits = below >= float(whole.min), above <= float(whole.max)
    else:
        return
    if not hit.any():
        return
    up = values[hit] >= code if below_fits and above_fits else np.full(hit.sum(), above_fits)
    stored[hit] = np.where(up, above if above_fits else below, below if below_fits else above)
