"""The networks for depth maps and colour images that MAG-Net is compared with."""

from gisr.baselines.depth.ahmf import AHMF
from gisr.baselines.depth.dagf import DAGF
from gisr.baselines.depth.dctnet import DCTNet
from gisr.baselines.depth.dkn import DKN, FDKN
from gisr.baselines.depth.geodsr import GeoDSR
from gisr.baselines.depth.sgnet import SGNet

__all__ = ["AHMF", "DAGF", "DKN", "FDKN", "DCTNet", "GeoDSR", "SGNet"]
