"""What the algorithms that run ``gisr upscale`` share: its options, its outputs, their style."""

from __future__ import annotations

import shlex
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterString,
)

from .satellite import SatelliteAlgorithm
from .style import StyleOf


@dataclass(frozen=True)
class Inputs:
    """What an algorithm's own parameters come to."""

    words: list[str]
    """Of the command line: files, and options that other algorithms do not have."""
    style: StyleOf | None
    """What the result shall look like; None as QGIS shows a new layer."""


class UpscaleAlgorithm(SatelliteAlgorithm):
    """``gisr upscale``; an algorithm adds its inputs, and says what they come to."""

    @abstractmethod
    def add_inputs(self) -> None:
        """Add the layers, and what stands beside them."""

    @abstractmethod
    def add_choices(self) -> None:
        """Add what is folded away and the algorithm's own."""

    @abstractmethod
    def inputs(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> Inputs:
        """Return what the algorithm's own parameters come to.

        Raises:
            QgsProcessingException: A layer is not there, or has no file.
        """

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Add the parameters."""
        number = QgsProcessingParameterNumber
        self.add_inputs()
        self.add_sensor("Of another one, give the MTF and the bits (advanced parameters).")
        memory = number("MEMORY", "Most memory (MB)", number.Integer, optional=True, minValue=1)
        self.explained(memory, "Of the whole program; at least about 600. As needed when left out.")
        self.add_choices()
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
        bits = number("BITS", "Significant bits", optional=True, minValue=1, maxValue=32)
        self.advanced(bits, "Per sample, for example 11; the result is clipped to their range.")
        self.add_response()
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
        self._inputs = self.inputs(parameters, context, feedback)
        if self._inputs.style is not None:
            # QGIS does not own it: it has to live until the layer is there.
            _KEPT[:] = [*_KEPT[-20:], self._inputs.style]
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
        words = ["upscale", *self._inputs.words, "--output", outputs["OUTPUT"], "--overwrite"]
        words += ["--progress", "json", "--verbose"]
        words += ["--uncertainty", spread] if spread else []
        words += self._chosen(parameters, context)
        printed = self.run_gisr(words, feedback, outputs.values())
        if printed is None:
            return {}
        for line in printed:
            feedback.pushInfo(line)
        style = self._inputs.style
        if style is not None and context.willLoadLayerOnCompletion(outputs["OUTPUT"]):
            details = context.layerToLoadOnCompletionDetails(outputs["OUTPUT"])
            details.setPostProcessor(style)
        return outputs

    def _chosen(self, parameters: dict[str, Any], context: QgsProcessingContext) -> list[str]:
        """Return the options of gisr that the shared parameters choose."""

        def given(name: str) -> bool:
            return parameters.get(name) not in (None, "")

        words = self.of_sensor(parameters, context)
        if given("MEMORY"):
            words.append(f"--max-memory={self.parameterAsInt(parameters, 'MEMORY', context)}MB")
        for name, option in (("BITS", "--bits"), ("THREADS", "--threads")):
            if given(name):
                words.append(f"{option}={self.parameterAsInt(parameters, name, context)}")
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
