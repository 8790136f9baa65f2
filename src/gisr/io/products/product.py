"""What a satellite product, a folder of band files with metadata, says of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gisr.errors import InputError
from gisr.io.geotiff.quality import QualityMask
from gisr.io.geotiff.stack import BandFile, BandStack
from gisr.io.products.members import needed


@dataclass(frozen=True)
class ProductBand:
    """One band of a product."""

    name: str
    """As the agency calls it: ``B8A``."""
    path: Path
    resolution: float
    """Side of a pixel in metres."""
    wavelength: float | None = None
    """Centre of the band in micrometres, where it is known."""
    width: float | None = None
    """Width of the band in micrometres, where it is known."""
    colour: str = "undefined"
    """GDAL's colour interpretation."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What turns values into physical ones, as the metadata says it; never applied here."""

    @property
    def file(self) -> BandFile:
        """The band as part of a stack."""
        numbers = {"CENTRAL_WAVELENGTH_UM": self.wavelength, "FWHM_UM": self.width}
        imagery = {name: f"{value:.6g}" for name, value in numbers.items() if value is not None}
        return BandFile(self.path, self.name, self.colour, imagery, self.tags)


@dataclass(frozen=True)
class QualityBand:
    """The band of a product that says what its pixels show."""

    path: Path
    resolution: float
    always: tuple[int, ...]
    """Bits or classes of pixels without a value."""
    flags: Mapping[str, tuple[int, ...]]
    """Bits or classes by the word that asks for them: cloud, shadow."""
    bitwise: bool
    """Whether they are numbers of bits, else values."""

    def mask(self, words: Sequence[str]) -> QualityMask:
        """Return what makes the pixels unknown that some words name.

        Raises:
            InputError: A word that this band has no flag for.
            FileFormatError: Its file is missing.
        """
        missing = [word for word in words if word not in self.flags]
        if missing:
            raise InputError(
                f"mask-out {missing[0]!r}: {self.path.name} flags {', '.join(self.flags)}: use "
                "one of these"
            )
        needed(self.path, "the quality band")
        codes = {code for word in words for code in self.flags[word]} | set(self.always)
        if self.bitwise:
            bits = sum(1 << code for code in codes)
            return QualityMask(self.path, bits=bits, words=tuple(words))
        return QualityMask(self.path, classes=tuple(sorted(codes)), words=tuple(words))


@dataclass(frozen=True)
class Product:
    """A product as it is delivered."""

    folder: Path
    kind: str
    """What it is, for messages: ``Sentinel-2 L2A``."""
    sensor: str
    """As :mod:`gisr.tasks.sensors` has it."""
    bands: tuple[ProductBand, ...]
    """All that can be used, from their native resolution, in the agency's order."""
    guide: tuple[str, ...]
    """Names of the finest bands, which guide the others."""
    target: tuple[str, ...]
    """Names of those that are sharpened unless others are chosen."""
    panchromatic: bool
    """Whether the guide is a panchromatic band, and not bands of the same kind."""
    nodata: float | None
    quality: QualityBand | None = None
    no_quality: str = ""
    """Where there is no quality band, why, and the way out."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the output keeps of the metadata."""
    notes: tuple[str, ...] = ()
    """What a user should know of it."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Bands that are not used, and why."""

    @property
    def name(self) -> str:
        """What it is called: the folder's name without ``.SAFE``."""
        return self.folder.name.removesuffix(".SAFE")

    def band(self, name: str | int) -> ProductBand:
        """Return a band by name, however its number is written: ``B5``, ``b05``, ``5``, ``B8A``.

        Raises:
            InputError: The product has none of this name.
        """
        wanted = _key(name)
        for band in self.bands:
            if _key(band.name) == wanted:
                return band
        known = ", ".join(band.name for band in self.bands)
        for left, reason in self.left_out.items():
            if _key(left) == wanted:
                raise InputError(f"{self.folder.name}: band {left} {reason}: use one of {known}")
        raise InputError(f"{self.folder.name}: no band {name}: it has {known}")

    def stack(self, names: Sequence[str], quality: QualityMask | None = None) -> BandStack:
        """Return some bands as one image.

        Raises:
            FileFormatError: The file of one is missing.
        """
        for name in names:
            needed(self.band(name).path, f"band {name}")
        files = tuple(self.band(name).file for name in names)
        return BandStack(files, self.folder, self.nodata, self.tags, quality)


def _key(name: str | int) -> str:
    """Return a band's name without what people leave out: ``B05``, ``b5`` and ``5`` are one."""
    text = str(name).upper().removeprefix("SR_").removeprefix("B")
    return text.lstrip("0")
