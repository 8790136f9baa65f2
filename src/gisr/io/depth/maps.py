"""Depth and disparity maps in and out: PNG, TIFF, npy, npz, EXR and PFM.

Values stay in the file's own unit (metres, millimetres, pixels of disparity): no format states it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gisr.errors import FileFormatError, InputError
from gisr.io.depth import formats as depth_formats
from gisr.io.depth.exr import read_exr, write_exr
from gisr.io.depth.tiff import read_tiff, write_tiff
from gisr.io.files import check_not_input, check_readable, file_suffix, typed_errors
from gisr.io.foreign import foreign_file
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.quantise import holds, quantise
from gisr.notes import Note

READERS: dict[str, Callable[[Path, Limits, depth_formats.Fits], depth_formats.StoredDepth]] = {
    ".png": depth_formats.read_png,
    ".tif": read_tiff,
    ".tiff": read_tiff,
    ".npy": depth_formats.read_npy,
    ".npz": depth_formats.read_npz,
    ".exr": read_exr,
    ".pfm": depth_formats.read_pfm,
}
"""How each suffix is read: the samples as stored, checked against the limits first."""

_WRITERS: dict[str, Callable[[Path, Shaped[np.ndarray, "H W"]], None]] = {
    ".png": depth_formats.write_png,
    ".tif": write_tiff,
    ".tiff": write_tiff,
    ".npy": depth_formats.write_npy,
    ".npz": depth_formats.write_npz,
    ".exr": write_exr,
    ".pfm": depth_formats.write_pfm,
}

_DECLARING: dict[str, Callable[[Path, Shaped[np.ndarray, "H W"], float], None]] = {
    ".png": depth_formats.write_png,
    ".tif": write_tiff,
    ".tiff": write_tiff,
}
"""How formats are written whose header can declare which value stands for unknown."""

_STORABLE: dict[str, tuple[str, ...]] = {
    ".png": ("uint8", "uint16"),
    ".exr": ("float16", "float32"),
    ".pfm": ("float32",),
}
"""Types of the formats that cannot hold every type."""


MASK_VALUES = (0, 255)
"""What a mask holds where a pixel was known, and where the depth map had a hole."""
_SMALLEST_STEP = 1e-6
"""Share of the largest value that float32 tells from 0 in all that is computed with it."""


@dataclass(frozen=True, eq=False)
class DepthMap:
    """One depth or disparity map and all that its output must keep."""

    values: Float[np.ndarray, "H W"]
    """Values in the file's unit; float64 where float32 would not hold them. Not meaningful where
    not valid."""
    valid: Bool[np.ndarray, "H W"]
    """Which pixels are known."""
    dtype: np.dtype
    """Type on disk."""
    unknown: float
    """What the file stores where nothing is known: 0, NaN or infinity, or the caller's value."""
    path: Path
    """Where it came from."""
    others: tuple[float, ...] = ()
    """Further finite values that mean unknown in it."""
    samples: Shaped[np.ndarray, "H W"] | None = None
    """As in the file; None where there is none."""
    nodata: float | None = None
    """What the file's header declares for unknown pixels, as the output's will."""
    scale: float = 1.0
    """The scale in the header of a PFM, likewise; not applied."""
    notes: tuple[Note, ...] = ()
    """What a user should know of how it was read."""

    @property
    def stored(self) -> Shaped[np.ndarray, "H W"]:
        """Samples as in the file: what each unknown pixel holds there."""
        return self.values if self.samples is None else self.samples

    @property
    def codes(self) -> tuple[float, ...]:
        """All finite values that mean unknown in it."""
        return tuple(code for code in (self.unknown, *self.others) if np.isfinite(code))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.values.shape[0], self.values.shape[1]


def read_depth(
    path: str | PathLike[str],
    *,
    invalid: float | Sequence[float] = 0,
    limits: Limits = DEFAULT_LIMITS,
    fits: depth_formats.Fits = lambda shape: None,
) -> DepthMap:
    """Read a depth or disparity map; the suffix gives the format.

    Args:
        path: ``.png`` (8 or 16 bits, grey), ``.tif``, ``.npy``, ``.npz`` (one array, or the one
            called ``depth``), ``.exr`` (one channel, or the one called Z) or ``.pfm``. Three equal
            channels are one.
        invalid: Values of unknown pixels, any number of them. NaN, infinity and what the file's
            header declares are unknown too; of an empty sequence, only what is not finite.
        limits: What the header may claim.
        fits: Called with rows and columns before pixels are read, to refuse them.

    Raises:
        FileFormatError: Missing, damaged, another format, or not one value a pixel.
        LimitError: The header claims more than the limits.
        MissingExtraError: EXR without the OpenEXR package.
    """
    name = Path(path)
    reader = READERS.get(file_suffix(name))
    if reader is None:
        way = foreign_file(name) if name.exists() else None
        formats = f"no format for depth maps: save it as one of {', '.join(READERS)}"
        raise FileFormatError(f"{name}: {way or formats}")
    check_readable(name)
    with typed_errors(name, f"cannot be read as {file_suffix(name)[1:].upper()}"):
        content = reader(name, limits, fits)
    stored = content.samples
    if stored.dtype.kind not in "iuf" or stored.dtype.itemsize > 8:
        raise FileFormatError(f"{name}: {stored.dtype} values are no depth: save numbers")
    small = stored.dtype.itemsize <= 2 or stored.dtype == np.float32
    finite = np.isfinite(stored)
    given = [invalid] if isinstance(invalid, int | float) else list(invalid)
    nodata, notes = _in_force(name, content, given)
    codes = list(dict.fromkeys(given if nodata is None else (nodata, *given)))
    hidden = () if content.known is None else (~content.known,)
    marked = [holding(stored, code) for code in codes]
    used = [code for code, where in zip(codes, marked, strict=True) if where.any()]
    unknown = _unknown_value(stored, finite, used, codes)
    return DepthMap(
        values=stored.astype(np.float32 if small else np.float64),
        valid=~np.logical_or.reduce([~finite, *hidden, *marked]),
        dtype=stored.dtype.newbyteorder("="),
        unknown=unknown,
        path=name,
        others=tuple(code for code in codes if code != unknown and np.isfinite(code)),
        samples=stored,
        nodata=nodata,
        scale=content.scale,
        notes=notes,
    )


def stored_depth(
    path: str | PathLike[str],
    values: Float[np.ndarray, "H W"],
    valid: Bool[np.ndarray, "H W"],
    *,
    like: DepthMap,
    marks: Shaped[np.ndarray, "H W"] | None = None,
) -> Shaped[np.ndarray, "H W"]:
    """Return the samples that a file will hold.

    Integer types are rounded and clipped. Unknown pixels get their marks, or the value that means
    unknown in the input; a valid value never becomes a value that means unknown. Formats that
    cannot hold the input's type refuse it when digits would be lost (metres as float in a PNG), and
    else store it in a wider one (16 bits in a PFM).

    Raises:
        InputError: Shapes differ, or valid values that are not finite.
        FileFormatError: A format that does not fit, or the output is the input.
    """
    name = Path(path)
    if file_suffix(name) not in _WRITERS:
        raise FileFormatError(
            f"{name}: no format for depth maps: name it one of {', '.join(_WRITERS)}"
        )
    if values.ndim != 2 or values.shape != valid.shape or valid.dtype != bool:
        raise InputError(
            f"{name}: values {values.shape} and {valid.dtype} mask {valid.shape} do not fit: both "
            "are (H, W), the mask bool"
        )
    check_not_input(name, like.path)
    dtype = _stored_type(name, like.dtype)
    codes = [code for code in like.codes if holds(dtype, code)]
    # 0 where the type has no NaN, or the caller's value does not fit a narrower type.
    marker = like.unknown if holds(dtype, like.unknown) else 0.0
    if dtype.kind == "f" and 0 in codes:
        values = _off_zero(values, valid)
    stored = quantise(
        values, dtype, valid=valid, marker=marker, reserved=bool(codes), others=codes, path=name
    )
    return stored if marks is None else np.where(valid, stored, marks.astype(dtype))


def spread_like(target: DepthMap) -> DepthMap:
    """Return what :func:`stored_depth` takes to store differences: float32, NaN where unknown."""
    return replace(
        target, dtype=np.dtype(np.float32), unknown=float("nan"), others=(), samples=None
    )


def write_stored(
    path: str | PathLike[str],
    temporary: Path,
    stored: Shaped[np.ndarray, "H W"],
    nodata: float | None = None,
    scale: float = 1,
) -> None:
    """Write samples in the format of ``path`` to the temporary path that will become it.

    Args:
        path: The output.
        temporary: Where it is written.
        stored: Its samples.
        nodata: What the header declares for unknown pixels, in formats whose header can.
        scale: What it has as its scale, in PFM.

    Raises:
        FileFormatError: They cannot be written.
        MissingExtraError: EXR without the OpenEXR package.
    """
    suffix = file_suffix(path)
    with typed_errors(path, f"cannot be written as {suffix[1:].upper()}"):
        if nodata is not None and suffix in _DECLARING and holds(stored.dtype, nodata):
            _DECLARING[suffix](temporary, stored, nodata)
        elif suffix == ".pfm":
            depth_formats.write_pfm(temporary, stored, scale)
        else:
            _WRITERS[suffix](temporary, stored)


def check_storable(path: str | PathLike[str], dtype: np.dtype) -> None:
    """Refuse an output whose format would lose digits of a type.

    Raises:
        FileFormatError: The format of this name cannot hold the type.
    """
    _stored_type(Path(path), dtype)


def holding(stored: Shaped[np.ndarray, "H W"], code: float) -> Bool[np.ndarray, "H W"]:
    """Return where samples are a value; of floats, to the digits in which people write them.

    Args:
        stored: The samples of a file.
        code: The value.
    """
    if stored.dtype.kind == "f" and code:
        near: Bool[np.ndarray, "H W"] = np.isclose(stored, code, rtol=1e-6, atol=0)
        return near
    same: Bool[np.ndarray, "H W"] = stored == code
    return same


def _in_force(
    path: Path, content: depth_formats.StoredDepth, given: Sequence[float]
) -> tuple[float | None, tuple[Note, ...]]:
    """Return the declared nodata, unless every number is to be a depth, and what to say of it."""
    nodata = content.nodata
    if nodata is None or given or not np.isfinite(nodata):
        return nodata, content.notes
    text = (
        f"{path.name}: its header declares nodata {nodata:.8g}, here a depth, as --invalid none "
        "says: the output does not declare it"
    )
    return None, (*content.notes, Note(text))


def _unknown_value(
    stored: Shaped[np.ndarray, "H W"],
    finite: Bool[np.ndarray, "H W"],
    used: Sequence[float],
    codes: Sequence[float],
) -> float:
    """Return what marks unknown pixels: the first code that the file uses, or else what it does."""
    if used:
        return used[0]
    if finite.all():
        return codes[0] if codes else float("nan")
    odd = stored[~finite]
    return float("nan") if np.isnan(odd).any() else float(odd[0])


def _off_zero(
    values: Float[np.ndarray, "H W"], valid: Bool[np.ndarray, "H W"]
) -> Float[np.ndarray, "H W"]:
    """Move known values off 0, which means unknown, by a step that other programs see."""
    step = _SMALLEST_STEP * float(np.abs(values[valid]).max(initial=0))
    near = valid & (np.abs(values) < step)
    return np.where(near, np.where(values < 0, -step, step), values) if near.any() else values


def _stored_type(path: Path, dtype: np.dtype) -> np.dtype:
    allowed = _STORABLE.get(file_suffix(path))
    if allowed is None or dtype.name in allowed:
        return dtype
    for name in allowed:
        if np.can_cast(dtype, name, casting="safe"):
            wider: np.dtype = np.dtype(name)
            return wider
    raise FileFormatError(
        f"{fspath(path)}: {file_suffix(path)} holds {' or '.join(allowed)}, the input is {dtype}: "
        "name the output .tif or .npy, which keep it"
    )
