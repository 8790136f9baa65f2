"""Runs an algorithm of the plugin inside QGIS, and prints what came of it as JSON.

``in_qgis.py style|cancel|bands|guides PROGRAM MODEL LOW HIGH OUTPUT [BAND...]``; started by the
tests, in the Python of QGIS, with the plugin in the profile. Bands are those to sharpen, or that
guide where those are written too; HIGH of ``bands`` may be several, with ; between them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from qgis.core import (
    QgsApplication,
    QgsMultiBandColorRenderer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
)

task, program, model, low, high, output, *bands = sys.argv[1:]
application = QgsApplication([], False)
application.initQgis()
sys.path += [
    f"{application.pkgDataPath()}/python/plugins",
    f"{application.qgisSettingsDirPath()}/python/plugins",
]

from processing.core.Processing import Processing  # noqa: E402
from processing.core.ProcessingConfig import ProcessingConfig  # noqa: E402

from gisr_processing import classFactory  # noqa: E402

Processing.initialize()
plugin: Any = classFactory(None)
plugin.initProcessing()
ProcessingConfig.setSettingValue("GISR_PROGRAM", program)
project, context = QgsProject.instance(), QgsProcessingContext()
context.setProject(project)


class Log(QgsProcessingFeedback):
    """Keeps the lines of the log and the steps of the progress; cancels at the first, if asked."""

    def __init__(self) -> None:
        super().__init__(False)
        self.lines: list[str] = []
        self.steps: list[float] = []
        self.progressChanged.connect(self.moved)

    def moved(self, step: float) -> None:
        self.steps.append(step)
        if task == "cancel":
            self.cancel()

    def pushInfo(self, info: str) -> None:
        self.lines.append(info)

    def pushWarning(self, warning: str) -> None:
        self.lines.append(warning)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.lines.append(error)


layer = QgsRasterLayer(high if task == "guides" else low, "styled")
project.addMapLayer(layer)
layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 3, 2, 1))
layer.setOpacity(0.625)
log = Log()
parameters: dict[str, Any] = {
    "EXTRA": f"--model '{model}' --device cpu",
    "OUTPUT": QgsProcessingOutputLayerDefinition(output, project),
}
if task == "bands":
    name = "gisr:sharpenbands"
    parameters |= {"COARSE": [layer], "FINE": high.split(";"), "BANDS": ", ".join(bands)}
elif task == "guides":
    name = "gisr:sharpenbands"
    parameters |= {"COARSE": [low], "FINE": [layer], "ALL": True, "GUIDE_BANDS": ", ".join(bands)}
else:
    name = "gisr:pansharpen"
    parameters |= {"MS": layer, "PAN": high, "BANDS": [int(band) for band in bands]}
algorithm = QgsApplication.processingRegistry().createAlgorithmById(name)
results, done = algorithm.run(parameters, context, log)
found: dict[str, Any] = {"done": done, "log": log.lines, "steps": log.steps}
if Path(output).is_file():
    details = context.layersToLoadOnCompletion()[results["OUTPUT"]]
    loaded = QgsRasterLayer(results["OUTPUT"], "sharp")
    details.postProcessor().postProcessLayer(loaded, context, log)
    shown = loaded.renderer()
    found["opacity"] = loaded.opacity()
    found["colours"] = [shown.redBand(), shown.greenBand(), shown.blueBand()]
print(json.dumps(found))
