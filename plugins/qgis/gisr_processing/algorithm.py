"""What the algorithms share: which gisr they run, and files for the layers that QGIS shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from processing.core.ProcessingConfig import ProcessingConfig
from qgis.core import (
    QgsApplication,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProviderRegistry,
    QgsRasterLayer,
)
from qgis.PyQt.QtGui import QIcon

from .child import CanceledError, GisrError, remove_parts, run_gisr
from .program import GisrNotFoundError, Program, find_gisr

PROGRAM_SETTING = "GISR_PROGRAM"
"""Name of the setting that says which gisr is run."""


def environment_folder() -> Path:
    """Return where 'Install gisr' makes its virtual environment: in the user's profile."""
    return Path(QgsApplication.qgisSettingsDirPath()) / "gisr" / "environment"


@dataclass(frozen=True)
class About:
    """What QGIS shows of an algorithm."""

    name: str
    """Its id."""
    title: str
    """In the toolbox."""
    summary: str
    """In a tooltip."""
    tags: tuple[str, ...]
    """What it is found by, too."""
    text: str
    """Beside the parameters, as HTML."""


class GisrAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that runs gisr."""

    about: ClassVar[About]
    needs_gisr = True

    def name(self) -> str:
        """Return the id."""
        return self.about.name

    def displayName(self) -> str:
        """Return what the toolbox shows."""
        return self.about.title

    def shortDescription(self) -> str:
        """Return what a tooltip shows."""
        return self.about.summary

    def tags(self) -> list[str]:
        """Return what it is found by, too."""
        return list(self.about.tags)

    def shortHelpString(self) -> str:
        """Return what stands beside the parameters."""
        return self.about.text.replace("\n", " ")  # QGIS makes a line of each

    def createInstance(self) -> GisrAlgorithm:
        """Return a new one; QGIS runs copies."""
        return type(self)()

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(str(Path(__file__).with_name("icon.svg")))

    def group(self) -> str:
        """Return no group: there are few algorithms."""
        return ""

    def groupId(self) -> str:
        """Return no group."""
        return ""

    def canExecute(self) -> tuple[bool, str]:
        """Return whether there is a gisr, and what to do if there is none."""
        if self.needs_gisr:
            try:
                self.program()
            except GisrNotFoundError as error:
                return False, str(error)
        return True, ""

    def advanced(self, parameter: QgsProcessingParameterDefinition, text: str = "") -> None:
        """Add a parameter that is folded away, with its help."""
        flag = QgsProcessingParameterDefinition.FlagAdvanced
        parameter.setFlags(parameter.flags() | flag)
        self.explained(parameter, text)

    def explained(self, parameter: QgsProcessingParameterDefinition, text: str) -> None:
        """Add a parameter with its help."""
        parameter.setHelp(text)
        self.addParameter(parameter)

    def raster_layers(
        self, parameters: dict[str, Any], context: QgsProcessingContext
    ) -> list[QgsRasterLayer]:
        """Return the layers of the parameters MS and PAN.

        Raises:
            QgsProcessingException: One is not there.
        """
        layers = []
        for name in ("MS", "PAN"):
            layers.append(self.parameterAsRasterLayer(parameters, name, context))
            if layers[-1] is None:
                raise QgsProcessingException(self.invalidRasterError(parameters, name))
        return layers

    @staticmethod
    def program() -> Program:
        """Return the gisr to run.

        Raises:
            GisrNotFoundError: There is none.
        """
        return find_gisr(ProcessingConfig.getSetting(PROGRAM_SETTING) or "", environment_folder())

    def run_gisr(
        self, words: list[str], feedback: QgsProcessingFeedback, outputs: Iterable[str] = ()
    ) -> list[str] | None:
        """Run gisr and return what it printed; None where the user cancelled.

        Args:
            words: Of its command line.
            feedback: The log, progress and cancel of QGIS.
            outputs: Files that it writes; nothing unfinished is left beside them.

        Raises:
            QgsProcessingException: It failed, with its one line.
        """
        try:
            program = self.program()
            feedback.pushInfo(f"gisr: {program.path} ({program.origin})")
            return run_gisr(program.path, words, feedback)
        except (GisrError, GisrNotFoundError) as error:
            raise QgsProcessingException(str(error)) from error
        except CanceledError as ended:
            for folder in {Path(path).parent for path in outputs}:
                remove_parts(folder, ended.process)
            feedback.pushInfo("gisr was ended; nothing was written")
            return None


def layer_file(layer: QgsRasterLayer, feedback: QgsProcessingFeedback) -> str:
    """Return the file of a layer, and warn of what QGIS shows otherwise than the file says.

    Raises:
        QgsProcessingException: It has none.
    """
    parts = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())
    path = str(parts.get("path") or "")
    if layer.providerType() != "gdal" or parts.get("layerName") or not Path(path).is_file():
        raise QgsProcessingException(
            f"{layer.name()}: is no file on this machine: save it as a GeoTIFF first (right-click "
            "the layer, Export > Save As, Raw data)"
        )
    provider = layer.dataProvider()
    if layer.crs() != provider.crs():
        feedback.pushWarning(
            f"warning: {layer.name()} is shown in {layer.crs().authid() or 'no CRS'}, its file "
            f"says {provider.crs().authid() or 'nothing'}: gisr goes by the file (Raster > "
            "Projections > Assign Projection writes it there)"
        )
    if any(provider.userNoDataValues(band) for band in range(1, layer.bandCount() + 1)):
        feedback.pushWarning(
            f"warning: {layer.name()} has additional no-data values in its properties, which its "
            "file does not say: gisr goes by the file, or by the parameter No-data value"
        )
    return path
