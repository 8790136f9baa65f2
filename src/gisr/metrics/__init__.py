"""Metrics with the literature's definitions, one image at a time, with a truth or without.

Torch is imported when a metric that needs it is called, not here.
"""

from gisr.metrics.definitions import METRICS, MetricDefinition, MetricName
from gisr.metrics.no_reference import d_lambda, d_lambda_k, d_s, hqnr, qnr
from gisr.metrics.quality import ergas, psnr, rmse, sam, ssim_skimage7, ssim_wang
from gisr.metrics.universal import q2n, uqi

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
