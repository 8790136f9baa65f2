"""Metrics with the literature's definitions: full reference, one image at a time.

Torch is imported when a metric that needs it is called, not here.
"""

from gisr.metrics.definitions import METRICS, MetricDefinition, MetricName
from gisr.metrics.quality import ergas, psnr, rmse, sam, ssim_skimage7, ssim_wang

__all__ = [
    "METRICS",
    "MetricDefinition",
    "MetricName",
    "ergas",
    "psnr",
    "rmse",
    "sam",
    "ssim_skimage7",
    "ssim_wang",
]
