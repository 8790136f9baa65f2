"""The definition of each metric, for table captions, documentation and reports."""

from dataclasses import dataclass
from typing import Literal

MetricName = Literal[
    "psnr",
    "sam",
    "ergas",
    "ssim_wang",
    "ssim_skimage7",
    "rmse",
    "q2n",
    "d_lambda",
    "d_s",
    "qnr",
    "d_lambda_k",
    "hqnr",
]
"""The metrics, by the name of their function in :mod:`gisr.metrics`."""


@dataclass(frozen=True)
class MetricDefinition:
    """One metric and how it is taken."""

    name: MetricName
    """Name of the function."""
    symbol: str
    """As it is printed above a table column."""
    unit: str
    """Unit of the value, empty where it has none."""
    better: Literal["higher", "lower"]
    """Which way is better."""
    digits: int
    """Digits behind the point in tables."""
    definition: str
    """One sentence that lets a reader compute the same number."""
    source: str
    """Paper or protocol it comes from."""

    @property
    def heading(self) -> str:
        """Symbol with its unit, for a table column: ``SAM (degrees)``."""
        return f"{self.symbol} ({self.unit})" if self.unit else self.symbol


METRICS: dict[MetricName, MetricDefinition] = {
    "psnr": MetricDefinition(
        name="psnr",
        symbol="PSNR",
        unit="dB",
        better="higher",
        digits=2,
        definition=(
            "10 log10(peak^2 / MSE) with one mean squared error over all pixels and bands of an "
            "image, averaged over images."
        ),
        source="joint over bands as in scikit-image and most pansharpening code",
    ),
    "sam": MetricDefinition(
        name="sam",
        symbol="SAM",
        unit="degrees",
        better="lower",
        digits=2,
        definition=(
            "Angle between the estimated and the true spectrum of a pixel, pixels with a zero "
            "spectrum dropped, averaged over the pixels of an image, then over images."
        ),
        source="Yuhas, Goetz, Boardman 1992; rule for zero spectra as in DLPan-Toolbox",
    ),
    "ergas": MetricDefinition(
        name="ergas",
        symbol="ERGAS",
        unit="",
        better="lower",
        digits=2,
        definition=(
            "100 / ratio * sqrt(mean over bands of MSE_b / mean(truth_b)^2) with the linear scale "
            "factor as ratio (4 for 4 x 4), averaged over images."
        ),
        source="Wald 2000; as in DLPan-Toolbox",
    ),
    "ssim_wang": MetricDefinition(
        name="ssim_wang",
        symbol="SSIM",
        unit="",
        better="higher",
        digits=4,
        definition=(
            "Structural similarity with an 11 x 11 Gaussian window of sigma 1.5, population "
            "covariance, K = (0.01, 0.03), windows inside the image only, averaged over bands, "
            "then over images."
        ),
        source="Wang, Bovik, Sheikh, Simoncelli 2004",
    ),
    "ssim_skimage7": MetricDefinition(
        name="ssim_skimage7",
        symbol="SSIM (7 x 7)",
        unit="",
        better="higher",
        digits=4,
        definition=(
            "Structural similarity with a 7 x 7 uniform window, sample covariance, "
            "K = (0.01, 0.03), windows inside the image only, averaged over bands, then over "
            "images."
        ),
        source="scikit-image's defaults, as in fastMRI, MINet and SANet",
    ),
    "rmse": MetricDefinition(
        name="rmse",
        symbol="RMSE",
        unit="data unit",
        better="lower",
        digits=3,
        definition=(
            "Root of the mean squared error over the known pixels of an image, in the unit of the "
            "data, averaged over images."
        ),
        source="Kim, Ponce, Ham 2021 (DKN), with a border of 6 pixels cut",
    ),
    "q2n": MetricDefinition(
        name="q2n",
        symbol="Q2n",
        unit="",
        better="higher",
        digits=4,
        definition=(
            "Universal quality index of hypercomplex pixels, one component a band (Q4 for four "
            "bands, Q8 for eight), in 32 x 32 blocks that do not overlap, each band of a block "
            "brought to mean 1 and standard deviation 1 of the truth first, averaged over blocks, "
            "then over images."
        ),
        source="Garzelli, Nencini 2009; normalised as in DLPan-Toolbox",
    ),
    "d_lambda": MetricDefinition(
        name="d_lambda",
        symbol="D_lambda",
        unit="",
        better="lower",
        digits=4,
        definition=(
            "Mean over pairs of bands of the difference between their universal quality index in "
            "the estimate and in the target interpolated to the guide's grid, 32 x 32 blocks, "
            "p = 1, averaged over images."
        ),
        source="Alparone et al. 2008; blocks as in DLPan-Toolbox",
    ),
    "d_s": MetricDefinition(
        name="d_s",
        symbol="D_s",
        unit="",
        better="lower",
        digits=4,
        definition=(
            "Mean over bands of the difference between the universal quality index of the estimate "
            "with the guide and that of the interpolated target with the guide at the target's "
            "resolution (reduced and enlarged again by bicubic), 32 x 32 blocks, q = 1, averaged "
            "over images."
        ),
        source="Alparone et al. 2008; blocks as in DLPan-Toolbox",
    ),
    "qnr": MetricDefinition(
        name="qnr",
        symbol="QNR",
        unit="",
        better="higher",
        digits=4,
        definition="(1 - D_lambda)(1 - D_s) of each image, averaged over images.",
        source="Alparone et al. 2008",
    ),
    "d_lambda_k": MetricDefinition(
        name="d_lambda_k",
        symbol="D_lambda^K",
        unit="",
        better="lower",
        digits=4,
        definition=(
            "1 - Q2n of the target and the estimate low-passed by the sensor's Gaussian MTF and "
            "sampled at the target's pixel centres, averaged over images."
        ),
        source="Khan, Alparone, Chanussot 2009",
    ),
    "hqnr": MetricDefinition(
        name="hqnr",
        symbol="HQNR",
        unit="",
        better="higher",
        digits=4,
        definition="(1 - D_lambda^K)(1 - D_s) of each image, averaged over images.",
        source="Aiazzi et al. 2014",
    ),
}
"""Every metric by name."""
