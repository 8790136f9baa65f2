"""What the network runs on: threads and device, checked. Torch is imported where it is needed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from gisr.errors import InputError


@contextmanager
def collector_paused() -> Iterator[None]:
    """Look for no garbage while libraries are imported: they keep what they make.

    Python would walk through all of it again and again, a tenth of the time that torch takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def set_threads(threads: int | None) -> None:
    """Have torch compute with this many CPU threads; its own choice when None.

    Raises:
        InputError: Fewer than one.
    """
    if threads is None:
        return
    if threads < 1:
        raise InputError(f"threads {threads} must be at least 1")
    import torch

    torch.set_num_threads(threads)


def checked_device(device: str | None) -> str | None:
    """Return the device after torch has computed on it; None stays None.

    Raises:
        InputError: No such device, or it is not there.
    """
    if device is not None:
        from gisr.inference.device import usable_device

        usable_device(device)
    return device
