"""Pansharpen: ``gisr upscale`` on two raster layers."""

from __future__ import annotations

import shlex
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterEnum,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from .algorithm import About, GisrAlgorithm, layer_file
from .sensors import SENSORS, sensor_words
from .style import StyleOf

_HELP = """\
<p>Sharpens the bands of a multispectral image with a panchromatic image of the same place, by
the network of gisr (MAG-Net). The result lies on the grid of the panchromatic image and has the
bands, data type and no-data value of the multispectral one.</p>
<p>A panchromatic image that is off by up to 8 of its pixels is moved first; the log says by how
much.</p>
<p>gisr runs as a program of its own. Cancel ends it; no unfinished file is left.</p>
"""


class Pansharpen(GisrAlgorithm):
    """``gisr upscale MS PAN``."""

    about = About(
        name="pansharpen",
        title="Pansharpen",
        summary="Sharpens a multispectral image with a panchromatic image of the same place.",
        tags=("pansharpening", "super-resolution", "fusion", "satellite", "sharpen", "MAG-Net"),
        text=_HELP,
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Add the parameters."""
        raster, number = QgsProcessingParameterRasterLayer, QgsProcessingParameterNumber
        self.addParameter(raster("MS", "Multispectral image"))
        self.addParameter(raster("PAN", "Panchromatic image"))
        sensor = QgsProcessingParameterEnum(
            "SENSOR", "Sensor", options=SENSORS, defaultValue=SENSORS[0], usesStaticStrings=True
        )
        self.explained(sensor, "Of another one, give the MTF and the bits (advanced parameters).")
        memory = number("MEMORY", "Most memory (MB)", number.Integer, optional=True, minValue=1)
        self.explained(memory, "Of the whole program; at least about 600. As needed when left out.")
        self._add_advanced()
        self.addParameter(QgsProcessingParameterRasterDestination("OUTPUT", "Sharpened image"))
        spread = QgsProcessingParameterRasterDestination(
            "SPREAD", "Where the network is unsure", optional=True, createByDefault=False
        )
        self.advanced(
            spread, "The spread of eight answers; the result is their mean (eight times the work)."
        )

    def _add_advanced(self) -> None:
        """Add what few need."""
        text, number = QgsProcessingParameterString, QgsProcessingParameterNumber
        bands = QgsProcessingParameterBand(
            "BANDS", "Bands to sharpen", None, "MS", optional=True, allowMultiple=True
        )
        self.advanced(bands, "In this order; all when none is chosen.")
        align = QgsProcessingParameterBoolean("ALIGN", "Align the panchromatic image first", True)
        self.advanced(align, "Its shift is estimated, reported and undone.")
        bits = number("BITS", "Significant bits", optional=True, minValue=1, maxValue=32)
        self.advanced(bits, "Per sample, for example 11; the result is clipped to their range.")
        mtf = number("MTF", "MTF of the multispectral bands", number.Double, None, True, 0.0, 1.0)
        self.advanced(mtf, "Their response at the Nyquist frequency; the sensor's when left out.")
        nodata = text("NODATA", "No-data value", optional=True)
        self.advanced(nodata, "A number, nan, or none; what the files say when left out.")
        cog = QgsProcessingParameterBoolean("COG", "Write a Cloud-optimized GeoTIFF", False)
        self.advanced(cog)
        creation = text("OPTIONS", "Creation options of the GeoTIFF", optional=True)
        self.advanced(creation, "NAME=VALUE, several with | between them: COMPRESS=ZSTD|TILED=YES.")
        threads = number("THREADS", "CPU threads", optional=True, minValue=1)
        self.advanced(threads, "As many as are good when left out.")
        extra = text("EXTRA", "Further options of gisr upscale", optional=True)
        self.advanced(extra, "As on the command line: --device cuda --no-consistent.")

    def prepareAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Ask the layers for their files and style, here in the thread that they belong to."""
        layers = self.raster_layers(parameters, context)
        self._files = [layer_file(layer, feedback) for layer in layers]
        self._bands = self.parameterAsInts(parameters, "BANDS", context)
        # QGIS does not own it: it has to live until the layer is there.
        self._style = StyleOf(layers[0], self._bands)
        _KEPT[:] = [*_KEPT[-20:], self._style]
        return True

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Run gisr."""
        outputs = {"OUTPUT": self.parameterAsOutputLayer(parameters, "OUTPUT", context)}
        spread = self.parameterAsOutputLayer(parameters, "SPREAD", context)
        if spread:
            outputs["SPREAD"] = spread
        words = ["upscale", *self._files, "--output", outputs["OUTPUT"], "--overwrite"]
        words += ["--progress", "json", "--verbose"]
        words += ["--uncertainty", spread] if spread else []
        words += self._chosen(parameters, context)
        printed = self.run_gisr(words, feedback, outputs.values())
        if printed is None:
            return {}
        for line in printed:
            feedback.pushInfo(line)
        if context.willLoadLayerOnCompletion(outputs["OUTPUT"]):
            details = context.layerToLoadOnCompletionDetails(outputs["OUTPUT"])
            details.setPostProcessor(self._style)
        return outputs

    def _chosen(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the options of gisr that the parameters choose."""

        def given(name: str) -> bool:
            return parameters.get(name) not in (None, "")

        words = sensor_words(self.parameterAsEnumString(parameters, "SENSOR", context))
        if given("MEMORY"):
            words.append(f"--max-memory={self.parameterAsInt(parameters, 'MEMORY', context)}MB")
        words += [f"--band={band}" for band in self._bands]
        if not self.parameterAsBool(parameters, "ALIGN", context):
            words.append("--align=off")
        for name, option in (("BITS", "--bits"), ("THREADS", "--threads")):
            if given(name):
                words.append(f"{option}={self.parameterAsInt(parameters, name, context)}")
        if given("MTF"):
            words.append(f"--mtf={self.parameterAsDouble(parameters, 'MTF', context)!r}")
        if given("NODATA"):
            value = self.parameterAsString(parameters, "NODATA", context).strip()
            words.append(f"--nodata={value}")
        if self.parameterAsBool(parameters, "COG", context):
            words.append("--cog")
        options = self.parameterAsString(parameters, "OPTIONS", context)
        words += [
            f"--creation-option={each.strip()}" for each in options.split("|") if each.strip()
        ]
        return words + _split(self.parameterAsString(parameters, "EXTRA", context))


def _split(text: str) -> list[str]:
    """Return the words of a command line.

    Raises:
        QgsProcessingException: A quotation mark is never closed.
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise QgsProcessingException(f"Further options {text}: {error}") from error


_KEPT: list[StyleOf] = []
"""The styles of the last runs, so that they live until QGIS has loaded the layers."""
