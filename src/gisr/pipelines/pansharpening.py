"""The pipeline of pansharpening: two GeoTIFFs in, one on the panchromatic grid out."""

from pathlib import Path
from typing import ClassVar

from gisr.errors import PairError
from gisr.pipelines.rasters import RasterPipeline
from gisr.tasks.pansharpening import PANSHARPENING
from gisr.tasks.task import Task


class PansharpeningPipeline(RasterPipeline):
    """GeoTIFF multispectral and panchromatic in, GeoTIFF on the panchromatic grid out."""

    task: ClassVar[Task] = PANSHARPENING

    def recognises(self, target: Path, guide: Path) -> bool:
        """Return whether both are TIFFs and the target has several bands or either is placed."""
        found = self.look(target, guide)
        if found is None:
            return False
        if found.bands > 1 or found.placed:
            return True
        no_picture = found.guide_bands > 3 or (found.guide_bands > 1 and not found.guide_picture)
        if found.guide_coarser and no_picture:
            return True  # exchanged: refused as such when they are read
        if found.guide_bands >= 3:
            return False
        raise PairError(
            f"{target.name} and {guide.name}: two TIFFs of one band without georeference may be "
            "anything"
        )
