"""Two files that belong together: which task they are, both loaded, and how they lie."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt

from gisr.errors import InputError, PairError
from gisr.io.colour import colour_shape, read_colour
from gisr.io.depth import maps as depthmap
from gisr.io.depth.maps import DepthMap, read_depth
from gisr.io.files import check_readable, file_suffix
from gisr.io.geotiff import GeoHeader, open_geotiff, read_header, read_outline, relate_grids
from gisr.io.limits import DEFAULT_LIMITS, Limits
from gisr.io.placement import Placement
from gisr.io.quantise import holds
from gisr.io.volumes import dicom, nifti
from gisr.io.volumes.header import Volume, VolumeHeader
from gisr.io.volumes.placement import VolumePlacement, place_volumes

_TIFF = (".tif", ".tiff")
_PICTURES = (".png", ".jpg", ".jpeg", *_TIFF)
_MOST_GUIDE_BANDS = 3
"""More are no panchromatic image and no colour picture: the first is taken."""
_REMEDY = "say which it is with --task pansharpening, mri or depth"


@dataclass(frozen=True, eq=False)
class RasterPair:
    """A multispectral target and a panchromatic guide; their pixels are read by windows."""

    target: GeoHeader
    """Along the guide's axes: where the file is not, it is brought there while it is read."""
    guide: GeoHeader
    """With one band of a file that has more than three."""
    placement: Placement
    task: Literal["pansharpening"] = "pansharpening"


@dataclass(frozen=True, eq=False)
class VolumePair:
    """Two MR volumes; of a series the first volumes, the others are read one by one."""

    target: Volume
    guide: Volume
    placement: VolumePlacement
    task: Literal["mri"] = "mri"


@dataclass(frozen=True, eq=False)
class DepthPair:
    """A depth map and a colour picture: (H, W) or (H, W, 3), uint8 or uint16."""

    target: DepthMap
    guide: UInt[np.ndarray, "H W *channels"]
    guide_path: Path
    placement: Placement
    task: Literal["depth"] = "depth"


FilePair = RasterPair | VolumePair | DepthPair
"""What :func:`read_pair` gives; ``task`` tells them apart."""


def guess_task(
    target_path: str | PathLike[str], guide_path: str | PathLike[str]
) -> Literal["pansharpening", "mri", "depth"]:
    """Tell the task from two files: by their suffixes, for two TIFFs by what their headers say.

    Two NIfTI files are ``mri``; a depth format with a picture is ``depth``; two TIFFs are
    ``pansharpening`` when the target has several bands or either is georeferenced, ``depth`` when a
    bare one-band target comes with a colour guide.

    Raises:
        PairError: The files do not tell.
        FileFormatError: A file is missing or damaged.
        MissingExtraError: Two TIFFs, and rasterio is not installed.
    """
    given = target_path, guide_path
    volumes = [file_suffix(path) in nifti.SUFFIXES or dicom.is_dicom(path) for path in given]
    if all(volumes) and any(Path(path).is_dir() for path in given):
        return "mri"
    paths = check_readable(target_path), check_readable(guide_path)
    target, guide = (file_suffix(path) for path in paths)
    if all(volumes):
        return "mri"
    if target in _TIFF and guide in _TIFF:
        return _guess_from_tiffs(Path(target_path), Path(guide_path))
    if not any(volumes) and target in depthmap.READERS and guide in _PICTURES:
        return "depth"
    raise PairError(
        f"{Path(target_path).name} and {Path(guide_path).name}: no pair of files that goes "
        "together: give two GeoTIFFs (multispectral, panchromatic), two NIfTI volumes, or a depth "
        f"map and a colour picture; if they are one of these, {_REMEDY}"
    )


def read_pair(
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    task: Literal["pansharpening", "mri", "depth"] | None = None,
    *,
    invalid: float = 0,
    bands: Sequence[int] | None = None,
    nodata: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> FilePair:
    """Read two files and place them; of GeoTIFFs, which may be of any size, the headers.

    Args:
        target_path: The low-resolution file.
        guide_path: The high-resolution file of the other modality.
        task: What they are; guessed when not given.
        invalid: Value of unknown pixels of a depth map.
        bands: Numbers of the target's bands to take, from 1 (pansharpening).
        nodata: Value of unknown pixels in place of what the target says, and of the guide if its
            type can hold it (pansharpening).
        limits: What the headers may claim.

    Raises:
        PairError: The files do not tell their task or do not fit together.
        FileFormatError: A file is missing, damaged or of the wrong kind.
        LimitError: A header claims more than the limits.
        MissingExtraError: The package that reads the format is not installed.
    """
    readers: dict[str, Callable[[], FilePair]] = {
        "pansharpening": lambda: _raster_pair(target_path, guide_path, bands, nodata, limits),
        "mri": lambda: _volume_pair(target_path, guide_path, limits),
        "depth": lambda: _depth_pair(Path(target_path), Path(guide_path), invalid, limits),
    }
    return readers[task or guess_task(target_path, guide_path)]()


def _raster_pair(
    target_path: str | PathLike[str],
    guide_path: str | PathLike[str],
    bands: Sequence[int] | None,
    nodata: float | None,
    limits: Limits,
) -> RasterPair:
    # Before any pixel: a band that may be a mask is looked at for the header.
    relation = relate_grids(*(read_outline(p, limits) for p in (target_path, guide_path)))
    target = read_header(target_path, limits, bands, nodata)
    if relation.regrid is not None:
        target = target.regridded(relation.regrid)
    guide = read_header(guide_path, limits)
    if guide.bands > _MOST_GUIDE_BANDS:
        guide = replace(guide, numbers=guide.numbers[:1])
    if nodata is not None and holds(guide.dtype, nodata):
        guide = replace(guide, nodata=nodata, nodata_given=True)
    return RasterPair(target, guide, relation.placement)


def _volume_pair(
    target_path: str | PathLike[str], guide_path: str | PathLike[str], limits: Limits
) -> VolumePair:
    headers = [_volume_header(path, limits) for path in (target_path, guide_path)]
    placement = place_volumes(*headers)
    target, guide = headers
    if guide.count not in (1, target.count):
        raise PairError(
            f"{guide.path.name}: {guide.count} volumes for {target.count} of the target: give one "
            "guide for all, or one for each"
        )
    return VolumePair(_loaded(target), _loaded(guide), placement)


def _volume_header(path: str | PathLike[str], limits: Limits) -> VolumeHeader:
    if (file_suffix(path) not in nifti.SUFFIXES and dicom.is_dicom(path)) or Path(path).is_dir():
        return dicom.read_dicom_header(path, limits)
    return nifti.read_nifti_header(path, limits)


def _loaded(header: VolumeHeader) -> Volume:
    """Return a header with its first volume, which must hold something."""
    volume = header.load()
    if not volume.valid.any():
        raise InputError(f"{header.path}: no voxel is finite: there is nothing to sharpen")
    return volume


def _depth_pair(target_path: Path, guide_path: Path, invalid: float, limits: Limits) -> DepthPair:
    guide_shape = colour_shape(guide_path, limits)

    def place(shape: tuple[int, int], guide_shape: tuple[int, int] = guide_shape) -> Placement:
        try:
            return Placement.from_grid("centre", shape, guide_shape)
        except PairError as error:
            raise PairError(f"{target_path.name} and {guide_path.name}: {error}") from error

    # Both headers go before the pixels of either: a small file may unpack to a large picture.
    target = read_depth(target_path, invalid=invalid, limits=limits, fits=place)
    guide = read_colour(guide_path, limits)
    return DepthPair(
        target, guide, guide_path, place(target.shape, (guide.shape[0], guide.shape[1]))
    )


def _guess_from_tiffs(target_path: Path, guide_path: Path) -> Literal["pansharpening", "depth"]:
    with open_geotiff(target_path) as target, open_geotiff(guide_path) as guide:
        placed = any(
            file.crs is not None or not file.transform.is_identity for file in (target, guide)
        )
        bands, guide_bands = target.count, guide.count
    if bands > 1 or placed:
        return "pansharpening"
    if guide_bands >= 3:
        return "depth"
    raise PairError(
        f"{target_path.name} and {guide_path.name}: two TIFFs of one band without georeference may "
        f"be anything: {_REMEDY}"
    )
