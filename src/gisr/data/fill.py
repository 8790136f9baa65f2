"""Values that look like fill: what stands for unknown pixels in images that do not say so.

Files lose their nodata tag, arrays never had one, and -9999, 65535 or the lowest float taken for
data spoil whatever is measured on the whole image. Fill is one value in many pixels, at an end of
the range, with nothing between it and the rest. Saturated or clipped content has values near it,
and content that is rare has many values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy.typing import NDArray
from scipy import ndimage

from gisr.io.unknown import UnknownValue

Certainty = Literal["certain", "likely"]
"""``likely``: data may look so, too; it is for the user to say."""

End = Literal[1, -1]
"""The low end of a range, or the high one."""

_CODES = (
    *(-9999.0, -999.0, -99.0, -99999.0, -32768.0, -32767.0, -2147483648.0),
    *(65535.0, 65504.0, 32767.0, 2147483647.0, 4294967295.0, 1e10, 1e20),
)
"""Values that are used for nothing known; so are those beyond ``_BEYOND_ALL``."""
_BEYOND_ALL = 1e30
_WHOLE = 1e15
"""Whole numbers below this are written with all their digits."""
_SAMPLE = 2**18
"""Pixels that are looked at in an image, on a lattice."""
_FEWEST = 8
"""Pixels of one value below which they are defects of an image, not fill."""
_DIVERSE = 16
"""Different values that the rest must have: two flat areas are no image with fill."""
_FAR, _FAR_CODE = 2.0, 0.5
"""Distance from the rest, in spreads of the rest, from which a value is far: any, and one of
:data:`_CODES`."""
_EDGE = 0.1
"""Percentile at which the range of the rest ends: beyond it are defects and blended borders."""
_BETWEEN, _BETWEEN_CODE = 0.02, 0.2
"""Pixels between the rest and fill, in shares of the fill: the rim of a saturated roof has more, a
border that was interpolated between data and -9999 less."""
_TOGETHER, _SOLID = 0.3, 0.5
"""Share of its pixels whose neighbours have the value, too: of far fill, and of other fill."""
_LINE = 16
"""Pixels along an axis that touch and are a line which a scanner dropped: no area, but as little to
be met in data."""
_COMMON = 0.02
"""Share of the pixels that a far value must have unless it is one of :data:`_CODES`."""
_LEAST_SHARE = 0.002
"""Of the pixels; less is fill only if it is far."""
_CLOSE, _CLOSE_ABOVE, _STEPS = 0.01, 0.2, 2.5
"""How near values count as close, in spreads of the rest, below it and above it, where saturated
clouds have thin ones beside them; and at least in its finest steps."""


@dataclass(frozen=True)
class Fill:
    """One value that looks like fill."""

    value: float
    share: float
    """Of the known pixels that have it in all bands."""
    certainty: Certainty
    far: bool
    """Whether it lies so far from the rest that it stands for nothing known in one band, too."""
    bands: tuple[int, ...] = ()
    """Places, from 0, of the bands that have it; () where it is all."""

    @property
    def text(self) -> str:
        """The value and its share, for messages: ``-9999 in 7.2% of the pixels``."""
        share = f"{self.share:.1%}" if self.share >= 0.001 else "less than 0.1%"
        return f"{self.value_text} in {share} of the pixels"

    def text_of(self, numbers: Sequence[int]) -> str:
        """The text with its bands, by the numbers of all: ``-9999 in 2.4% of ... of band 4``."""
        *first, last = (str(numbers[place]) for place in self.bands)
        bands = f"bands {', '.join(first)} and {last}" if first else f"band {last}"
        return f"{self.text} of {bands}"

    @property
    def value_text(self) -> str:
        """The value as it can be given to an option: exact."""
        if abs(self.value) < _WHOLE and self.value == int(self.value):
            return str(int(self.value))
        short = f"{self.value:.9g}"
        with np.errstate(over="ignore"):
            exact = float(np.float32(self.value)) == self.value
        return short if exact else repr(self.value)

    @property
    def unknown(self) -> UnknownValue:
        """What it makes unknown: pixels with it in all bands, if it is far in any."""
        return UnknownValue(self.value, self.far)

    def covers(self, image: Shaped[np.ndarray, "*pixels bands"]) -> Bool[np.ndarray, "*pixels"]:
        """Return which pixels it makes unknown."""
        return self.unknown.covers(image)


def find_fill(
    image: Shaped[np.ndarray, "*pixels bands"],
    known: Bool[np.ndarray, "*pixels"] | None = None,
    *,
    blank: bool = False,
    magnitudes: bool = False,
    named: Sequence[float] = (),
) -> tuple[Fill, ...]:
    """Return the values of an image that look like fill, one at each end of its range at most.

    Args:
        image: A picture or a volume in its own units and type, bands last. An image larger than
            2^18 pixels is looked at on a lattice; so a lattice of a file serves as well.
        known: Pixels that count; NaN and infinite values never do.
        blank: Whether fill may also lie close to the data, as the 0 around a satellite scene does:
            it must then be solid and without close values. Not for MR, whose background is 0.
        magnitudes: Whether data are not below 0 unless many values are, as in MR: then the only
            value below 0 is fill, however near it lies, if it covers areas.
        named: Values that are fill elsewhere, such as the nodata of the other file of the pair:
            where they are solid no more is asked of them.
    """
    pixels, counted = _lattice(image, known)
    if counted.sum() < _FEWEST or pixels.dtype == bool:
        return ()
    ends: tuple[End, ...] = (1, -1)
    inside = pixels[counted].astype(np.float64)
    candidates = {end: value for end in ends if (value := _outermost(inside, end)) is not None}
    rest = inside[~np.isin(inside[:, 0], list(candidates.values())) | _uneven(inside)]
    found: list[Fill] = []
    for end, value in candidates.items():
        own = counted & (pixels == pixels.dtype.type(value)).all(axis=-1)
        share, together = float(own.sum() / counted.sum()), _together(own)
        given = value in named and together >= _TOGETHER
        some = rest[:: max(1, len(rest) // (64 * _DIVERSE))]
        if len(rest) and (given or len(np.unique(some)) >= _DIVERSE):
            count, lined = int(own.sum()), _lined(own) if blank else 0.0
            seen = _Candidate(value, end, share, together, lined, count, rest * end)
            if seen.is_far or (magnitudes and seen.is_alone_below_0(own)):
                found.append(Fill(value, share, "certain", far=True))
            elif given:
                found.append(Fill(value, share, "certain", far=False))
            elif blank and seen.is_solid and (certainty := seen.certainty(pixels)) is not None:
                found.append(Fill(value, share, certainty, far=False))
    return tuple(found)


def find_band_fill(
    image: Shaped[np.ndarray, "*pixels bands"],
    known: Bool[np.ndarray, "*pixels"] | None = None,
) -> tuple[Fill, ...]:
    """Return the values of some bands that look like fill and cannot be data beside the rest.

    A cloud that is masked in one band, or a band that failed. One band may hold what others never
    do, so only what lies far from the rest is named; it is certain fill where the value is used for
    nothing known and no other band has it. It then makes pixels unknown in all bands.

    Args:
        image: As of :func:`find_fill`, without what that found.
        known: Likewise.
    """
    pixels, counted = _lattice(image, known)
    if pixels.shape[-1] == 1 or not counted.any():
        return ()
    places, inside = dict[float, list[int]](), pixels[counted]
    for band in range(pixels.shape[-1]):
        for fill in find_fill(pixels[..., band : band + 1], counted):
            rest = inside[(inside != inside.dtype.type(fill.value)).all(axis=1)]
            if is_impossible(fill.value, rest, band):
                places.setdefault(fill.value, []).append(band)
    found: list[Fill] = []
    for value, bands in places.items():
        held = inside == inside.dtype.type(value)
        share = float(held[:, bands].any(axis=1).mean())
        certain = _is_code(value) and not np.delete(held, bands, axis=1).any()
        word: Certainty = "certain" if certain else "likely"
        found.append(Fill(value, share, word, far=True, bands=tuple(bands)))
    return tuple(found)


def _lattice(
    image: Shaped[np.ndarray, "*pixels bands"], known: Bool[np.ndarray, "*pixels"] | None
) -> tuple[Shaped[np.ndarray, "*lattice bands"], Bool[np.ndarray, "*lattice"]]:
    """Return the pixels that are looked at, and which of them count."""
    step = max(1, int(np.ceil((image[..., 0].size / _SAMPLE) ** (1 / (image.ndim - 1)))))
    lattice = (slice(None, None, step),) * (image.ndim - 1)
    pixels = image[lattice]
    counted = np.ones(pixels.shape[:-1], bool) if known is None else known[lattice]
    if pixels.dtype.kind == "f":
        counted = counted & np.isfinite(pixels).all(axis=-1)
    return pixels, counted


@dataclass(frozen=True, eq=False)
class _Candidate:
    """The outermost value that many pixels have at one end of the range."""

    value: float
    end: End
    share: float
    together: float
    """Share of its pixels whose neighbours have it, too."""
    lined: float
    """Share of its pixels that lie in lines of it."""
    count: int
    rest: Float[np.ndarray, "pixels bands"]
    """All that is no candidate, its sign turned so that this end is the low one."""

    @property
    def is_code(self) -> bool:
        """Whether the value is used for nothing known."""
        return _is_code(self.value)

    @property
    def is_far(self) -> bool:
        """Whether it lies far from the rest, with next to nothing between."""
        value, impossible = self.value * self.end, self.is_code and self.value < 0
        edge, low, high = np.percentile(self.rest, (_EDGE, 1, 99))
        if not (high > low and _is_far(edge - value, high - low, code=self.is_code)):
            return False
        if not self.is_code and self.share < _COMMON:
            return False  # the flat roof of a ship at sea
        allowed = _BETWEEN_CODE if impossible else _BETWEEN
        # A speckle of content has a rim, one of a code has none.
        return (self.is_code or self.together >= _TOGETHER) and (
            self._rest_below(value / 2 + edge / 2) <= allowed
        )

    def is_alone_below_0(self, own: Bool[np.ndarray, "*pixels"]) -> bool:
        """Return whether no other value lies below 0, and this one covers areas.

        Args:
            own: Which pixels have it.
        """
        if self.end != 1 or self.value >= 0 or float(self.rest.min()) < 0:
            return False
        # A first row or slice has no next one of its kind, only a last one before it.
        together = max(self.together, _together(np.flip(own)))
        return self.share >= _LEAST_SHARE and together >= _TOGETHER

    @property
    def is_solid(self) -> bool:
        """Whether it covers areas, or lines."""
        return self.share >= _LEAST_SHARE and max(self.together, self.lined) >= _SOLID

    def certainty(self, pixels: Shaped[np.ndarray, "*pixels bands"]) -> Certainty | None:
        """Return whether it is fill that lies close to the data; None for what data may be."""
        low, high = np.percentile(self.rest, (1, 99))
        steps = np.diff(np.unique(self.rest[:, 0]))
        share = _CLOSE if self.end == 1 else _CLOSE_ABOVE
        close = max(share * (high - low), _STEPS * float(steps.min()) if len(steps) else 0.0)
        usual = self.value == 0 or (self.value == -1 and self.end == 1)
        if pixels.dtype.kind in "iu":
            whole = np.iinfo(pixels.dtype)
            usual |= self.value == (whole.min if self.end == 1 else whole.max)
        if not (usual or self.is_code):
            return None  # a lake in a drawn scene
        if self._rest_below(self.value * self.end + close) <= _BETWEEN:
            return "certain"
        return "likely" if self.end == 1 and _in_a_corner(pixels, self.value) else None

    def _rest_below(self, limit: float) -> float:
        """Return how many other pixels lie nearer to the value, in shares of its own."""
        return float((self.rest < limit).any(axis=1).sum() / self.count)


def is_impossible(value: float, rest: Shaped[np.ndarray, "*pixels bands"], band: int) -> bool:
    """Return whether a value cannot be data of one band.

    It lies far from the values of all bands. One that is used for nothing known need only lie far
    from those of its own band: beside bands of large values the range of all is wide.

    Args:
        value: That a pixel has in this band.
        rest: Pixels that have it in none.
        band: Its place, from 0.
    """
    if not np.isfinite(value) or not len(rest):
        return True
    return _lies_far(value, rest) or (_is_code(value) and _lies_far(value, rest[..., band]))


def _lies_far(value: float, rest: Shaped[np.ndarray, "..."]) -> bool:
    first, low, high, last = np.percentile(rest, (_EDGE, 1, 99, 100 - _EDGE))
    distance = float(max(first - value, value - last))
    return _is_far(distance, float(high - low), code=_is_code(value))


def _is_far(distance: float, spread: float, *, code: bool) -> bool:
    return bool(distance > (_FAR_CODE if code else _FAR) * spread)


def _is_code(value: float) -> bool:
    named = np.isclose(value, _CODES, rtol=1e-6, atol=0.0).any()
    return bool(named or abs(value) > _BEYOND_ALL)


def _outermost(inside: Float[np.ndarray, "pixels bands"], end: End) -> float | None:
    """Return the outermost value that many pixels have in all bands, with next to none beyond."""
    values, counts = np.unique(inside[~_uneven(inside), 0], return_counts=True)
    many = np.flatnonzero(counts >= _FEWEST)
    if not len(many):
        return None
    place = many[0 if end == 1 else -1]
    value, count = float(values[place]), int(counts[place])
    beyond = (inside < value) if end == 1 else (inside > value)
    return value if beyond.any(axis=1).sum() <= _BETWEEN * count else None


def _uneven(inside: Float[np.ndarray, "pixels bands"]) -> Bool[np.ndarray, " pixels"]:
    """Return which pixels differ from band to band."""
    differ: NDArray[np.bool_] = (inside != inside[:, :1]).any(axis=1)
    return differ


def _together(own: Bool[np.ndarray, "*pixels"]) -> float:
    """Return the share of pixels whose next pixel along every axis is one of them, too."""
    solid = own.copy()
    for axis in range(own.ndim):
        if own.shape[axis] > 1:
            after = np.roll(own, -1, axis)
            last = (slice(None),) * axis + (slice(-1, None),)
            after[last] = own[last]  # a border has no next pixel
            solid &= after
    return float(solid.sum() / own.sum())


def _lined(own: Bool[np.ndarray, "*pixels"]) -> float:
    """Return the share of pixels that lie in a line of them, along an axis or aslant.

    Lines of a scanner are aslant in a map that was turned to the north: their pixels touch at the
    corners alone.
    """
    labels, count = ndimage.label(own, np.ones((3,) * own.ndim))
    if not count:
        return 0.0
    long = [
        max(side.stop - side.start for side in box) >= _LINE for box in ndimage.find_objects(labels)
    ]
    return float(np.array([False, *long])[labels].sum() / own.sum())


def _in_a_corner(pixels: Shaped[np.ndarray, "*pixels bands"], value: float) -> bool:
    corners = pixels[np.ix_(*((0, -1) for _ in pixels.shape[:-1]))]
    return bool((corners == value).all(axis=-1).any())
