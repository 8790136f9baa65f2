"""Pinhole cameras: how pixels become rays and disparities distances."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float

from gisr.errors import InputError

_UNITS = {"m": 1.0, "cm": 100.0, "mm": 1000.0, "um": 1e6}
"""Stored steps in a metre."""
Size = tuple[int, int]
"""Rows and columns."""


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without lens distortion; pixel (0, 0) has its centre at (0, 0).

    Raises:
        InputError: A number is not finite, or a length is not above zero.
    """

    fx: float
    """Focal length along columns, in pixels."""
    fy: float | None = None
    """Focal length along rows; that along columns when None."""
    cx: float | None = None
    """Column of the principal point; the middle of the picture when None."""
    cy: float | None = None
    """Row of the principal point; likewise."""
    size: Size | None = None
    """Rows and columns of the picture that the numbers are for; those of the guide when None."""
    baseline: float | None = None
    """Metres between the two cameras of a stereo pair."""
    doffs: float = 0.0
    """Column of the right principal point minus that of the left: added to a disparity."""
    distorted: bool = False
    """Whether the file has lens distortion, which is not undone here."""
    per_width: bool = False
    """Whether ``fx`` is a share of the picture's width, as an angle of view tells it."""
    place: str = field(default="", compare=False, repr=False)
    """Names that lead to it in a file of several cameras; none where it is the only one."""
    unused: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """Names beside its numbers that say nothing here."""
    depth_steps: float | None = field(default=None, compare=False, repr=False)
    """Steps of the depth map in a metre, where the camera's file says so."""
    remarks: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """What a user should know of the picture that it is for."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        sides = dict(zip(("width", "height"), self.size or (), strict=False))
        lengths = {"fx": self.fx, "fy": self.fy, "baseline": self.baseline, **sides}
        for name, number in {**lengths, "cx": self.cx, "cy": self.cy, "doffs": self.doffs}.items():
            if number is not None and not math.isfinite(number):
                raise InputError(f"the camera's {name} is {number:g}: it must be a finite number")
        for name, number in lengths.items():
            if number is not None and number <= 0:
                # Matrices of OpenGL, whose y points up, have fy below 0.
                way = f", {-number:g} if y points up there" if name == "fy" and number else ""
                raise InputError(f"the camera's {name} is {number:g}: it must be above 0{way}")

    def on_grid(self, shape: tuple[int, int]) -> "Camera":
        """Return the same camera for a picture of another size of the same field of view.

        Args:
            shape: Rows and columns.

        Raises:
            InputError: The proportions differ by more than rounding to whole pixels.
        """
        size = self.size or shape
        rows, columns = (new / old for new, old in zip(shape, size, strict=True))
        if abs(rows / columns - 1) > 1 / min(*shape, *size) + 1e-6:
            raise InputError(
                f"the camera is for a picture of {size[1]} x {size[0]} pixels, the guide has "
                f"{shape[1]} x {shape[0]}: give the camera of the guide"
            )
        if self.per_width:
            columns = rows = shape[1]
        cx = (size[1] - 1) / 2 if self.cx is None else self.cx
        cy = (size[0] - 1) / 2 if self.cy is None else self.cy
        return replace(
            self,
            fx=self.fx * columns,
            fy=(self.fy or self.fx) * rows,
            cx=(cx + 0.5) * shape[1] / size[1] - 0.5,
            cy=(cy + 0.5) * shape[0] / size[0] - 0.5,
            size=shape,
            per_width=False,
        )

    def distance(self, disparity: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
        """Return metres along the optical axis: Z = fx * baseline / (disparity + doffs).

        The camera must have a baseline.

        Args:
            disparity: In pixels of the picture this camera is for. Where it is that of infinity or
                beyond, the result is not finite.
        """
        assert self.baseline is not None
        shifted = disparity.astype(np.float64) + self.doffs
        metres = np.full(disparity.shape, np.nan)
        np.divide(self.fx * self.baseline, shifted, out=metres, where=shifted > 0)
        return metres

    def points(
        self, distance: Float[np.ndarray, "H W"], chosen: Bool[np.ndarray, "H W"]
    ) -> Float[np.ndarray, "points 3"]:
        """Return points in metres: x to the right, y down, z along the optical axis.

        Args:
            distance: Metres along the optical axis.
            chosen: Which pixels to take, row by row.
        """
        own = self.on_grid((distance.shape[0], distance.shape[1]))
        assert own.fy is not None and own.cx is not None and own.cy is not None
        rows, columns = np.nonzero(chosen)
        z = distance[chosen].astype(np.float64)
        x, y = (columns - own.cx) * z / own.fx, (rows - own.cy) * z / own.fy
        return np.stack([x, y, z], axis=-1)


def parse_depth_unit(text: str, *, disparity: bool = False) -> float:
    """Return how many stored steps make one metre, or one pixel of disparity.

    Args:
        text: ``m``, ``cm``, ``mm``, ``um``, or the number itself: 5000 for TUM's PNG files, 256 for
            KITTI's.
        disparity: Whether values are disparity, which has no metres: only a number will do.

    Raises:
        InputError: It is neither.
    """
    units = {} if disparity else _UNITS
    try:
        steps = units[text] if text in units else float(text)
    except ValueError:
        steps = math.nan
    if not 0 < steps < math.inf:
        needed = (
            "the number of stored steps in a pixel of disparity, such as 256 for KITTI's files"
            if disparity
            else "m, cm, mm, um, or the number of stored steps in a metre, such as 5000 for TUM's"
        )
        raise InputError(f"depth unit {text!r} must be {needed}")
    return steps
