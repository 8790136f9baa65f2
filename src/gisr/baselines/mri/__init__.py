"""Published networks that sharpen an MR image with another contrast."""

from gisr.baselines.mri.dudonet import DuDoNet
from gisr.baselines.mri.masa import MASA
from gisr.baselines.mri.mcmrsr import McMRSR
from gisr.baselines.mri.mgdun import MGDUN
from gisr.baselines.mri.minet import MINet
from gisr.baselines.mri.sanet import SANet

__all__ = ["MASA", "MGDUN", "DuDoNet", "MINet", "McMRSR", "SANet"]
