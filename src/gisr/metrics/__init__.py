"""Metrics with the literature's definitions, one image at a time, with a truth or without.

numpy is imported with the first use of a metric, torch when one that needs it is called.
"""

from typing import TYPE_CHECKING

from gisr.lazy import lazy_names
from gisr.metrics.definitions import METRICS, MetricDefinition, MetricName

if TYPE_CHECKING:
    from gisr.metrics.no_reference import d_lambda, d_lambda_k, d_s, hqnr, qnr
    from gisr.metrics.quality import ergas, psnr, rmse, sam, ssim_skimage7, ssim_wang
    from gisr.metrics.universal import q2n, uqi

_MODULES = {
    "gisr.metrics.no_reference": (
        "d_lambda",
        "d_lambda_k",
        "d_s",
        "hqnr",
        "qnr",
    ),
    "gisr.metrics.quality": (
        "ergas",
        "psnr",
        "rmse",
        "sam",
        "ssim_skimage7",
        "ssim_wang",
    ),
    "gisr.metrics.universal": (
        "q2n",
        "uqi",
    ),
}
__getattr__, __dir__ = lazy_names(__name__, _MODULES)

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
