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
    from gisr.baselines.convert import Converted, convert_weights
    from gisr.baselines.costs import SystemCost, system_costs
    from gisr.baselines.family import SystemFamily, load_family
    from gisr.baselines.network import ComparedNetwork, NetworkInput, PublishedSystem
    from gisr.baselines.system import ComparedSystem
    from gisr.baselines.systems import SystemName, SystemShape, find_system
    from gisr.baselines.weights import SystemWeights, load_system, save_system

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
    "gisr.baselines.convert": ("Converted", "convert_weights"),
    "gisr.baselines.costs": ("SystemCost", "system_costs"),
    "gisr.baselines.family": ("SystemFamily", "load_family"),
    "gisr.baselines.network": ("ComparedNetwork", "NetworkInput", "PublishedSystem"),
    "gisr.baselines.system": ("ComparedSystem",),
    "gisr.baselines.systems": ("SystemName", "SystemShape", "find_system"),
    "gisr.baselines.weights": ("SystemWeights", "load_system", "save_system"),
}
__getattr__, __dir__ = lazy_names(__name__, _MODULES)

__all__ = [
    "CLASSICAL",
    "BaselineName",
    "Bicubic",
    "ClassicalBaseline",
    "ComparedNetwork",
    "ComparedSystem",
    "Converted",
    "GramSchmidtAdaptive",
    "GuidedFilter",
    "NetworkInput",
    "PublishedSystem",
    "SystemCost",
    "SystemFamily",
    "SystemName",
    "SystemShape",
    "SystemWeights",
    "ZeroFilled",
    "convert_weights",
    "find_system",
    "load_baseline",
    "load_family",
    "load_system",
    "save_system",
    "system_costs",
]
