"""Readers of the data sets as they are published, one module a layout (or family of layouts)."""

from gisr.data.standard.brats import BRATS
from gisr.data.standard.colour_depth import LU, MIDDLEBURY30
from gisr.data.standard.ixi import IXI
from gisr.data.standard.layout import Layout, LayoutName
from gisr.data.standard.nbu import NBU
from gisr.data.standard.nbu_derived import NBU_FULL, NBU_REDUCED
from gisr.data.standard.nyu import NYU_DKN, NYU_JIIF
from gisr.data.standard.own_pairs import PAIRS
from gisr.data.standard.pancollection import PANCOLLECTION
from gisr.data.standard.rgbdd import RGBDD
from gisr.data.standard.scene_mat import PANSHARPENING_MAT

LAYOUTS: dict[LayoutName, Layout] = {
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

__all__ = ["LAYOUTS", "Layout", "LayoutName"]
