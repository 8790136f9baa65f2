"""Install gisr: a virtual environment of its own, made when the user runs this and only then."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputString,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterFile,
    QgsProcessingParameterString,
)

from .algorithm import About, GisrAlgorithm, environment_folder
from .child import CanceledError, GisrError, run_gisr
from .environment import InstallError, install

_HELP = """\
<p>Makes a virtual environment for gisr in your QGIS profile and installs gisr into it with pip.
QGIS's own Python is left as it is. Torch and the other packages come from the network; this may
take some minutes.</p>
<p><b>What to install</b>: the folder of a clone of gisr, a wheel (.whl), or anything that pip
takes, such as <i>gisr[geo] @ git+https://...</i>. Run it again to update.</p>
<p>The other algorithms use this environment unless the options (Processing, Providers, gisr)
name another gisr. To remove it, delete the folder that the log names.</p>
"""


class InstallGisr(GisrAlgorithm):
    """``python -m venv`` and ``pip install``."""

    about = About(
        name="installgisr",
        title="Install gisr",
        summary="Installs the program that the other algorithms run.",
        tags=("setup", "pip", "venv", "update"),
        text=_HELP,
    )
    needs_gisr = False

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Add the parameters."""
        self.addParameter(QgsProcessingParameterString("SOURCE", "What to install"))
        cpu = QgsProcessingParameterBoolean("CPU", "Without CUDA (smaller; for the CPU)", True)
        self.explained(cpu, "Torch comes from its CPU index then. Untick it to compute on a GPU.")
        python = QgsProcessingParameterFile("PYTHON", "Python 3.11 or newer", optional=True)
        self.advanced(python, "Makes the environment; the first on PATH that suits when left out.")
        self.addOutput(QgsProcessingOutputString("PROGRAM", "The program"))

    def processAlgorithm(
        self,
        parameters: dict[str, Any],
        context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> dict[str, Any]:
        """Install it, and see that it runs."""
        folder = environment_folder()
        feedback.pushInfo(f"The virtual environment: {folder}")
        try:
            program = install(
                folder,
                self.parameterAsString(parameters, "SOURCE", context).strip(),
                self.parameterAsString(parameters, "PYTHON", context).strip(),
                feedback,
                cpu=self.parameterAsBool(parameters, "CPU", context),
            )
            version = run_gisr(program, ["--version"], feedback)
        except (InstallError, GisrError) as error:
            raise QgsProcessingException(str(error)) from error
        except CanceledError:
            return {}
        feedback.pushInfo(f"Installed: {' '.join(version)}")
        return {"PROGRAM": str(program)}
