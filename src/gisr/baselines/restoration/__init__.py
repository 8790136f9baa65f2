"""The all-in-one restoration networks that MAG-Net is compared with."""

from gisr.baselines.restoration.adair import AdaIR
from gisr.baselines.restoration.captnet import CAPTNet
from gisr.baselines.restoration.gridformer import GridFormer
from gisr.baselines.restoration.promptir import PromptIR
from gisr.baselines.restoration.transweather import TransWeather

__all__ = ["AdaIR", "CAPTNet", "GridFormer", "PromptIR", "TransWeather"]
