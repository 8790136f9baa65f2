"""The torch device that a network is put on, tried before anything is."""

import torch

from gisr.errors import InputError


def usable_device(device: str | torch.device | None) -> torch.device:
    """Return a device after torch has computed on it; None: CUDA where there is one, else the CPU.

    Raises:
        InputError: No such device, or it is not there.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).item()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"device {str(device)!r} cannot be used here: {reason.rstrip('.')}: leave it out for "
            "CUDA where there is one, else the CPU"
        ) from error
    return chosen
