"""Readers of the data sets as they are published, one module a layout (or family of layouts)."""

from gisr.datasets.readers.brats import BRATS
from gisr.datasets.readers.colour_depth import LU, MIDDLEBURY30
from gisr.datasets.readers.ixi import IXI
from gisr.datasets.readers.layout import DatasetLayout, LayoutName
from gisr.datasets.readers.nbu import NBU
from gisr.datasets.readers.nbu_derived import NBU_FULL, NBU_REDUCED
from gisr.datasets.readers.nyu import NYU_DKN, NYU_JIIF
from gisr.datasets.readers.pancollection import PANCOLLECTION
from gisr.datasets.readers.rgbdd import RGBDD
from gisr.datasets.readers.scene_mat import PANSHARPENING_MAT
from gisr.datasets.readers.user_pairs import PAIRS

LAYOUTS: dict[LayoutName, DatasetLayout] = {
    layout.name: layout
    for layout in (
        NBU,
        NBU_REDUCED,
        NBU_FULL,
        PANCOLLECTION,
        PANSHARPENING_MAT,
        BRATS,
        IXI,
        NYU_DKN,
        NYU_JIIF,
        MIDDLEBURY30,
        LU,
        RGBDD,
        PAIRS,
    )
}
"""Layouts by name."""

__all__ = ["LAYOUTS", "DatasetLayout", "LayoutName"]
