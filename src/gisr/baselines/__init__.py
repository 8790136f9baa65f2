"""Every system gisr is compared with, behind the call of its own upscaler."""

from typing import TYPE_CHECKING

from gisr.lazy import lazy_names

if TYPE_CHECKING:
    from gisr.baselines.classical import (
        CLASSICAL,
        BaselineName,
        Bicubic,
        ClassicalBaseline,
        GramSchmidtAdaptive,
        GuidedFilter,
        ZeroFilled,
        load_baseline,
    )

_MODULES = {
    "gisr.baselines.classical": (
        "CLASSICAL",
        "BaselineName",
        "Bicubic",
        "ClassicalBaseline",
        "GramSchmidtAdaptive",
        "GuidedFilter",
        "ZeroFilled",
        "load_baseline",
    ),
}
__getattr__, __dir__ = lazy_names(__name__, _MODULES)

__all__ = [
    "CLASSICAL",
    "BaselineName",
    "Bicubic",
    "ClassicalBaseline",
    "GramSchmidtAdaptive",
    "GuidedFilter",
    "ZeroFilled",
    "load_baseline",
]
