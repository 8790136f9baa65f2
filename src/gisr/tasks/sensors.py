"""Satellite sensors: what gisr knows of them, as frozen records.

``mtf_gain`` is the amplitude response of the multispectral bands at the Nyquist frequency of the
multispectral grid, the one number that fixes the Gaussian low-pass of Wald's protocol
(Aiazzi et al., 2006; Vivone et al., 2015). The values are the band means of the gains tabulated in
the pansharpening literature; an unlisted sensor gets 0.3, the value used for the
project's own baselines (``shared/data/README.md``).
"""

import unicodedata
from dataclasses import dataclass

from gisr.errors import InputError


@dataclass(frozen=True)
class Sensor:
    """One satellite sensor."""

    name: str
    """Name as it stands in descriptions, for example ``QuickBird``."""
    bits: int | None
    """Significant bits per sample of its products; None for reflectances and unknown sensors."""
    mtf_gain: float
    """Response of the multispectral bands at their Nyquist frequency, in (0, 1)."""
    ratio: int
    """Native ratio between panchromatic and multispectral sampling."""
    described: bool = False
    """Whether the shipped descriptions name it. A new sensor needs no text encoder: its images get
    the sentence without a sensor until the table is embedded again
    (:mod:`gisr.tasks.text.build`)."""

    @property
    def key(self) -> str:
        """Lower-case name without spaces or hyphens, as accepted by :func:`find_sensor`."""
        return _key(self.name)


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.lower())  # accents as signs of their own
    return "".join(character for character in plain if character.isalnum())


_ALL = (
    Sensor("Landsat-7", bits=8, mtf_gain=0.30, ratio=2, described=True),
    Sensor("Landsat-8", bits=16, mtf_gain=0.30, ratio=2, described=True),
    Sensor("QuickBird", bits=11, mtf_gain=0.31, ratio=4, described=True),
    Sensor("IKONOS", bits=11, mtf_gain=0.27, ratio=4, described=True),
    Sensor("GeoEye-1", bits=11, mtf_gain=0.23, ratio=4, described=True),
    Sensor("GaoFen-1", bits=10, mtf_gain=0.30, ratio=4, described=True),
    Sensor("GaoFen-2", bits=10, mtf_gain=0.30, ratio=4, described=True),
    Sensor("WorldView-2", bits=11, mtf_gain=0.34, ratio=4, described=True),
    Sensor("WorldView-3", bits=11, mtf_gain=0.32, ratio=4, described=True),
    Sensor("WorldView-4", bits=11, mtf_gain=0.23, ratio=4, described=True),
    Sensor("Pleiades", bits=12, mtf_gain=0.30, ratio=4, described=True),
    Sensor("SPOT-6", bits=12, mtf_gain=0.30, ratio=4, described=True),
    Sensor("Sentinel-2", bits=None, mtf_gain=0.31, ratio=2),
    Sensor("ASTER", bits=8, mtf_gain=0.30, ratio=2),
    Sensor("MODIS", bits=None, mtf_gain=0.30, ratio=2),
)
SENSORS: dict[str, Sensor] = {sensor.key: sensor for sensor in _ALL}
"""Built-in sensors by key."""

UNKNOWN_SENSOR = Sensor("a satellite", bits=None, mtf_gain=0.30, ratio=4)
"""Used when the sensor is not stated."""

_ALIASES = {
    "landsat7etm": "landsat7",
    "l7": "landsat7",
    "le7": "landsat7",
    "le07": "landsat7",
    "landsat8oli": "landsat8",
    "landsat8olitirs": "landsat8",
    "landsat9oli2": "landsat8",
    "landsat9": "landsat8",
    "l8": "landsat8",
    "lc8": "landsat8",
    "lc08": "landsat8",
    "lo08": "landsat8",
    "l9": "landsat8",
    "lc9": "landsat8",
    "lc09": "landsat8",
    "lo09": "landsat8",
    "qb": "quickbird",
    "qb2": "quickbird",
    "qb02": "quickbird",
    "quickbird2": "quickbird",
    "ik": "ikonos",
    "ik2": "ikonos",
    "ik02": "ikonos",
    "ikonos2": "ikonos",
    "ge": "geoeye1",
    "ge1": "geoeye1",
    "ge01": "geoeye1",
    "geoeye": "geoeye1",
    "gf1": "gaofen1",
    "gf01": "gaofen1",
    "gf1pms": "gaofen1",
    "gf2": "gaofen2",
    "gf02": "gaofen2",
    "gf2pms": "gaofen2",
    "wv2": "worldview2",
    "wv02": "worldview2",
    "worldview02": "worldview2",
    "wv3": "worldview3",
    "wv03": "worldview3",
    "worldview03": "worldview3",
    "wv4": "worldview4",
    "wv04": "worldview4",
    "worldview04": "worldview4",
    "geoeye2": "worldview4",
    "pleiades1": "pleiades",
    "pleiades1a": "pleiades",
    "pleiades1b": "pleiades",
    "pleiadeshr": "pleiades",
    "phr": "pleiades",
    "phr1": "pleiades",
    "phr1a": "pleiades",
    "phr1b": "pleiades",
    "s2": "sentinel2",
    "s2a": "sentinel2",
    "s2b": "sentinel2",
    "s2c": "sentinel2",
    "sentinel2a": "sentinel2",
    "sentinel2b": "sentinel2",
    "sentinel2c": "sentinel2",
    "sentinel2msi": "sentinel2",
    "astervnir": "aster",
    "asterl1t": "aster",
    "terramodis": "modis",
    "aquamodis": "modis",
    "spot06": "spot6",
    "spot7": "spot6",
    "spot07": "spot6",
}
"""Other names of sensors, as files of their vendors have them too."""


def find_sensor(name: str | None) -> Sensor:
    """Return the record of a sensor by name, ignoring case, spaces and hyphens.

    Args:
        name: For example ``QuickBird``, ``wv-3``, ``GF2``; a note in brackets is ignored
            (``Landsat-8 OLI (reflectance float)``). None gives :data:`UNKNOWN_SENSOR`.

    Raises:
        InputError: The name is none of :data:`SENSORS`.
    """
    sensor = listed_sensor(name)
    if name is not None and sensor is UNKNOWN_SENSOR:
        known = ", ".join(sensor.name for sensor in _ALL)
        raise InputError(f"unknown sensor {name!r}: use one of {known}, or leave the sensor out")
    return sensor


def listed_sensor(name: str | None) -> Sensor:
    """Return the record of a sensor, or :data:`UNKNOWN_SENSOR` for one that is not listed.

    A new sensor needs no new weights: its images get the description without a sensor.
    """
    if name is None:
        return UNKNOWN_SENSOR
    key = _key(name.split("(")[0])
    return SENSORS.get(_ALIASES.get(key, key), UNKNOWN_SENSOR)


def unlisted_note(name: str | None) -> str | None:
    """Return what to report of a sensor that is not listed; None for a listed one, or none."""
    if name is None or listed_sensor(name) is not UNKNOWN_SENSOR:
        return None
    known = ", ".join(sensor.name for sensor in _ALL)
    return (
        f"sensor {name!r} is not listed ({known}): described without a sensor, with an MTF gain of "
        f"{UNKNOWN_SENSOR.mtf_gain:g}; give its own with mtf and bits"
    )
