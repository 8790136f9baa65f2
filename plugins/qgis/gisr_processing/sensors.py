"""The sensors that gisr knows, as the dialog lists them: gisr's name, and other names in brackets.

Lines have no commas: at a comma QGIS takes a value for several. A test holds the names to the
sensors of the package.
"""

from __future__ import annotations

NOT_STATED = "Not stated"
SENSORS = (
    NOT_STATED,
    "Landsat-7 (L7 / LE07)",
    "Landsat-8 (Landsat-9 / LC08 / LC09)",
    "QuickBird (QB02)",
    "IKONOS (IK02)",
    "GeoEye-1 (GE01)",
    "GaoFen-1 (GF1)",
    "GaoFen-2 (GF2)",
    "WorldView-2 (WV02)",
    "WorldView-3 (WV03)",
    "WorldView-4 (WV04 / GeoEye-2)",
    "Pleiades (PHR1A / PHR1B)",
    "SPOT-6 (SPOT-7)",
    "Sentinel-2 (S2A / S2B / S2C)",
    "ASTER",
    "MODIS",
)


def sensor_words(line: str) -> list[str]:
    """Return what tells gisr the sensor of a line of the list; nothing where none is stated."""
    return [] if line in ("", NOT_STATED) else ["--sensor", line.split(" (")[0]]
