"""Pansharpen: ``gisr upscale`` on two raster layers."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterRasterLayer,
)

from .algorithm import About, layer_file
from .style import StyleOf
from .upscale import Inputs, UpscaleAlgorithm

_HELP = """\
<p>Sharpens the bands of a multispectral image with a panchromatic image of the same place, by
the network of gisr (MAG-Net). The result lies on the grid of the panchromatic image and has the
bands, data type and no-data value of the multispectral one.</p>
<p>A panchromatic image that is off by up to 8 of its pixels is moved first; the log says by how
much.</p>
<p>gisr runs as a program of its own. Cancel ends it; no unfinished file is left.</p>
"""


class Pansharpen(UpscaleAlgorithm):
    """``gisr upscale MS PAN``."""

    about = About(
        name="pansharpen",
        title="Pansharpen",
        summary="Sharpens a multispectral image with a panchromatic image of the same place.",
        tags=("pansharpening", "super-resolution", "fusion", "satellite", "sharpen", "MAG-Net"),
        text=_HELP,
    )

    def add_inputs(self) -> None:
        """Add both layers."""
        raster = QgsProcessingParameterRasterLayer
        self.addParameter(raster("MS", "Multispectral image"))
        self.addParameter(raster("PAN", "Panchromatic image"))

    def add_choices(self) -> None:
        """Add the bands, and whether the images are aligned."""
        bands = QgsProcessingParameterBand(
            "BANDS", "Bands to sharpen", None, "MS", optional=True, allowMultiple=True
        )
        self.advanced(bands, "In this order; all when none is chosen.")
        align = QgsProcessingParameterBoolean("ALIGN", "Align the panchromatic image first", True)
        self.advanced(align, "Its shift is estimated, reported and undone.")

    def inputs(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> Inputs:
        """Return both files, bands and alignment; the style is that of the multispectral layer."""
        layers = self.raster_layers(parameters, context)
        words = [layer_file(layer, feedback) for layer in layers]
        bands = self.parameterAsInts(parameters, "BANDS", context)
        words += [f"--band={band}" for band in bands]
        if not self.parameterAsBool(parameters, "ALIGN", context):
            words.append("--align=off")
        return Inputs(words, StyleOf(layers[0], bands))
