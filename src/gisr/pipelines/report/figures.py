"""Pictures and plots of a report, as addresses that hold the data themselves."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image as Pictures
from PIL import ImageDraw

from gisr.io.optional_imports import load_extra
from gisr.pipelines.report.measurements import Overview, Profile, Spectrum
from gisr.pipelines.report.views import Look
from gisr.rendering.colours import UNKNOWN, colour_bytes, coloured_depth, cubehelix, red_green_blue
from gisr.tasks import TaskName

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gisr.magnet import LevelRouting

EXPERT_COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb")
"""Paul Tol's bright colours, which colour-blind readers can tell apart."""
_LINES = {"before": "#999999", "after": "#cc3311", "guide": "#0077bb"}
_NAMES = {"before": "before (interpolated)", "after": "after", "guide": "guide (scaled)"}
_STRETCH = (0.5, 99.5)
"""Percentiles of the overview that become black and white."""
_QUALITY = 88

Image = Float[np.ndarray, "h w bands"]
Map = Float[np.ndarray, "h w"]
Colours = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, eq=False)
class Painter:
    """How values become colours: the same for every picture of a page."""

    task: TaskName
    low: Float[np.ndarray, " shown"]
    """What becomes black, for each band that is shown."""
    high: Float[np.ndarray, " shown"]
    bands: tuple[int, ...]
    guide_range: tuple[float, float]
    most: float
    """Difference that is painted fully."""
    most_spread: float

    @classmethod
    def of(cls, task: TaskName, overview: Overview, looks: Sequence[Look]) -> "Painter":
        """Take the ranges from the whole image, those of differences from the looks."""
        count = overview.after.shape[2]
        bands = red_green_blue(count) if count >= 3 else (0,)
        shown = overview.after[overview.known][:, bands]
        low, high = np.percentile(shown, _STRETCH, axis=0)
        guide = np.percentile(overview.guide[overview.known], _STRETCH)
        changes = [np.abs(look.after - look.before).mean(axis=2)[look.known] for look in looks]
        spreads = [
            look.spread.mean(axis=2)[look.known] for look in looks if look.spread is not None
        ]
        return cls(
            task,
            low,
            np.where(high > low, high, low + 1),
            bands,
            (float(guide[0]), float(guide[1])),
            _top(changes),
            _top(spreads),
        )

    def image(self, image: Image, known: Bool[np.ndarray, "h w"]) -> Colours:
        """Paint values of the target."""
        share = (image[..., self.bands] - self.low) / (self.high - self.low)
        if self.task == "depth":
            return self._finished(coloured_depth(share[..., 0]), known)
        colours = colour_bytes(np.broadcast_to(share, (*share.shape[:2], 3)))
        return self._finished(colours, known)

    def guide(self, image: Image) -> Colours:
        """Paint a guide."""
        low, high = self.guide_range
        share = (image - low) / max(high - low, 1e-6)
        shown = share if share.shape[2] == 3 else share[..., :1]
        colours = colour_bytes(np.broadcast_to(shown, (*shown.shape[:2], 3)))
        return self._finished(colours, np.ones(shown.shape[:2], bool))

    def difference(self, change: Image, known: Bool[np.ndarray, "h w"]) -> Colours:
        """Paint a signed difference: blue where the result is lower, red where it is higher."""
        share = np.clip(change.mean(axis=2) / self.most, -1, 1)
        colours = _mapped("RdBu_r", 0.5 + 0.5 * share)
        return self._finished(colours, known)

    def amount(self, values: Map, most: float, known: Bool[np.ndarray, "h w"]) -> Colours:
        """Paint what is never negative: dark where it is little."""
        return self._finished(cubehelix(values / most), known)

    def _finished(self, colours: Colours, known: Bool[np.ndarray, "h w"]) -> Colours:
        painted = np.where(known[..., None], colours, np.array(UNKNOWN, np.uint8))
        # Slices of a volume: the first axis points right and the second up.
        return np.rot90(painted) if self.task == "mri" else painted


def _top(parts: Sequence[Float[np.ndarray, " n"]]) -> float:
    values = [part for part in parts if part.size]
    return float(np.percentile(np.concatenate(values), 99)) or 1.0 if values else 1.0


def _mapped(name: str, share: Map) -> Colours:
    colours = load_extra("matplotlib", "report").colormaps[name](share)[..., :3]
    return colour_bytes(colours)


def picture(colours: Colours, *, exact: bool = False) -> str:
    """Return a picture as the address of itself: JPEG, or PNG where every pixel counts."""
    buffer = BytesIO()
    image = Pictures.fromarray(np.ascontiguousarray(colours))
    if exact:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0, optimize=True)
    return _address("image/png" if exact else "image/jpeg", buffer.getvalue())


def with_line(colours: Colours, look: Look, profile: Profile, turned: bool) -> Colours:
    """Draw where a profile was taken, on a picture of a look."""
    image = Pictures.fromarray(np.ascontiguousarray(colours))
    points = [(column, row) for row, column in profile.ends]
    if turned:  # as np.rot90 has turned the picture
        points = [(y, look.window[1].stop - look.window[1].start - 1 - x) for x, y in points]
    ImageDraw.Draw(image).line(points, fill=(255, 220, 0), width=1)
    return np.asarray(image)


def spectrum_plot(spectrum: Spectrum) -> str:
    """Draw the power of before, after and guide by frequency."""
    figure, axes = _axes("cycles per guide pixel", "power")
    for name, power in spectrum.power.items():
        floor = max(float(np.max(power)) * 1e-9, 1e-12)
        line = np.maximum(power, floor)
        axes.plot(spectrum.frequency, line, color=_LINES[name], label=_NAMES[name], lw=1.6)
    axes.axvline(spectrum.nyquist, color="#555555", lw=0.9, ls="--")
    axes.text(
        spectrum.nyquist,
        0.98,
        " finest the target holds",
        transform=axes.get_xaxis_transform(),
        va="top",
        fontsize=8,
        color="#555555",
    )
    axes.set_yscale("log")
    axes.set_xlim(0, 0.5)
    axes.legend(frameon=False, fontsize=9)
    return _svg(figure)


def profile_plot(profile: Profile, unit: str) -> str:
    """Draw values across the strongest edge."""
    figure, axes = _axes("guide pixels from the edge", unit)
    if profile.spread is not None:
        after = profile.values["after"]
        axes.fill_between(
            profile.place,
            after - 2 * profile.spread,
            after + 2 * profile.spread,
            color=_LINES["after"],
            alpha=0.2,
            lw=0,
            label="after ± 2 spreads",
        )
    for name, values in profile.values.items():
        style = ":" if name == "guide" else "-"
        axes.plot(profile.place, values, style, color=_LINES[name], label=_NAMES[name], lw=1.6)
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


def routing_picture(level: "LevelRouting", shape: tuple[int, int], turned: bool) -> str:
    """Paint which experts refine which pixels of a window, their colours mixed by their weights."""
    weights = level.weights.mean(dim=0).float().cpu().numpy()
    mixed = np.tensordot(np.moveaxis(weights, 0, -1), _expert_colours(len(weights)), axes=1)
    colours = colour_bytes(mixed)
    image = Pictures.fromarray(colours).resize((shape[1], shape[0]), Pictures.Resampling.NEAREST)
    pixels = np.asarray(image)
    return picture(np.rot90(pixels) if turned else pixels, exact=True)


def _expert_colours(count: int) -> Float[np.ndarray, "experts 3"]:
    chosen = [EXPERT_COLOURS[index % len(EXPERT_COLOURS)] for index in range(count)]
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in chosen])


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{b64encode(data).decode('ascii')}"
