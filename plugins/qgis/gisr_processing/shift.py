"""Estimate the shift of two rasters: ``gisr align`` on two raster layers."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterRasterLayer,
)

from .algorithm import About, layer_file
from .satellite import SatelliteAlgorithm

_HELP = """\
<p>Estimates how far a panchromatic image is off from a multispectral image of the same place, in
pixels of the panchromatic one and in map units. Nothing is written: the log has the shift, and how
far it can be believed.</p>
<p><b>Found</b> is <i>shifted</i>, <i>aligned</i> (they lie on each other), <i>unclear</i> (no shift
can be seen, nor that there is none) or <i>too far</i> (more than 8 pixels: check the
georeference). Only the first two are reliable.</p>
<p>Down and right are positive in pixels: a shift of (-1, -1) shows everything one pixel too far up
and left.</p>
"""
_NUMBERS = {
    "DOWN": ("Shift in pixels, down", "guide_offset_px", 0),
    "RIGHT": ("Shift in pixels, right", "guide_offset_px", 1),
    "X": ("Shift in map units, along x", "guide_offset_map", 0),
    "Y": ("Shift in map units, along y", "guide_offset_map", 1),
    "AGREEMENT": ("Part of the image that agrees on the shift", "agreement", None),
    "BEFORE": ("Correlation as the images come", "correlation_before", None),
    "AFTER": ("Correlation when moved", "correlation_after", None),
}
"""Numbers by their output: what they are, their name in the answer, and which of several."""


class EstimateShift(SatelliteAlgorithm):
    """``gisr align MS PAN``."""

    about = About(
        name="estimateshift",
        title="Estimate shift of two rasters",
        summary="Estimates how far a panchromatic image is off from a multispectral one.",
        tags=("registration", "misregistration", "coregistration", "offset", "alignment"),
        text=_HELP,
    )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Add the parameters."""
        raster = QgsProcessingParameterRasterLayer
        self.addParameter(raster("MS", "Multispectral image (the coarser one)"))
        self.addParameter(raster("PAN", "Panchromatic image (the finer one)"))
        self.add_sensor("Of another one, give the MTF.", folded=True)
        self.add_response()
        for name, (text, _, _) in _NUMBERS.items():
            self.addOutput(QgsProcessingOutputNumber(name, text))
        self.addOutput(QgsProcessingOutputString("FOUND", "Found"))
        self.addOutput(QgsProcessingOutputString("UNIT", "Map unit"))
        self.addOutput(QgsProcessingOutputBoolean("RELIABLE", "Reliable"))

    def prepareAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> bool:
        """Ask the layers for their files, here in the thread that they belong to."""
        layers = self.raster_layers(parameters, context)
        self._files = [layer_file(layer, feedback) for layer in layers]
        return True

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Run gisr, and hand out what it found; what it did not find is left out."""
        words = ["align", *self._files, "--json", "--verbose"]
        words += self.of_sensor(parameters, context)
        printed = self.run_gisr(words, feedback)
        if printed is None:
            return {}
        answer = json.loads(printed[-1])
        (feedback.pushInfo if answer["reliable"] else feedback.pushWarning)(answer["text"])
        results: dict[str, Any] = {"FOUND": answer["found"], "RELIABLE": answer["reliable"]}
        if answer["map_unit"] is not None:
            results["UNIT"] = answer["map_unit"]
        for name, (_, key, place) in _NUMBERS.items():
            if answer[key] is not None:
                results[name] = answer[key] if place is None else answer[key][place]
        return results
