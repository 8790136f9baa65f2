"""What a network computes in: float32, or bfloat16 where the processor multiplies it natively."""

from typing import Literal, get_args

from gisr.errors import InputError
from gisr.notes import Note, detail, warning

Precision = Literal["auto", "float32", "bfloat16"]
"""``auto``: bfloat16 where the device has instructions for its products, else float32."""
Computed = Literal["float32", "bfloat16"]
"""What a network computes in, once that is decided."""

_CPU_NAMES = ("avx512_bf16", "amx_bf16", "bf16")
"""What torch calls the instructions of x86 (AVX-512 BF16, AMX) and of Arm."""


def multiplies_bfloat16(device: str) -> bool:
    """Return whether a device has instructions for products of bfloat16.

    A CPU without them computes the same, in many small steps: 20 times slower than float32 on one
    with AVX2 alone. Devices other than CPU and CUDA are taken for such that have none.
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)
    found = torch.cpu.get_capabilities() if kind == "cpu" else {}
    return any(bool(found.get(name)) for name in _CPU_NAMES)


def computed_in(requested: Precision, device: str) -> Computed:
    """Return what a network computes in on a device.

    Raises:
        InputError: No such precision.
    """
    if requested not in get_args(Precision):
        raise InputError(f"precision {requested!r} must be one of {', '.join(get_args(Precision))}")
    if requested == "auto":
        return "bfloat16" if multiplies_bfloat16(device) else "float32"
    return requested


def precision_notes(requested: Precision, computed: Computed, device: str) -> list[Note]:
    """Return what a user should know about the precision of a result."""
    if requested != "auto" and requested != computed:
        return [warning(f"precision {requested}: ignored, this system computes in {computed}")]
    if requested == "bfloat16" and not multiplies_bfloat16(device):
        return [
            warning(
                f"precision bfloat16: {device} here has no instructions for its products and takes "
                "up to 20 times as long: leave precision out, or request float32"
            )
        ]
    return [detail(f"the network computed in {computed} on {device}")]
