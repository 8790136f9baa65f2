"""What a network computes in: float32, or bfloat16 where the processor is faster in it."""

from typing import Literal, get_args

from gisr.errors import InputError
from gisr.notes import Note, detail, warning

Precision = Literal["auto", "float32", "bfloat16"]
"""``auto``: bfloat16 where the device multiplies it faster than float32, else float32."""
Computed = Literal["float32", "bfloat16"]
"""What a network computes in, once that is decided."""
BFloat16Products = Literal["fast", "slow", "emulated"]
"""How a device multiplies bfloat16, beside float32."""

_FAST = ("amx_bf16", "bf16")
"""What torch calls the instructions of x86 (AMX) and of Arm."""
COST: dict[BFloat16Products, str] = {
    "slow": "multiplies it at half the rate of float32",
    "emulated": "has no instructions for its products and takes up to 20 times as long",
}
"""What a device costs that is not fast in bfloat16, for messages."""


def bfloat16_products(device: str) -> BFloat16Products:
    """Return how a device multiplies bfloat16.

    ``emulated``: A CPU without instructions for it computes the same in many small steps: 20 times
    slower than float32 on one with AVX2 alone. Devices other than CPU and CUDA are taken for such.

    ``slow``: Intel's processors multiply bfloat16 fast by AMX. Where that is missing, or hidden by
    a virtual machine, their AVX-512 BF16 does half of what float32 does (docs/results/speed.md).
    """
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        there = torch.cuda.is_available()
        native = there and torch.cuda.is_bf16_supported(including_emulation=False)
        return "fast" if native else "emulated"
    found = torch.cpu.get_capabilities() if kind == "cpu" else {}
    if any(found.get(name) for name in _FAST):
        return "fast"
    if not found.get("avx512_bf16"):
        return "emulated"
    return "slow" if "intel" in str(found.get("cpu_name")).lower() else "fast"


def computed_in(requested: Precision, device: str) -> Computed:
    """Return what a network computes in on a device.

    Raises:
        InputError: No such precision.
    """
    if requested not in get_args(Precision):
        raise InputError(f"precision {requested!r} must be one of {', '.join(get_args(Precision))}")
    if requested == "auto":
        return "bfloat16" if bfloat16_products(device) == "fast" else "float32"
    return requested


def precision_notes(requested: Precision, computed: Computed, device: str) -> list[Note]:
    """Return what a user should know about the precision of a result."""
    if requested != "auto" and requested != computed:
        return [warning(f"precision {requested}: ignored, this system computes in {computed}")]
    products = bfloat16_products(device) if requested == "bfloat16" else "fast"
    if products != "fast":
        cost = f"precision bfloat16: {device} here {COST[products]}"
        return [warning(f"{cost}: leave precision out, or request float32")]
    return [detail(f"the network computed in {computed} on {device}")]
