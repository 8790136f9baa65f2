"""From the name of weights to the upscaler that has them."""

from pathlib import Path

import torch

from gisr.inference.precision import Precision
from gisr.inference.upscaler import Upscaler
from gisr.weights.store import load_weights


def load_model(
    name_or_path: str | Path | None = None,
    device: str | torch.device | None = None,
    *,
    precision: Precision = "auto",
) -> Upscaler:
    """Load weights and put them to work.

    Args:
        name_or_path: A built-in name (``magnet-s``), a folder, or a Hugging Face hub id
            (``hf:owner/name``), which is downloaded; None gives the embedded default.
        device: torch device; None takes CUDA where there is one, else the CPU.
        precision: What the network computes in; ``auto``: what the device is fast in.

    Raises:
        WeightsError: Nothing is there, or it is damaged.
        InputError: No such precision or device.
    """
    return Upscaler(load_weights(name_or_path), device, precision=precision)
