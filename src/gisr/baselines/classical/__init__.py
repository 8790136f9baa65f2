"""Classical baselines behind the same call as gisr's upscaler."""

from gisr.baselines.classical.baseline import BaselineName, ClassicalBaseline
from gisr.baselines.classical.gram_schmidt import GramSchmidtAdaptive
from gisr.baselines.classical.guided_filter import GuidedFilter
from gisr.baselines.classical.hypersharpening import Hypersharpening, LocalRegression
from gisr.baselines.classical.interpolation import Bicubic, ZeroFilled
from gisr.errors import InputError

CLASSICAL: dict[BaselineName, ClassicalBaseline] = {
    "bicubic": Bicubic(),
    "zero-filled": ZeroFilled(),
    "gsa": GramSchmidtAdaptive(matching="low-pass guide"),
    "gsa-aligned": GramSchmidtAdaptive(align="auto", matching="low-pass guide"),
    "guided-filter": GuidedFilter(),
    "hypersharpening": Hypersharpening(),
    "local-regression": LocalRegression(),
}
"""Every classical baseline by name, with its default parameters."""


def load_baseline(name: str) -> ClassicalBaseline:
    """Return a classical baseline by name.

    Raises:
        InputError: The name is none of :data:`CLASSICAL`.
    """
    for known, baseline in CLASSICAL.items():
        if known == name:
            return baseline
    raise InputError(f"unknown baseline {name!r}: use one of {', '.join(CLASSICAL)}")


__all__ = [
    "CLASSICAL",
    "BaselineName",
    "Bicubic",
    "ClassicalBaseline",
    "GramSchmidtAdaptive",
    "GuidedFilter",
    "Hypersharpening",
    "LocalRegression",
    "ZeroFilled",
    "load_baseline",
]
