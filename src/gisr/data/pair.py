"""A pair: a target, its guide, and what is known of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.band_detail import guided_detail
from gisr.data.degradations import fill_holes, zero_fill
from gisr.data.resample import bicubic_to_guide
from gisr.errors import InputError, PairError
from gisr.placement import Placement
from gisr.sizes import picture_size
from gisr.tasks import Grid, TaskName, find_task
from gisr.tasks.sensors import listed_sensor
from gisr.tasks.task import MOST_GUIDE_CHANNELS

_KSPACE_DRIFT = 0.05
"""Target pixels by which a placement may differ from that of a k-space crop: rounded headers."""


@dataclass(frozen=True, eq=False)
class Pair:
    """One target with its guide, in their own units.

    Raises:
        InputError: An image is empty, has no or too many channels, or holds values that are not
            finite where they are marked as valid.
        PairError: The shapes do not fit together, or a ``kspace`` placement is none.
    """

    target: Float[np.ndarray, "h w bands"]
    """Low-resolution image, float32."""
    guide: Float[np.ndarray, "H W channels"]
    """High-resolution image of another modality, float32, 1 to 4 channels."""
    task: TaskName
    placement: Placement
    """Where the guide's samples lie on the target's grid."""
    grid: Grid
    """``kspace`` targets are brought to the guide's grid by zero-filling."""
    valid: Bool[np.ndarray, "h w"] | None = None
    """Known target pixels; all when None."""
    guide_valid: Bool[np.ndarray, "H W"] | None = None
    """Known guide pixels; all when None."""
    fill: float | None = None
    """A value that stands for unknown target pixels, though nobody said so."""
    truth: Float[np.ndarray, "H W bands"] | None = None
    """High-resolution reference, where there is one."""
    truth_valid: Bool[np.ndarray, "H W"] | None = None
    """Known truth pixels; all when None."""
    measured: Bool[np.ndarray, "h w"] | None = None
    """Target pixels that a consistent result agrees with, where others were filled beforehand;
    all known ones when None."""
    name: str = ""
    sensor: str | None = None
    mtf: float | None = None
    """Response of the target's bands at their Nyquist frequency, in (0, 1); the sensor's when
    None."""
    bits: int | None = None
    contrast: str | None = None
    guide_contrast: str | None = None
    peak: float | None = None
    """Value range that PSNR and SSIM refer to."""

    def __post_init__(self) -> None:
        """Check shapes and values."""
        find_task(self.task)
        for name, image in (("target", self.target), ("guide", self.guide)):
            if image.ndim != 3 or 0 in image.shape:
                raise InputError(f"{name} of shape {image.shape} is empty or not an image")
        if self.guide.shape[2] > MOST_GUIDE_CHANNELS:
            raise InputError(
                f"guide has {self.guide.shape[2]} channels, at most {MOST_GUIDE_CHANNELS} can be "
                "used: choose some"
            )
        if self.valid is not None and self.valid.shape != self.target.shape[:2]:
            raise PairError(
                f"valid {self.valid.shape} and target {self.target.shape[:2]} must have one shape"
            )
        if self.guide_valid is not None and self.guide_valid.shape != self.guide.shape[:2]:
            raise PairError(
                f"guide_valid {self.guide_valid.shape} and guide {self.guide.shape[:2]} must have "
                "one shape"
            )
        if self.truth is not None and self.truth.shape != (
            *self.guide.shape[:2],
            self.target.shape[2],
        ):
            raise PairError(
                f"truth {self.truth.shape} must have the guide's height and width "
                f"{self.guide.shape[:2]} and the target's {self.target.shape[2]} bands"
            )
        if self.mtf is not None and not 0 < self.mtf < 1:
            raise InputError(f"mtf {self.mtf:g} must lie between 0 and 1: it is a response")
        self._check_kspace()
        known = self.target if self.valid is None else self.target[self.valid]
        _check_finite("target", known, "mark unknown pixels with valid=")
        seen = self.guide if self.guide_valid is None else self.guide[self.guide_valid]
        _check_finite("guide", seen, "mark unknown pixels with guide_valid=")

    def _check_kspace(self) -> None:
        """Zero-filling knows one placement only; another would be shifted unnoticed."""
        if self.grid != "kspace":
            return
        sizes = self.target.shape[:2], self.guide.shape[:2]
        if self.placement.drift(Placement.from_grid("kspace", *sizes), sizes[1]) > _KSPACE_DRIFT:
            raise PairError(
                f"grid 'kspace': target of {picture_size(sizes[0])} and guide of "
                f"{picture_size(sizes[1])} pixels must show the same field of view with their "
                "first samples on each other; use grid 'centre'"
            )

    @property
    def mtf_gain(self) -> float:
        """Response of the target's bands at their Nyquist frequency: given, or the sensor's."""
        return listed_sensor(self.sensor).mtf_gain if self.mtf is None else self.mtf

    @property
    def ratio(self) -> float:
        """How many times finer the guide is, geometric mean of rows and columns."""
        return self.placement.ratio

    def on_guide_grid(self) -> Float[np.ndarray, "H W bands"]:
        """Return the target interpolated onto the guide's grid, unknown pixels filled first.

        Bicubic with the published kernel; zero-filled k-space for ``grid="kspace"``; with the
        detail of :func:`gisr.data.band_detail.guided_detail` where bands guide bands.
        """
        sides = self.guide.shape[:2]
        return self.with_detail(to_guide_grid(self.filled_target, sides, self.placement, self.grid))

    def with_detail(
        self, interpolated: Float[np.ndarray, "H W bands"]
    ) -> Float[np.ndarray, "H W bands"]:
        """Return the interpolated target with the guide's detail, where bands guide bands."""
        if not find_task(self.task).guide_bands:
            return interpolated
        detailed: Float[np.ndarray, "H W bands"] = interpolated + self.guided_detail()
        return detailed

    def guided_detail(self) -> Float[np.ndarray, "H W bands"]:
        """Return what the guide's bands add to the interpolated target, for a task of bands."""
        placement, gain = self.placement, self.mtf_gain
        return guided_detail(self.target, self.filled_guide, placement, gain, self.valid)

    @property
    def filled_target(self) -> Float[np.ndarray, "h w bands"]:
        """The target, an unknown pixel with the value of the nearest known one."""
        return self.target if self.valid is None else fill_holes(self.target, self.valid)

    @property
    def filled_guide(self) -> Float[np.ndarray, "H W channels"]:
        """Likewise the guide."""
        return self.guide if self.guide_valid is None else fill_holes(self.guide, self.guide_valid)


def to_guide_grid(
    target: Float[np.ndarray, "h w bands"],
    guide_shape: tuple[int, int],
    placement: Placement,
    grid: Grid,
) -> Float[np.ndarray, "H W bands"]:
    """Bring a target without holes to the guide's grid: bicubic, or zero-filled if from k-space."""
    if grid == "centre":
        return bicubic_to_guide(target, guide_shape, placement)
    bands = [zero_fill(target[..., band], guide_shape) for band in range(target.shape[2])]
    return np.stack(bands, axis=-1)


def _check_finite(name: str, values: Float[np.ndarray, "..."], remedy: str) -> None:
    if values.size == 0:
        raise InputError(f"{name} has no known pixel: there is nothing to sharpen")
    wrong = int(values.size - np.isfinite(values).sum())
    if wrong:
        raise InputError(f"{name} holds {wrong} values that are NaN or infinite: {remedy}")
