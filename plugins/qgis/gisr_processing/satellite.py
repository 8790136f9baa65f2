"""What the algorithms on satellite images share: the sensor, and the response of its bands."""

from __future__ import annotations

from typing import Any, ClassVar

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
)

from .algorithm import GisrAlgorithm
from .sensors import SENSORS, sensor_words


class SatelliteAlgorithm(GisrAlgorithm):
    """An algorithm on two images of a satellite, the one coarser than the other."""

    coarse_bands: ClassVar[str] = "multispectral bands"
    """What the bands of the coarser image are called."""

    def add_sensor(self, text: str, *, folded: bool = False) -> None:
        """Add the list of sensors, with its help."""
        sensor = QgsProcessingParameterEnum(
            "SENSOR", "Sensor", options=SENSORS, defaultValue=SENSORS[0], usesStaticStrings=True
        )
        (self.advanced if folded else self.explained)(sensor, text)

    def add_response(self) -> None:
        """Add the MTF of the coarser bands."""
        number = QgsProcessingParameterNumber
        title = f"MTF of the {self.coarse_bands}"
        mtf = number("MTF", title, number.Double, None, True, 0.0, 1.0)
        self.advanced(mtf, "Their response at the Nyquist frequency; the sensor's when left out.")

    def of_sensor(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the options of gisr that sensor and MTF choose."""
        words = sensor_words(self.parameterAsEnumString(parameters, "SENSOR", context))
        if parameters.get("MTF") not in (None, ""):
            words.append(f"--mtf={self.parameterAsDouble(parameters, 'MTF', context)!r}")
        return words
