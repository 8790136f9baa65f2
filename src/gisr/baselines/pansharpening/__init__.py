"""The pansharpening networks that MAG-Net is compared with."""

from gisr.baselines.pansharpening.awfln import AWFLN
from gisr.baselines.pansharpening.difpan import DifPAN
from gisr.baselines.pansharpening.dispnet import DISPNet
from gisr.baselines.pansharpening.fusionmamba import FusionMamba
from gisr.baselines.pansharpening.lagconv import LAGConv
from gisr.baselines.pansharpening.m3dnet import M3DNet

__all__ = ["AWFLN", "DISPNet", "DifPAN", "FusionMamba", "LAGConv", "M3DNet"]
