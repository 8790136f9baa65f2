"""Published networks that sharpen an MR image with another contrast."""

from gisr.baselines.mri.dudonet import DuDoNet
from gisr.baselines.mri.mgdun import MGDUN

__all__ = ["MGDUN", "DuDoNet"]
