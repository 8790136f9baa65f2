"""A result that looks as its input does."""

from __future__ import annotations

from collections.abc import Sequence

from qgis.core import (
    QgsMapLayer,
    QgsMapLayerStyle,
    QgsMultiBandColorRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsRasterLayer,
)


class StyleOf(QgsProcessingLayerPostProcessorInterface):
    """Gives a layer, once it is loaded, the style of another."""

    def __init__(self, layer: QgsRasterLayer, bands: Sequence[int | None]) -> None:
        """Remember a style.

        Args:
            layer: The layer that has it.
            bands: Numbers of its bands that the result has, in the result's order, None for a band
                of another layer; all when empty.
        """
        super().__init__()
        self._bands, self._count = list(bands), layer.bandCount()
        self._style = QgsMapLayerStyle()
        self._style.readFromLayer(layer)
        shown = layer.renderer()
        self._renderer = None if shown is None else shown.clone()

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Give it: the whole style where the bands are the same, the colours where they moved."""
        if not isinstance(layer, QgsRasterLayer):
            return
        same = self._bands in ([], list(range(1, self._count + 1)))
        if same and layer.bandCount() == self._count:
            self._style.writeToLayer(layer)
        elif not self._colours(layer):
            return
        layer.triggerRepaint()

    def _colours(self, layer: QgsRasterLayer) -> bool:
        """Show the same bands as red, green and blue, if the result has them."""
        shown = self._renderer
        if not isinstance(shown, QgsMultiBandColorRenderer):
            return False
        colours = [shown.redBand(), shown.greenBand(), shown.blueBand()]
        if not set(colours) <= set(self._bands) or layer.bandCount() != len(self._bands):
            return False
        moved = shown.clone()
        red, green, blue = (self._bands.index(colour) + 1 for colour in colours)
        moved.setRedBand(red)
        moved.setGreenBand(green)
        moved.setBlueBand(blue)
        layer.setRenderer(moved)
        return True
