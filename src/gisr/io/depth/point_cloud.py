"""Point clouds: a depth map seen through a camera, as coloured points in a binary PLY file.

Written here because the format is a line of text for each field and then an array: plyfile is under
the GPL, and trimesh, a library of meshes, adds a fourth byte of colour.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, UInt

from gisr.errors import InputError
from gisr.io.depth.camera import Camera
from gisr.notes import Note, warning

SUFFIXES = (".ply",)
"""What a point cloud may be called."""

_NEAREST, _FARTHEST = 0.01, 500.0
"""Metres between which the middle of a scene lies: millimetres read as metres are beyond."""
_OFF_CENTRE = 0.2
"""Share of a side by which principal points are off its middle at most; of half the size, 0.25."""

_SHORTEST, _LONGEST = 0.2, 20.0
"""Focal lengths, as a share of the picture's width, between which lenses are: 136 to 3 degrees."""
_SENSOR_BITS = (8, 10, 12, 14)
"""Bits that cameras fill of 16."""
_SAME_UNIT = 0.01
"""Share by which two numbers of steps may differ."""
_SHOWN = 3
"""Names in a note."""

_POINT = np.dtype(
    [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("red", "u1"), ("green", "u1"), ("blue", "u1")]
)
_HEADER = """ply
format binary_little_endian 1.0
comment gisr: metres, x right, y down, z forward
element vertex {count}
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
end_header
"""


@dataclass(frozen=True)
class PointCloud:
    """Where a point cloud goes, and what turns stored values into metres.

    Raises:
        InputError: ``steps`` is not above zero, or disparity without a baseline.
    """

    path: Path
    """Output, ``.ply``."""
    camera: Camera
    """The camera of the guide."""
    steps: float
    """Stored steps in a metre, or in a pixel of disparity: 1000 for millimetres."""
    disparity: bool = False
    """Whether values are disparity, in pixels of the picture that the camera is for."""

    def __post_init__(self) -> None:
        """Check what can be checked without the depth map."""
        if not 0 < self.steps < math.inf:
            raise InputError(f"depth unit: {self.steps} steps in a metre must be above 0")
        if self.disparity and self.camera.baseline is None:
            raise InputError(
                "disparity becomes distance only with the baseline of the stereo pair, in metres: "
                "add it to the camera (baseline=0.12)"
            )

    def distance(self, values: Float[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
        """Return metres along the optical axis; not finite where disparity is that of infinity."""
        scaled = values.astype(np.float64) / self.steps
        return self.camera.distance(scaled) if self.disparity else scaled

    def doubts(
        self,
        values: Float[np.ndarray, "H W"],
        valid: Bool[np.ndarray, "H W"],
        guide: UInt[np.ndarray, "H W *channels"],
    ) -> tuple[Note, ...]:
        """Return warnings of points that a wrong unit, or the camera of another picture, gives.

        Args:
            values: Depth or disparity as stored.
            valid: Known pixels.
            guide: The picture, which gives the colours.
        """
        doubts = (
            *self._distance_doubts(values, valid),
            *self._unit_doubts(),
            *self._camera_doubts(values.shape),
        )
        notes = (*doubts, *_choices(self.camera, self.disparity))
        bits = _bits_in_use(guide)
        if bits == 8 * guide.dtype.itemsize:
            return notes
        text = f"colours of {8 * guide.dtype.itemsize} bits end at {guide.max()}"
        return (*notes, Note(f"{text}: taken for {bits} bits in the point cloud"))

    def _distance_doubts(
        self, values: Float[np.ndarray, "H W"], valid: Bool[np.ndarray, "H W"]
    ) -> tuple[Note, ...]:
        metres = self.distance(values[valid][None])
        ahead = metres[np.isfinite(metres) & (metres > 0)]
        if not ahead.size:
            text = "no known pixel lies in front of the camera: the point cloud is empty"
            if (values[valid] < 0).any():
                text += ": values are below 0, as along -z (OpenGL): give them with the other sign"
            return (warning(text),)
        middle = float(np.median(ahead))
        if _NEAREST <= middle <= _FARTHEST:
            return ()
        remedy = "the baseline and --depth-unit" if self.disparity else "--depth-unit"
        text = f"half of the points lie within {middle:.3g} m of the camera: check {remedy}"
        return (warning(text),)

    def _unit_doubts(self) -> tuple[Note, ...]:
        said = self.camera.depth_steps
        if said is None or self.disparity or abs(self.steps / said - 1) < _SAME_UNIT:
            return ()
        text = f"the camera's file says that {said:.7g} steps of the depth map make a metre, not"
        return (warning(f"{text} {self.steps:.7g}: check --depth-unit"),)

    def _camera_doubts(self, shape: tuple[int, ...]) -> tuple[Note, ...]:
        place, size = (self.camera.cx, self.camera.cy), (shape[1], shape[0])
        size_of = 1 if self.camera.per_width else (self.camera.size or shape)[1]
        length = self.camera.fx / size_of
        if not _SHORTEST <= length <= _LONGEST:
            angle = math.degrees(2 * math.atan(0.5 / length))
            text = f"a focal length of {self.camera.fx:.4g} pixels sees {angle:.3g} degrees"
            return (warning(f"{text}: is it in pixels, and of this picture's size?"),)
        if self.camera.size is not None or None in place:
            return ()
        off = [
            abs(number - (side - 1) / 2) / side
            for number, side in zip(place, size, strict=True)
            if number is not None
        ]
        if max(off) <= _OFF_CENTRE:
            return ()
        text = (
            f"the camera's principal point, ({place[0]:.5g}, {place[1]:.5g}), is far from the "
            f"middle of the picture, {size[0]} x {size[1]}: if it was measured at another size, "
            "add that (width and height)"
        )
        return (warning(text),)

    def write(
        self,
        temporary: Path,
        values: Float[np.ndarray, "H W"],
        valid: Bool[np.ndarray, "H W"],
        guide: UInt[np.ndarray, "H W *channels"],
    ) -> None:
        """Write the valid pixels in front of the camera, row by row.

        Args:
            temporary: Path to write to.
            values: Depth or disparity as stored.
            valid: Known pixels.
            guide: Picture of the same size, which gives the colours.
        """
        metres = self.distance(values)
        chosen = valid & np.isfinite(metres) & (metres > 0)
        cloud = np.empty(int(chosen.sum()), dtype=_POINT)
        for name, column in zip("xyz", self.camera.points(metres, chosen).T, strict=True):
            cloud[name] = column
        colours = _eight_bits(guide)[chosen]
        for index, name in enumerate(("red", "green", "blue")):
            cloud[name] = colours if colours.ndim == 1 else colours[:, index]
        with temporary.open("wb") as stream:
            stream.write(_HEADER.format(count=len(cloud)).encode("ascii"))
            stream.write(cloud.tobytes())


def _choices(camera: Camera, disparity: bool) -> tuple[Note, ...]:
    """Say what of a camera's file was left out."""
    notes = [Note(text) for text in camera.remarks]
    if camera.baseline is not None and not disparity:
        text = (
            "the camera has the baseline of a stereo pair, and the values are taken for distances"
        )
        told = warning if camera.doffs else Note  # which only calibrations of disparity have
        notes.append(told(f"{text}: if they are disparity, add --disparity"))
    if camera.place:
        notes.append(Note(f"of several cameras in one file, that of {camera.place} is taken"))
    if camera.unused:
        names = ", ".join(camera.unused[:_SHOWN]) + ", ..." * (len(camera.unused) > _SHOWN)
        notes.append(Note(f"the camera's file holds more, which is not used: {names}"))
    return tuple(notes)


def _bits_in_use(guide: UInt[np.ndarray, "H W *channels"]) -> int:
    """Return the bits of 16 that a picture fills; 8 of 8."""
    whole = 8 * guide.dtype.itemsize
    largest = int(guide.max(initial=0))
    fitting = [bits for bits in _SENSOR_BITS if largest < 2**bits]
    return min(whole, *fitting) if largest and fitting else whole


def _eight_bits(guide: UInt[np.ndarray, "H W *channels"]) -> UInt[np.ndarray, "H W *channels"]:
    return (guide >> (_bits_in_use(guide) - 8)).astype(np.uint8)
