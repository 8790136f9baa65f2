"""Runs algorithms of the plugin inside one QGIS: a request a line of JSON, and so its answer.

Started by the tests, in the Python of QGIS, with the plugin in the profile: QGIS takes seconds to
start. A request has the ``task``, and

- for ``explain`` the ids of ``algorithms``;
- for ``run`` the ``program``, the ``algorithm`` and its ``parameters``;
- for ``style``, ``cancel``, ``bands`` and ``guides`` the ``program``, the words ``extra``, the
  files ``low``, ``high`` and ``output``, and ``bands``: those to sharpen, or that guide where those
  are written too; ``high`` of ``bands`` may be several, with ; between them.
"""

import json
import os
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

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what QGIS prints must not come between the answers
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


class Log(QgsProcessingFeedback):
    """Keeps the lines of the log and the steps of the progress; cancels at the first, if asked."""

    def __init__(self, cancels: bool) -> None:
        super().__init__(False)
        self.cancels = cancels
        self.lines: list[str] = []
        self.steps: list[float] = []
        self.progressChanged.connect(self.moved)

    def moved(self, step: float) -> None:
        self.steps.append(step)
        if self.cancels:
            self.cancel()

    def pushInfo(self, info: str) -> None:
        self.lines.append(info)

    def pushWarning(self, warning: str) -> None:
        self.lines.append(warning)

    def reportError(self, error: str, fatalError: bool = False) -> None:
        self.lines.append(error)


def explained(name: str) -> dict[str, Any]:
    """Return what a dialog says of an algorithm."""
    algorithm = created(name)
    parameters = {each.name(): each.description() for each in algorithm.parameterDefinitions()}
    return {"help": algorithm.shortHelpString(), "parameters": parameters}


def created(name: str) -> Any:
    return QgsApplication.processingRegistry().createAlgorithmById(name)


def styled(request: dict[str, Any], project: QgsProject) -> tuple[str, dict[str, Any]]:
    """Return an algorithm and its parameters, one of them a layer with a style of its own."""
    task, low, high, bands = (request[name] for name in ("task", "low", "high", "bands"))
    layer = QgsRasterLayer(high if task == "guides" else low, "styled")
    project.addMapLayer(layer)
    layer.setRenderer(QgsMultiBandColorRenderer(layer.dataProvider(), 3, 2, 1))
    layer.setOpacity(0.625)
    parameters: dict[str, Any] = {
        "EXTRA": request["extra"],
        "OUTPUT": QgsProcessingOutputLayerDefinition(request["output"], project),
    }
    if task == "bands":
        parameters |= {"COARSE": [layer], "FINE": high.split(";"), "BANDS": ", ".join(bands)}
        return "gisr:sharpenbands", parameters
    if task == "guides":
        parameters |= {"COARSE": [low], "FINE": [layer], "GUIDE_BANDS": ", ".join(bands)}
        return "gisr:sharpenbands", {**parameters, "ALL": True}
    parameters |= {"MS": layer, "PAN": high, "BANDS": [int(band) for band in bands]}
    return "gisr:pansharpen", parameters


def ran(request: dict[str, Any]) -> dict[str, Any]:
    """Run an algorithm as its dialog does, in an empty project."""
    project, context = QgsProject.instance(), QgsProcessingContext()
    project.clear()
    context.setProject(project)
    ProcessingConfig.setSettingValue("GISR_PROGRAM", request["program"])
    log = Log(request["task"] == "cancel")
    if request["task"] == "run":
        name, parameters = request["algorithm"], request["parameters"]
    else:
        name, parameters = styled(request, project)
    algorithm = created(name)
    results, done = algorithm.run(parameters, context, log)
    found: dict[str, Any] = {"done": done, "log": log.lines, "steps": log.steps}
    if request["task"] == "run":
        return {**found, "results": results}
    if done and Path(request["output"]).is_file():
        details = context.layersToLoadOnCompletion()[results["OUTPUT"]]
        loaded = QgsRasterLayer(results["OUTPUT"], "sharp")
        details.postProcessor().postProcessLayer(loaded, context, log)
        shown = loaded.renderer()
        found["opacity"] = loaded.opacity()
        found["colours"] = [shown.redBand(), shown.greenBand(), shown.blueBand()]
    return found


for line in sys.stdin:
    asked = json.loads(line)
    if asked["task"] == "explain":
        answer = {name: explained(name) for name in asked["algorithms"]}
    else:
        answer = ran(asked)
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
