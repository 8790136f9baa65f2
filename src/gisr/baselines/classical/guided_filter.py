"""The guided filter: the classical depth method."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from gisr.baselines.classical.baseline import BaselineName, ClassicalBaseline, interpolated
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.tasks import TaskName
from gisr.tasks.depth import DEPTH

_LEVELS = 255.0


@dataclass(frozen=True)
class GuidedFilter(ClassicalBaseline):
    """Guided filter of He, Sun and Tang (IEEE TPAMI 35(6), 2013) on the bicubic target.

    A local linear model of the target on the guide's channels, in windows of
    ``2 * round(radius * ratio) + 1`` guide pixels. The defaults follow the papers (a window about
    one target pixel to each side, eps of 0.01^2) and were looked at on the validation split only.
    """

    radius: float = 1.0
    """Window radius in target pixels; at least one guide pixel is used."""
    eps: float = 1e-4
    """Regularisation, in units of the squared range (maximum - minimum) of the guide."""
    tasks: ClassVar[tuple[TaskName, ...]] = (DEPTH.name,)

    def __post_init__(self) -> None:
        """Refuse parameters that are not above zero."""
        if not (self.radius > 0 and self.eps > 0):
            raise InputError(
                f"guided filter: radius {self.radius} and eps {self.eps} must be above 0"
            )

    @property
    def name(self) -> BaselineName:
        """Name in tables."""
        return "guided-filter"

    def sharpen(self, pair: Pair) -> Float[np.ndarray, "H W bands"]:
        """Return the filtered bicubic target, band by band.

        Raises:
            InputError: The guide has neither one channel nor three.
        """
        if pair.guide.shape[2] not in (1, 3):
            raise InputError(
                f"the guided filter takes a grey or a colour guide, this one has "
                f"{pair.guide.shape[2]} channels: pass 1 or 3"
            )
        guide = _to_levels(pair.guide)
        radius = max(1, round(self.radius * pair.placement.ratio))
        bands = interpolated(pair)
        filtered = [
            guided_filter(guide, bands[:, :, band], radius, self.eps * _LEVELS**2)
            for band in range(bands.shape[2])
        ]
        return np.stack(filtered, axis=2)


def guided_filter(
    guide: Float[np.ndarray, "H W channels"],
    image: Float[np.ndarray, "H W"],
    radius: int,
    eps: float,
) -> Float[np.ndarray, "H W"]:
    """Filter an image with OpenCV's guided filter, kept clear of its rounding.

    Args:
        guide: 1 or 3 channels, float32, spread over about 255 levels. With three channels in 0 to 1
            OpenCV (5.0 at least) ignores the guide in most windows: where eps is under 0.01 and the
            covariance's determinant under 1e-6, it puts 1 for the determinant.
        image: Any values.
        radius: Window radius in pixels.
        eps: In squared units of the guide.
    """
    from cv2 import ximgproc

    # The filter commutes with adding a constant, and small values keep float32 sums exact enough.
    middle = np.float32(image.mean(dtype=np.float64))
    filtered = ximgproc.guidedFilter(guide, image - middle, radius, eps)
    return np.asarray(filtered, dtype=np.float32) + middle


def _to_levels(guide: Float[np.ndarray, "H W channels"]) -> Float[np.ndarray, "H W channels"]:
    """Return the guide spread over 255 levels around 0; a constant guide becomes 0."""
    low, high = guide.min(), guide.max()
    if high == low:
        return np.zeros_like(guide)
    levels: NDArray[np.float32] = (guide - low) / (high - low) * np.float32(_LEVELS)
    return levels - np.float32(_LEVELS / 2)
