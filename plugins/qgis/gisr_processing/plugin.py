"""What QGIS loads and unloads: the provider of the algorithms, and nothing else."""

from __future__ import annotations

from qgis.core import QgsApplication

from .provider import GisrProvider


class GisrPlugin:
    """Adds the provider to the Processing toolbox."""

    def __init__(self) -> None:
        """Add nothing yet."""
        self._provider: GisrProvider | None = None

    def initProcessing(self) -> None:
        """Add the provider; ``qgis_process`` calls this alone."""
        self._provider = GisrProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self) -> None:
        """Add the provider to the window's toolbox."""
        self.initProcessing()

    def unload(self) -> None:
        """Take the provider away, and its settings."""
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)
            self._provider = None
