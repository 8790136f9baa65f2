"""Files and addresses that gisr does not read, and how to make of them what it does."""

import re
import shlex
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path, PurePath

_LOOKED_AT = 4096
"""Bytes from the beginning of a file that show what it is."""
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+:/|/vsi[a-z0-9]+/)", re.IGNORECASE)
_IN_ARCHIVE = re.compile(r"(zip|tar|gz)(\+[a-z]+)*:/|/vsi(zip|tar|gzip|7z|rar)/", re.IGNORECASE)
_LOCAL = re.compile(r"file:/", re.IGNORECASE)
_ONE_SLASH = re.compile(r"\b([a-z][a-z0-9+.-]+):/(?!/)", re.IGNORECASE)
_PART = re.compile(r"[A-Z][A-Z0-9_]+:", re.ASCII)
"""How GDAL begins the name of an image inside a file: HDF5:, NETCDF:, GTIFF_DIR: and more."""


@dataclass(frozen=True)
class ForeignKind:
    """A kind of file, and the way out."""

    name: str
    way: str
    """With {path} for the file and {stem} for its name without folder and suffix."""


_CONVERT = "convert it to GeoTIFF first (gdal_translate {path} {stem}.tif)"
_INSIDE = (
    "it holds several images: gdalinfo {path} lists them, gdal_translate NAME {stem}.tif makes a "
    "GeoTIFF of one (an array of HDF5: numpy.save of h5py.File(FILE)['NAME'][()])"
)
_UNPACK = "unpack it first, then name the images in it"
_JPEG2000 = ForeignKind("JPEG 2000", _CONVERT)
_IMAGINE = ForeignKind("ERDAS IMAGINE", _CONVERT)
_VRT = ForeignKind("a virtual raster (VRT)", _CONVERT)
_DIMAP = ForeignKind("DIMAP, the description of images beside it", _CONVERT)
_TIL = ForeignKind("the list of the tiles of an image", _CONVERT)
_HDF = ForeignKind("HDF", _INSIDE)
_NETCDF = ForeignKind("netCDF", _INSIDE)
_NITF = ForeignKind("NITF", _CONVERT)
_ENVI = ForeignKind(
    "the header of an ENVI image",
    "convert the image beside it to GeoTIFF first (gdal_translate IMAGE {stem}.tif)",
)
_ENVI_IMAGE = ForeignKind("an ENVI image, whose header lies beside it", _CONVERT)
_PRODUCT = "name its folder, without a guide (gisr upscale FOLDER -o out.tif)"
_SENTINEL = ForeignKind("the description of a Sentinel-2 product", _PRODUCT)
_LANDSAT = ForeignKind("the description of a Landsat product", _PRODUCT)
_XML = ForeignKind("a description in XML", _CONVERT + ", or name the images that it describes")
_ARCHIVE = ForeignKind("an archive", _UNPACK)
_OTHER = ForeignKind("an image of another format", _CONVERT)
_PORTABLE = ForeignKind(
    "a portable map (PGM, PPM)",
    'convert it to PNG, which keeps its 16 bits (python -c "import cv2; '
    "cv2.imwrite('{stem}.png', cv2.imread('{path}', cv2.IMREAD_UNCHANGED))\")",
)
_HEIC = ForeignKind(
    "a HEIF picture (HEIC, AVIF)",
    "convert it to JPEG or PNG first (heif-convert {path} {stem}.png)",
)
_PICTURE = ForeignKind(
    "a picture of another format", "convert it to PNG first (magick {path} {stem}.png)"
)
_RAW_PHOTO = ForeignKind(
    "a camera's raw photo", "develop it to a 16-bit TIFF or PNG first (dcraw -T -6 {path})"
)
_FRAMES = ForeignKind(
    "a recording", "extract its frames as PNG first (ffmpeg, rs-convert, rosbag, k4arecorder)"
)
_CLOUD = ForeignKind(
    "a point cloud or a mesh", "render the depth map of the picture's camera first"
)
_VOLUME = ForeignKind(
    "a volume of another format", "convert it to NIfTI first (nib-convert {path} {stem}.nii.gz)"
)
_ITK = ForeignKind(
    "a volume of ITK",
    'convert it to NIfTI first (python -c "import SimpleITK; '
    "SimpleITK.WriteImage(SimpleITK.ReadImage('{path}'), '{stem}.nii.gz')\")",
)
_MATLAB = ForeignKind(
    "a MATLAB file",
    'save its array as npy first (python -c "import numpy, scipy.io; '
    "numpy.save('{stem}.npy', scipy.io.loadmat('{path}')['NAME'])\")",
)
_MATLAB_HDF = ForeignKind(
    "a MATLAB file of version 7.3",
    'save its array as npy first, with its axes turned around (python -c "import numpy, h5py; '
    "numpy.save('{stem}.npy', h5py.File('{path}')['NAME'][()].T)\", of the first of a stack, as in "
    "NYU Depth, ['NAME'][0].T)",
)
_IN_PYTHON = (_PORTABLE, _ITK, _MATLAB, _MATLAB_HDF)
_HALF = ForeignKind(
    "half of a pair of files (.hdr, .img)",
    "make one file of both first: of MR nib-convert {path} {stem}.nii.gz, of a satellite image "
    "gdal_translate {path} {stem}.tif",
)
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""How a TIFF begins, of either order of bytes, and a BigTIFF."""
_LONE_HALF = ForeignKind(
    "half of a pair of files (.hdr, .img) whose other half is not beside it",
    "put both into one folder, then make one file of them: of MR nib-convert {path} {stem}.nii.gz, "
    "of a satellite image gdal_translate {path} {stem}.tif",
)
_RENAMED = ForeignKind("NIfTI by another name", "rename it first (mv {path} {stem}.nii)")
_PACKED = {
    suffix: ForeignKind("a compressed file", f"decompress it first ({program} {{path}})")
    for suffix, program in (
        (".gz", "gunzip --keep"),
        (".bz2", "bunzip2 --keep"),
        (".xz", "unxz --keep"),
        (".zst", "unzstd"),
    )
}
_BEGINNINGS: tuple[tuple[bytes, ForeignKind], ...] = (
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", _JPEG2000),
    (b"\xff\x4f\xff\x51", _JPEG2000),
    (b"EHFA_HEADER_TAG", _IMAGINE),
    (b"\x89HDF\r\n\x1a\n", _HDF),
    (b"\x0e\x03\x13\x01", _HDF),
    (b"CDF\x01", _NETCDF),
    (b"CDF\x02", _NETCDF),
    (b"CDF\x05", _NETCDF),
    *((b"P%d%c" % (number, space), _PORTABLE) for number in range(1, 8) for space in b"\n\r\t "),
    (b"BM", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"#ROSBAG", _FRAMES),
    (b"\x1a\x45\xdf\xa3", _FRAMES),
    (b"NITF", _NITF),
    (b"NSIF", _NITF),
    (b"ENVI", _ENVI),
    (b"#?RADIANCE", _PICTURE),
    (b"MATLAB 7.3", _MATLAB_HDF),
    (b"MATLAB ", _MATLAB),
)
"""What the first bytes of a file show."""
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""How PNG and JPEG begin, which are read as pictures and depth maps, not as satellite images."""
_WORLD_FILES = {
    ".png": (".wld", ".pgw", ".pngw"),
    ".jpg": (".wld", ".jgw", ".jpgw", ".jpegw"),
    ".jpeg": (".wld", ".jgw", ".jpgw", ".jpegw"),
}
"""Suffixes of the files beside a picture that say where it lies, by the picture's."""
_WORLD_NUMBERS = 6
_WORDS: tuple[tuple[bytes, ForeignKind], ...] = (
    (b"<VRTDataset", _VRT),
    (b"Dimap_Document", _DIMAP),
    (b"User_Product", _SENTINEL),
    (b"LANDSAT_METADATA_FILE", _LANDSAT),
    (b"L1_METADATA_FILE", _LANDSAT),
)
"""Words of text files."""
_SUFFIXES: dict[str, ForeignKind] = {
    **dict.fromkeys((".jp2", ".j2k", ".jpx", ".jpf"), _JPEG2000),
    **dict.fromkeys((".hdf", ".h4", ".h5", ".he5", ".hdf5"), _HDF),
    **dict.fromkeys((".nc", ".nc4", ".cdf"), _NETCDF),
    **dict.fromkeys((".ntf", ".nitf"), _NITF),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar"), _ARCHIVE),
    **dict.fromkeys(
        (".ecw", ".sid", ".bil", ".bsq", ".bip", ".pix", ".asc", ".grd", ".ers"), _OTHER
    ),
    **dict.fromkeys(
        (".gpkg", ".mbtiles", ".mrf", ".kea", ".cub", ".rst", ".sdat", ".dt2", ".hgt"), _OTHER
    ),
    **dict.fromkeys((".grib", ".grib2", ".grb", ".grb2", ".n1"), _OTHER),
    **dict.fromkeys((".pgm", ".ppm", ".pnm", ".pbm"), _PORTABLE),
    **dict.fromkeys((".heic", ".heif", ".avif"), _HEIC),
    **dict.fromkeys((".bmp", ".webp", ".gif", ".tga", ".jxl", ".psd"), _PICTURE),
    **dict.fromkeys((".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".rw2"), _RAW_PHOTO),
    **dict.fromkeys((".bag", ".mkv", ".mp4", ".mov", ".svo", ".db3", ".oni"), _FRAMES),
    **dict.fromkeys((".pcd", ".ply", ".las", ".laz", ".obj", ".xyz"), _CLOUD),
    **dict.fromkeys((".mgz", ".mgh", ".mnc", ".par", ".rec", ".head", ".brik"), _VOLUME),
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd"), _ITK),
    **_PACKED,
    ".mat": _MATLAB,
    ".vrt": _VRT,
    ".til": _TIL,
    ".xml": _XML,
}


def foreign_file(path: str | PathLike[str]) -> str | None:
    """Return what a file is that gisr does not read, and the way out; None for any other.

    By its first bytes, whatever its name, then by its suffix.
    """
    place = Path(path)
    start = _beginning(place)
    kind = _HEIC if _is_heif(start) else _by_content(start)
    if place.suffix.lower() == ".mnc":  # netCDF or HDF inside, of which GDAL makes no volume
        kind = _VOLUME
    if place.suffix.lower() == ".mat" and kind is _HDF:  # as h5py writes one
        kind = _MATLAB_HDF
    kind = kind or _by_place(place)
    if kind is None:
        return misnamed_tiff(path)
    # Ready to be typed: the path as the user gave it; what is Python has quotes of its own.
    words = [fspath(place), _stem(place)]
    path, stem = words if kind in _IN_PYTHON else map(shlex.quote, words)
    way = kind.way.format(path=path, stem=stem)
    return f"is {kind.name}, which gisr does not read: {way}"


def misnamed_tiff(path: str | PathLike[str]) -> str | None:
    """Return the way out for a TIFF whose name is that of none; None for any other file."""
    place = Path(path)
    if place.suffix.lower() in (".tif", ".tiff"):
        return None
    if not _beginning(place).startswith(_TIFF):
        return None
    named, better = shlex.quote(fspath(place)), shlex.quote(f"{place.with_suffix('')}.tif")
    return f"is a TIFF, which its name does not say: rename it (mv -n {named} {better})"


def picture_as_geotiff(path: str | PathLike[str]) -> str | None:
    """Return the way out for a PNG or JPEG as a satellite image; None for any other file."""
    place = Path(path)
    if not _beginning(place).startswith(_PICTURES):
        return None
    way = _CONVERT.format(path=shlex.quote(fspath(place)), stem=shlex.quote(_stem(place)))
    return f"is a picture, not a GeoTIFF: {way}"


def placed_by(path: str | PathLike[str]) -> Path | None:
    """Return the file beside a PNG or JPEG that says where on Earth it lies: as GDAL finds it.

    A world file of six numbers, or what GDAL itself noted, if that has a place.
    """
    place = Path(path)
    suffixes = _WORLD_FILES.get(place.suffix.lower())
    if suffixes is None:
        return None
    for suffix in (each for lower in suffixes for each in (lower, lower.upper())):
        beside = place.with_suffix(suffix)
        if len(_numbers(_beginning(beside))) == _WORLD_NUMBERS:
            return beside
    noted = place.with_name(f"{place.name}.aux.xml")
    return noted if b"<GeoTransform>" in _beginning(noted) else None


def _beginning(place: Path) -> bytes:
    try:
        with place.open("rb") as stream:
            return stream.read(_LOOKED_AT)
    except (OSError, ValueError):
        return b""


def _numbers(text: bytes) -> list[float]:
    """Return the numbers that a text consists of; none where anything else is in it."""
    try:
        return [float(word) for word in text.split()]
    except ValueError:
        return []


def foreign_address(path: str | PathLike[str]) -> str | None:
    """Return the way out for a name that is no path but an address, or GDAL's name of a part.

    It begins with the name as it was typed, of which a ``Path`` keeps one slash of several. None
    for any other name.
    """
    text = fspath(path)
    if _IN_ARCHIVE.match(text):
        way = f"it is what GDAL calls a file in an archive: {_UNPACK}"
    elif _LOCAL.match(text):
        way = "it is an address: name the file by its path, without file:"
    elif _ADDRESS.match(text):
        way = (
            "it is an address, gisr reads and writes files alone: download it first (curl -O, "
            "aws s3 cp, or gdal_translate with /vsicurl/ before an address, /vsis3/ before s3:), "
            "and upload an output afterwards"
        )
    elif _PART.match(text) and len(PurePath(text).drive) < 1:
        way = (
            "it is what GDAL calls a part of a file: make a file of it first "
            "(gdal_translate 'NAME' part.tif)"
        )
    else:
        return None
    return f"{_ONE_SLASH.sub(_both_slashes, text)}: {way}"


def _both_slashes(found: re.Match[str]) -> str:
    """Return the beginning of an address, whose slashes a ``Path`` made one of."""
    return f"{found[1]}:{'///' if found[1].lower() == 'file' else '//'}"


def _is_heif(start: bytes) -> bool:
    """Return whether bytes begin a container of HEIF pictures; videos have other brands."""
    brands = (b"heic", b"heix", b"mif1", b"msf1", b"hevc", b"avif")
    return start[4:8] == b"ftyp" and start[8:12] in brands


def _by_place(place: Path) -> ForeignKind | None:
    """Return what a file is by its name, and by the files beside it."""
    return _ENVI_IMAGE if _is_envi_image(place) else _half(place) or _by_name(place)


def _is_envi_image(place: Path) -> bool:
    """Return whether the header of an ENVI image lies beside a file, under either of its names."""
    if place.suffix.lower() == ".hdr" or not place.is_file():
        return False
    for header in {place.with_suffix(".hdr"), place.with_name(f"{place.name}.hdr")}:
        try:
            with header.open("rb") as stream:
                if stream.read(4) == b"ENVI":
                    return True
        except OSError:
            continue
    return False


def _half(place: Path) -> ForeignKind | None:
    """Return the kind of the header or the voxels of a pair of files."""
    other = {".hdr": ".img", ".img": ".hdr"}.get(place.suffix.lower())
    if other is None:
        return None
    return _HALF if place.with_suffix(other).exists() else _LONE_HALF


def _by_name(place: Path) -> ForeignKind | None:
    """Return the kind of a file by its suffix, or its last two; NIfTI, compressed, is read."""
    suffixes = [each.lower() for each in place.suffixes[-2:]]
    if suffixes == [".nii", ".gz"]:
        return None
    return _SUFFIXES.get("".join(suffixes)) or _SUFFIXES.get(place.suffix.lower())


def _by_content(start: bytes) -> ForeignKind | None:
    for magic, kind in _BEGINNINGS:
        if start.startswith(magic):
            return kind
    if start[344:348] == b"n+1\0" or start[4:8] == b"n+2\0":
        return _RENAMED
    if b"\0" in start:
        return None
    return next((kind for word, kind in _WORDS if word in start), None)


def _stem(place: Path) -> str:
    # The stem of t2.nii.txt is t2: the name to type ends with .nii again.
    stem = place.stem.removesuffix(".nii") or "image"
    return f"{stem}_geotiff" if place.suffix.lower() in (".tif", ".tiff") else stem
