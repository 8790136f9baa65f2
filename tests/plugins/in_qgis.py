"""Runs an algorithm of the plugin inside QGIS, and prints what came of it as JSON.

``in_qgis.py style|cancel PROGRAM MODEL MS PAN OUTPUT [BAND...]``; started by the tests, in the
Python of QGIS, with the plugin in the profile.
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

task, program, model, ms, pan, output, *bands = sys.argv[1:]
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


layer = QgsRasterLayer(ms, "multispectral")
project.addMapLayer(layer)
layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 3, 2, 1))
layer.setOpacity(0.625)
log = Log()
parameters = {
    "MS": layer,
    "PAN": pan,
    "BANDS": [int(band) for band in bands],
    "EXTRA": f"--model '{model}' --device cpu",
    "OUTPUT": QgsProcessingOutputLayerDefinition(output, project),
}
algorithm = QgsApplication.processingRegistry().createAlgorithmById("gisr:pansharpen")
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
