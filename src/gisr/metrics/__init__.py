"""Metrics with the literature's definitions, one image at a time, with a truth or without.

numpy is imported with the first use of a metric, torch when one that needs it is called.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from gisr.metrics.definitions import METRICS, MetricDefinition, MetricName

if TYPE_CHECKING:
    from gisr.metrics.no_reference import d_lambda, d_lambda_k, d_s, hqnr, qnr
    from gisr.metrics.quality import ergas, psnr, rmse, sam, ssim_skimage7, ssim_wang
    from gisr.metrics.universal import q2n, uqi

_HOMES = {
    **dict.fromkeys(("d_lambda", "d_lambda_k", "d_s", "hqnr", "qnr"), "no_reference"),
    **dict.fromkeys(("ergas", "psnr", "rmse", "sam", "ssim_skimage7", "ssim_wang"), "quality"),
    **dict.fromkeys(("q2n", "uqi"), "universal"),
}


def __getattr__(name: str) -> object:
    """Import a metric from its module when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"gisr.metrics.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Return the public names, the lazy ones too."""
    return sorted({*globals(), *_HOMES})


__all__ = [
    "METRICS",
    "MetricDefinition",
    "MetricName",
    "d_lambda",
    "d_lambda_k",
    "d_s",
    "ergas",
    "hqnr",
    "psnr",
    "q2n",
    "qnr",
    "rmse",
    "sam",
    "ssim_skimage7",
    "ssim_wang",
    "uqi",
]
