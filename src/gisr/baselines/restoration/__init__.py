"""The all-in-one restoration networks that MAG-Net is compared with."""

from gisr.baselines.restoration.promptir import PromptIR

__all__ = ["PromptIR"]
