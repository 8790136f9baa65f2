"""Pictures and plots of a report, as addresses that hold their data."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from gisr.array_types import Known, Map, Values
from gisr.optional_imports import load_extra
from gisr.pipelines.report.measurements import Overview, Profile, Spectrum
from gisr.pipelines.report.windowed_result import ResultWindow
from gisr.rendering.colours import Colours, colour_bytes, expert_colour, paint_unknown
from gisr.rendering.stretch import Stretch, magnitude_colours, percentile_or_one
from gisr.tasks import TaskName, find_task

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gisr.magnet import LevelRouting

_LINES = {"before": "#999999", "after": "#cc3311", "guide": "#0077bb"}
_NAMES = {"before": "before (interpolated)", "after": "after", "guide": "guide (scaled)"}
_STRETCH = (0.5, 99.5)
"""Percentiles of the overview that become black and white."""
FULL_SCALE = 99
"""Percentile of changes and spreads that is the end of their scale."""
_YELLOW = (255, 220, 0)
_QUALITY = 88


@dataclass(frozen=True, eq=False)
class Painter:
    """The scales of colours of a page: the same for all of its pictures."""

    target: Stretch
    guide: Stretch
    full_change: float
    """Difference that has the full colour."""
    full_spread: float
    """Spread that is white."""
    turned: bool
    """Whether pictures are turned by 90 degrees."""

    @classmethod
    def of(cls, task: TaskName, overview: Overview, parts: Sequence[ResultWindow]) -> "Painter":
        """Take the stretches from the whole image, the scales of differences from windows."""
        record, known = find_task(task), overview.known
        changes = [np.abs(part.after - part.before).mean(axis=2)[part.known] for part in parts]
        spreads = [
            part.spread.mean(axis=2)[part.known] for part in parts if part.spread is not None
        ]
        return cls(
            Stretch.of_target(record.display, overview.after, _STRETCH, known),
            Stretch.of_guide(overview.guide, _STRETCH, known),
            percentile_or_one(np.concatenate(changes), FULL_SCALE),
            percentile_or_one(np.concatenate(spreads), FULL_SCALE) if spreads else 1.0,
            record.turned,
        )

    def target_picture(self, image: Values, known: Known) -> Colours:
        """Return values of the target in colours."""
        return self._upright(self.target.colours(image, known))

    def guide_picture(self, image: Values) -> Colours:
        """Return a guide in colours."""
        return self._upright(self.guide.colours(image))

    def change_picture(self, change: Values, known: Known) -> Colours:
        """Return a signed change: blue where the result is lower, red where it is higher."""
        share = np.clip(change.mean(axis=2) / self.full_change, -1, 1)
        return self._upright(paint_unknown(_mapped("RdBu_r", 0.5 + 0.5 * share), known))

    def magnitude_picture(self, values: Map, known: Known, full: float) -> Colours:
        """Return values of 0 or more: black for 0, white for ``full`` and more."""
        return self._upright(magnitude_colours(values, full, known))

    def _upright(self, colours: Colours) -> Colours:
        return turned(colours) if self.turned else colours


def turned(colours: Colours) -> Colours:
    """Return a slice of a volume so that its first axis points right and its second up."""
    return np.rot90(colours)


def _mapped(name: str, share: Map) -> Colours:
    colours = load_extra("matplotlib", "report").colormaps[name](share)[..., :3]
    return colour_bytes(colours)


def picture(colours: Colours, *, exact: bool = False) -> str:
    """Return a picture as an address that holds its data: JPEG, or lossless PNG."""
    buffer = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(colours))
    if exact:
        image.save(buffer, "PNG", optimize=True)
    else:
        # Not optimize: Pillow then gives up on pictures that take more than a byte a pixel.
        image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return _address("image/png" if exact else "image/jpeg", buffer.getvalue())


def with_line(colours: Colours, part: ResultWindow, profile: Profile, *, upright: bool) -> Colours:
    """Draw the line of a profile on a picture of its window."""
    image = Image.fromarray(np.ascontiguousarray(colours))
    points = [(column, row) for row, column in profile.ends]
    if upright:  # as the picture was turned
        points = [(y, part.window[1].stop - part.window[1].start - 1 - x) for x, y in points]
    ImageDraw.Draw(image).line(points, fill=_YELLOW, width=1)
    return np.asarray(image)


def spectrum_plot(spectrum: Spectrum) -> str:
    """Plot the power of before, after and guide by frequency."""
    figure, axes = _axes("cycles per guide pixel", "power")
    for name, power in spectrum.power.items():
        floor = max(float(np.max(power)) * 1e-9, 1e-12)
        line = np.maximum(power, floor)
        axes.plot(spectrum.frequency, line, color=_LINES[name], label=_NAMES[name], lw=1.6)
    label = "target's Nyquist frequency"
    axes.axvline(spectrum.nyquist, color="#555555", lw=0.9, ls="--", label=label)
    axes.set_yscale("log")
    axes.set_xlim(0, 0.5)
    axes.legend(frameon=False, fontsize=9)
    return _svg(figure)


def profile_plot(profile: Profile, unit: str) -> str:
    """Plot values across the strongest edge."""
    figure, axes = _axes("guide pixels from the edge", unit)
    if profile.spread is not None:
        after = profile.values["after"]
        axes.fill_between(
            profile.distance,
            after - 2 * profile.spread,
            after + 2 * profile.spread,
            color=_LINES["after"],
            alpha=0.2,
            lw=0,
            label="after ± 2 spreads",
        )
    for name, values in profile.values.items():
        style = ":" if name == "guide" else "-"
        axes.plot(profile.distance, values, style, color=_LINES[name], label=_NAMES[name], lw=1.6)
    axes.legend(frameon=False, fontsize=9)
    return _svg(figure)


def _axes(x: str, y: str) -> tuple["Figure", "Axes"]:
    figure = load_extra("matplotlib.figure", "report").Figure((5.6, 3.4), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    return figure, axes


def _svg(figure: "Figure") -> str:
    buffer = BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _address("image/svg+xml", buffer.getvalue())


def routing_picture(level: "LevelRouting", shape: tuple[int, int], *, upright: bool = False) -> str:
    """Return the routing of a window: the colours of its experts, mixed by their weights.

    Args:
        level: Of one level of the network.
        shape: Rows and columns of the picture before it is turned.
        upright: Whether it is turned, as other pictures of slices.
    """
    weights = level.weights.mean(dim=0).float().cpu().numpy()
    mixed = np.tensordot(np.moveaxis(weights, 0, -1), _expert_colours(len(weights)), axes=1)
    image = Image.fromarray(colour_bytes(mixed))
    pixels = np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.NEAREST))
    return picture(turned(pixels) if upright else pixels, exact=True)


def _expert_colours(count: int) -> Float[np.ndarray, "experts 3"]:
    chosen = [expert_colour(index) for index in range(count)]
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in chosen])


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
