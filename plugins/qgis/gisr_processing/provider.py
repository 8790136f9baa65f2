"""The provider: its algorithms, its icon, and where it is told which gisr to run."""

from __future__ import annotations

from pathlib import Path

from processing.core.ProcessingConfig import ProcessingConfig, Setting
from qgis.core import QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from .algorithm import PROGRAM_SETTING
from .bands import SharpenBands
from .install import InstallGisr
from .pansharpen import Pansharpen
from .shift import EstimateShift

ICON = Path(__file__).with_name("icon.svg")


class GisrProvider(QgsProcessingProvider):
    """The algorithms of gisr."""

    def load(self) -> bool:
        """Add the setting, under Settings > Options > Processing > Providers."""
        ProcessingConfig.settingIcons[self.name()] = self.icon()
        ProcessingConfig.addSetting(
            Setting(
                self.name(),
                PROGRAM_SETTING,
                "Path of gisr (the program, or the folder of its virtual environment)",
                "",
                valuetype=Setting.STRING,
                placeholder="what 'Install gisr' made, else gisr on PATH",
            )
        )
        ProcessingConfig.readSettings()
        self.refreshAlgorithms()
        return True

    def unload(self) -> None:
        """Take the setting away."""
        if PROGRAM_SETTING in ProcessingConfig.settings:
            ProcessingConfig.removeSetting(PROGRAM_SETTING)

    def loadAlgorithms(self) -> None:
        """Add one of each."""
        for algorithm in (Pansharpen, SharpenBands, EstimateShift, InstallGisr):
            self.addAlgorithm(algorithm())

    def id(self) -> str:
        """Return the first part of the algorithms' ids."""
        return "gisr"

    def name(self) -> str:
        """Return what the toolbox shows."""
        return "gisr"

    def longName(self) -> str:
        """Return what it stands for."""
        return "gisr (guided image super-resolution)"

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(str(ICON))

    def svgIconPath(self) -> str:
        """Return the file of the icon."""
        return str(ICON)

    def supportsNonFileBasedOutput(self) -> bool:
        """Return that results are files: a database is no place for them."""
        return False

    def supportedOutputRasterLayerExtensions(self) -> list[str]:
        """Return what results may be called: gisr writes GeoTIFF alone."""
        return ["tif", "tiff"]
