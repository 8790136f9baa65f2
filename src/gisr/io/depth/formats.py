"""The file formats of depth maps: each reader checks the header's claim, then gives the samples.

TIFF and EXR have modules of their own. ``fits`` is called with the rows and columns that the header
claims, before pixels are read.
"""

import math
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from jaxtyping import Bool, Shaped

from gisr.errors import FileFormatError, listed
from gisr.io.depth.packed import packed_depth
from gisr.io.limits import Limits, check_picture
from gisr.io.pictures import check_png, decoded, open_picture, png_header, read_orientation
from gisr.notes import Note, warning

_MOST_PFM_LINES, _LONGEST_PFM_LINE = 16, 200
"""Of a header, comments among them."""
_MOST_NAMED = 3
"""Arrays that one message names."""
NAMED_DEPTH = re.compile(r"depth|disp", re.IGNORECASE)
"""What depth maps have in their names, files and arrays."""

Fits = Callable[[tuple[int, int]], object]
"""Refuses rows and columns, with an error of gisr, that another file does not go with."""


@dataclass(frozen=True, eq=False)
class StoredDepth:
    """What a file of a depth map holds."""

    samples: Shaped[np.ndarray, "H W"]
    nodata: float | None = None
    """What its header declares for unknown pixels, if it does."""
    notes: tuple[Note, ...] = ()
    """What a user should know of how it was read."""
    known: Bool[np.ndarray, "H W"] | None = None
    """What a mask in the file says; None where it has none."""
    scale: float = 1.0
    """The scale in the header of a PFM, which is not applied."""


def read_png(path: Path, limits: Limits, fits: Fits) -> StoredDepth:
    """Return the 8- or 16-bit samples of a grey PNG, and the nodata that is transparent in it."""
    with open_picture(path, ("PNG",), limits) as image:
        bits, _ = png_header(path)
        if image.mode not in ("L", "I;16", "LA", "RGB", "RGBA", "P") or (
            bits < 8 and image.mode != "P"
        ):
            raise FileFormatError(
                f"{path}: a PNG of {bits} bits, {image.mode}, is no depth map: it has one grey "
                "channel of 8 or 16 bits (colour-coded depth cannot be read back)"
            )
        fits((image.height, image.width))
        check_png(path)
        notes = orientation_notes(path, read_orientation(image, path))
        if image.mode in ("L", "I;16"):
            # GDAL declares nodata so (https://gdal.org/en/stable/drivers/raster/png.html).
            transparent = image.info.get("transparency")
            return StoredDepth(np.asarray(image), transparent, notes)
        # Programs that make files small give greys of few levels a palette.
        colours = image.convert("RGBA") if image.mode == "P" else image
        samples = np.asarray(colours) if bits <= 8 else decoded(path, np.uint16)
        return StoredDepth(one_channel(path, samples), notes=notes)


def orientation_notes(path: Path, orientation: int) -> tuple[Note, ...]:
    """Warn of an EXIF orientation, by which other programs may turn the depth map."""
    if orientation == 1:
        return ()
    text = (
        f"{path.name}: its EXIF orientation {orientation} is ignored, a depth map is taken as it "
        "is stored: if the picture does not lie so, turn the depth map and save it without the tag"
    )
    return (warning(text),)


def write_png(path: Path, stored: Shaped[np.ndarray, "H W"], nodata: float | None = None) -> None:
    """Write uint8 or uint16 samples as a grey PNG, in which its nodata, if any, is transparent."""
    from PIL import Image

    declared = {} if nodata is None else {"transparency": int(nodata)}
    Image.fromarray(stored).save(path, format="PNG", **declared)


def one_channel(
    path: Path, samples: Shaped[np.ndarray, "H W *channels"], *, alpha: bool = True
) -> Shaped[np.ndarray, "H W"]:
    """Return the one channel that several equal ones stand for; alpha must be opaque.

    Args:
        path: The file, for messages.
        samples: Its channels.
        alpha: Whether the last of two or four is alpha.

    Raises:
        FileFormatError: They differ.
    """
    if samples.ndim == 2:
        return samples
    count = samples.shape[2]
    colours, opacity = samples, None
    if alpha and count in (2, 4):
        colours, opacity = samples[..., :-1], samples[..., -1]
    if any(
        not same_samples(colours[..., 0], colours[..., each]) for each in range(1, colours.shape[2])
    ):
        packed = packed_depth(path, samples[..., :3])
        raise FileFormatError(
            packed
            or f"{path}: {count} channels that differ are no depth map: save one grey channel, or "
            "equal ones (colour-coded depth cannot be read back, depth packed into R, G and B is "
            "to be unpacked first); the guide of a satellite image is a GeoTIFF, "
            "too (gdal_translate makes one)"
        )
    if opacity is not None and opacity.size and (opacity != opacity.flat[0]).any():
        raise FileFormatError(
            f"{path}: transparent in part: save one grey channel, 0 where the depth is unknown"
        )
    return np.ascontiguousarray(colours[..., 0])


def same_samples(one: Shaped[np.ndarray, "H W"], other: Shaped[np.ndarray, "H W"]) -> bool:
    """Return whether two channels are equal; NaN is equal to NaN."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")


def read_npy(path: Path, limits: Limits, fits: Fits) -> StoredDepth:
    """Return the array of a ``.npy`` file; pickled objects are refused."""
    with path.open("rb") as stream:
        shape, dtype = _check_npy_header(path, stream, limits, fits)
        needed = stream.tell() + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if path.stat().st_size < needed:
            raise FileFormatError(
                f"{path}: cut short: {path.stat().st_size} bytes of the {needed} it announces"
            )
        stream.seek(0)
        return StoredDepth(_plane(path, np.lib.format.read_array(stream, allow_pickle=False)))


def write_npy(path: Path, stored: Shaped[np.ndarray, "H W"]) -> None:
    """Write an array as ``.npy``."""
    # Not np.save into a file: it raises nothing when the disk is full.
    buffer = BytesIO()
    np.save(buffer, stored, allow_pickle=False)
    path.write_bytes(buffer.getbuffer())


def read_npz(path: Path, limits: Limits, fits: Fits) -> StoredDepth:
    """Return the only array of a ``.npz`` file, or the one called ``depth``, or named alike."""
    notes: tuple[Note, ...] = ()
    with zipfile.ZipFile(path) as archive:
        names = [info.filename for info in archive.infolist() if info.filename.endswith(".npy")]
        chosen = _depth_member(path, [name[:-4] for name in names])
        name = f"{chosen}.npy"
        if len(names) > 1:
            others = listed([each[:-4] for each in names if each != name], _MOST_NAMED)
            text = (
                f"of {len(names)} arrays, {chosen!r} is taken for the depth map, without {others}"
            )
            notes = (Note(f"{path.name}: {text}"),)
        # A member never gives more bytes than its entry claims, so checking the header is enough.
        with archive.open(name) as member:
            _check_npy_header(path, member, limits, fits)
        with archive.open(name) as member:
            array = np.lib.format.read_array(member, allow_pickle=False)
            return StoredDepth(_plane(path, array), notes=notes)


def _depth_member(path: Path, names: Sequence[str]) -> str:
    """Return the name of the array that is the depth map: the only one, or the one called so."""
    alike = [name for name in names if NAMED_DEPTH.search(name)]
    for chosen in (names, [name for name in names if name == "depth"], alike):
        if len(chosen) == 1:
            return chosen[0]
    raise FileFormatError(
        f"{path}: holds arrays {list(names)}: call the depth map 'depth' (numpy.savez with "
        "depth=...), or save it alone"
    )


def write_npz(path: Path, stored: Shaped[np.ndarray, "H W"]) -> None:
    """Write an array as ``.npz``, compressed, under the name ``depth``."""
    with path.open("wb") as stream:
        np.savez_compressed(stream, depth=stored)


def read_pfm(path: Path, limits: Limits, fits: Fits) -> StoredDepth:
    """Return the samples of a portable float map, grey or of three equal colours.

    ``Pf`` or ``PF``, width and height, and a number whose sign gives the byte order (negative is
    little endian), then rows from the bottom up (http://netpbm.sourceforge.net/doc/pfm.html). The
    number's size tells the unit, in a way understood separately: Middlebury's files of 2014
    have 1/255 and their own reader leaves it out, OpenCV divides by it. So it is told, not applied.
    """
    with path.open("rb") as stream:
        kind, *sizes, order = _pfm_words(path, stream)
        bands = 1 if kind == b"Pf" else 3
        width, height = map(int, sizes)
        check_picture(path, limits, height=height, width=width, bands=bands, itemsize=4)
        if not (math.isfinite(float(order)) and float(order)):
            raise FileFormatError(f"{path}: {order!r} is no byte order: write -1 or 1 there")
        fits((height, width))
        dtype = np.dtype("<f4" if float(order) < 0 else ">f4")
        needed = width * height * bands * 4
        data = stream.read(needed)
    if len(data) < needed:
        raise FileFormatError(f"{path}: cut short: {len(data)} bytes of {needed}")
    stored = np.frombuffer(data, dtype)
    swapped = stored.view(dtype.newbyteorder())
    if _plausible(stored) < _RARELY and _plausible(swapped) > _MOSTLY:
        raise FileFormatError(
            f"{path}: its numbers are in the other byte order than the sign of {float(order):g} in "
            f"its header says: write {-float(order):g} there"
        )
    samples = np.flipud(stored.reshape(height, width, bands))
    scale = abs(float(order))
    return StoredDepth(
        one_channel(path, samples.astype(np.float32)), notes=_unit_notes(path, scale), scale=scale
    )


def _plausible(values: Shaped[np.ndarray, " n"]) -> float:
    """Return the share of numbers that may be depths in some unit, of those that are numbers."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(((sizes >= _SMALLEST) & (sizes <= _LARGEST)).mean()) if sizes.size else 0.0


_SMALLEST, _LARGEST = 1e-6, 1e9
"""Between which depths and disparities lie. The bytes of numbers in the wrong order are spread over
all exponents."""
_RARELY, _MOSTLY = 0.5, 0.95
"""Shares of such numbers below and above which bytes are in the wrong and the right order."""


def _unit_notes(path: Path, scale: float) -> tuple[Note, ...]:
    """Say that the scale of a PFM is left out: programs differ in what they make of it."""
    if scale == 1:
        return ()
    text = (
        f"{path.name}: the scale {scale:.7g} of its header, a unit, is not applied: values are "
        "taken as they are stored (OpenCV would divide by it), and a PFM output has it, too"
    )
    return (Note(text),)


def _pfm_words(path: Path, stream: IO[bytes]) -> list[bytes]:
    """Return the four words before the samples: writers put them on one to four lines."""
    words: list[bytes] = []
    for _ in range(_MOST_PFM_LINES):
        line = stream.readline(_LONGEST_PFM_LINE)
        words += line.partition(b"#")[0].split()
        if words and words[0] not in (b"Pf", b"PF"):
            raise FileFormatError(
                f"{path}: no PFM (it starts with {words[0][:8]!r}, not with Pf): save one channel"
            )
        if len(words) >= 4 or not line:
            break
    if len(words) != 4:
        raise FileFormatError(
            f"{path}: no PFM: after Pf stand width, height and -1 or 1, then the samples"
        )
    return words


def write_pfm(path: Path, stored: Shaped[np.ndarray, "H W"], scale: float = 1) -> None:
    """Write float32 samples as a little-endian portable float map of a scale, not applied."""
    height, width = stored.shape
    rows = np.ascontiguousarray(np.flipud(stored), dtype="<f4")
    path.write_bytes(f"Pf\n{width} {height}\n-{scale:.9g}\n".encode() + rows.tobytes())


def _check_npy_header(
    path: Path, stream: IO[bytes], limits: Limits, fits: Fits
) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise FileFormatError(f"{path}: version {version} of the npy format: save it with np.save")
    read_header = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read_header(stream)
    planes = _planes(shape)
    if dtype.kind not in "iuf" or planes is None:
        raise FileFormatError(
            f"{path}: an array {shape} of {dtype}: a depth map is (H, W) of real numbers: save "
            "the plane that you mean alone (numpy.save of array[0] or "
            "array[..., 0], with astype('float32') if it is of another kind)"
        )
    height, width, bands = planes
    check_picture(path, limits, height=height, width=width, bands=bands, itemsize=dtype.itemsize)
    fits((height, width))
    return shape, dtype


def _planes(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Return rows, columns and channels of (H, W) and (H, W, channels); else None.

    Arrays of networks have axes of one before: (1, H, W), (1, 1, H, W) and (1, H, W, 1) are one.
    """
    match shape:
        case (height, width) | (1, height, width) | (1, 1, height, width) | (1, height, width, 1):
            return height, width, 1
        case (height, width, (1 | 3 | 4) as channels):
            return height, width, channels
    return None


def _plane(path: Path, array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "H W"]:
    """Return the one channel of an array of a shape that was checked."""
    if array.ndim == 2:
        return array
    planes = _planes(array.shape)
    assert planes is not None  # refused before
    height, width, bands = planes
    return array.reshape(height, width) if bands == 1 else one_channel(path, array)
