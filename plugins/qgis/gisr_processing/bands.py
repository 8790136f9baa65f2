"""Sharpen bands: ``gisr upscale --task multiband`` on raster layers of one sensor."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterString,
    QgsRasterLayer,
)

from .algorithm import About, layer_file
from .style import StyleOf
from .upscale import Inputs, UpscaleAlgorithm

_HELP = """\
<p>Sharpens coarse bands with finer bands of the same sensor and scene, by the network of gisr
(MAG-Net): the 20 m bands of Sentinel-2 with those of 10 m, for example. The result has the coarse
bands on the grid of the finer ones, with their data type and no-data value.</p>
<p>Choose one layer on each side, or several where every band is a file of its own, as agencies
deliver them (GeoTIFF, JPEG 2000). The bands of the result stand in the order in which the layers
are chosen. The layers of one side must lie on one grid.</p>
<p>Up to four finer bands guide; where they are off by 0.4 pixels or more they are aligned first. To
sharpen with a panchromatic image, use Pansharpen.</p>
<p>gisr runs as a program of its own. Cancel ends it; no unfinished file is left.</p>
"""
_SIDES = {"COARSE": "Coarse bands", "FINE": "Finer bands of the same sensor"}
_MOST_GUIDES = 4
"""Bands of which all guide; of more, gisr chooses, and the log says which."""


class SharpenBands(UpscaleAlgorithm):
    """``gisr upscale COARSE FINE --task multiband``."""

    about = About(
        name="sharpenbands",
        title="Sharpen bands",
        summary="Sharpens coarse bands with finer bands of the same sensor.",
        tags=("sentinel-2", "multiband", "super-resolution", "fusion", "satellite", "swir", "20 m"),
        text=_HELP,
    )
    coarse_bands = "coarse bands"

    def add_inputs(self) -> None:
        """Add the layers of both sides, and whether those of the finer one are written too."""
        for name, title in _SIDES.items():
            layers = QgsProcessingParameterMultipleLayers(name, title, QgsProcessing.TypeRaster)
            self.explained(layers, "One layer, or several with the bands of one grid.")
        both = QgsProcessingParameterBoolean("ALL", "Write the finer bands too", False)
        self.explained(both, "Those that guide, as they are, before the sharpened ones.")

    def add_choices(self) -> None:
        """Add the bands that are sharpened, and those that guide."""
        how = (
            "Numbers (from 1, counted through all layers of the side) or names, with commas "
            "between them: 1, 2 or B11, B12; "
        )
        text = QgsProcessingParameterString
        bands = text("BANDS", "Bands to sharpen", optional=True)
        self.advanced(bands, how + "all when left out.")
        guides = text("GUIDE_BANDS", "Finer bands that guide", optional=True)
        self.advanced(guides, how + "up to four, chosen by gisr when left out.")

    def inputs(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> Inputs:
        """Return the files of both sides, and what is chosen of their bands."""
        coarse, fine = (self._layers(parameters, name, context) for name in _SIDES)
        files = [[layer_file(layer, feedback) for layer in side] for side in (coarse, fine)]
        if len(coarse) == len(fine) == 1:
            words = [*files[0], *files[1]]
        else:
            words = ["--target", *files[0], "--guide", *files[1]]
        words += ["--task", "multiband"]
        bands, guides = (
            _listed(self.parameterAsString(parameters, name, context))
            for name in ("BANDS", "GUIDE_BANDS")
        )
        words += [f"--band={band}" for band in bands]
        words += [f"--guide-band={band}" for band in guides]
        if not self.parameterAsBool(parameters, "ALL", context):
            return Inputs(words, _style_of(coarse, bands))
        sharpened = len(bands) or sum(layer.bandCount() for layer in coarse)
        return Inputs([*words, "--bands-out=all"], _style_of_guides(fine, guides, sharpened))

    def _layers(
        self, parameters: dict[str, Any], name: str, context: QgsProcessingContext
    ) -> list[QgsRasterLayer]:
        """Return the layers of a side, in the order in which they were chosen.

        Raises:
            QgsProcessingException: There is none, or one that cannot be loaded or is no raster.
        """
        layers = self.parameterAsLayerList(parameters, name, context)
        given = parameters.get(name)
        wanted = len(given) if isinstance(given, (list, tuple)) else 1
        rasters = [layer for layer in layers if isinstance(layer, QgsRasterLayer)]
        if len(rasters) < max(1, wanted):
            raise QgsProcessingException(
                f"{_SIDES[name]}: {len(rasters)} of {wanted} layers can be loaded as rasters: "
                "choose those that are there"
            )
        return rasters


def _listed(text: str) -> list[str]:
    """Return what stands between commas."""
    return [each.strip() for each in text.split(",") if each.strip()]


def _numbers(bands: list[str]) -> list[int] | None:
    """Return bands by number; None where one is given by its name."""
    return [int(band) for band in bands] if all(band.isdecimal() for band in bands) else None


def _style_of(coarse: list[QgsRasterLayer], bands: list[str]) -> StyleOf | None:
    """Return the style of the coarse layer; None of several, which have one each."""
    numbers = _numbers(bands)
    return StyleOf(coarse[0], numbers) if len(coarse) == 1 and numbers is not None else None


def _style_of_guides(
    fine: list[QgsRasterLayer], guides: list[str], sharpened: int
) -> StyleOf | None:
    """Return the style of the finer layer, whose bands the result begins with.

    None of several, and where it cannot be told which of its bands those are.
    """
    numbers = _numbers(guides)
    if len(fine) > 1 or numbers is None or (not numbers and fine[0].bandCount() > _MOST_GUIDES):
        return None
    copied = numbers or list(range(1, fine[0].bandCount() + 1))
    return StyleOf(fine[0], [*copied, *[None] * sharpened])
