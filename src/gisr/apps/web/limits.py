"""What the page takes on: sizes, time, and how many at once."""

from dataclasses import dataclass

from gisr.errors import InputError
from gisr.io.limits import Limits

_BYTES_PER_PIXEL = 64
"""Decoded bytes that a pixel may have: eight bands of float64."""
_LEAST_STORED = 10**6
"""Bytes that a page needs: folders and pictures, beside its uploads."""


@dataclass(frozen=True)
class PageLimits:
    """Upper bounds of one server.

    Raises:
        InputError: One of them would refuse everything.
    """

    max_upload: int = 200 * 10**6
    """Bytes of one uploaded file."""
    max_session: int = 10**9
    """Bytes that one open page may store."""
    max_stored: int = 4 * 10**9
    """Bytes that all pages together may store."""
    max_pixels: int = 25_000_000
    """Pixels of an image, or voxels of a volume."""
    max_seconds: float = 600
    """Wall time of one run."""
    concurrency: int = 1
    """Runs at once; others wait."""
    max_waiting: int = 16
    """Requests that may wait; further ones are refused."""
    keep_minutes: float = 30
    """How long files of a page are kept that is not used."""

    def __post_init__(self) -> None:
        """Refuse limits that would refuse everything."""
        for name, least in (
            ("max_upload", 1),
            ("max_session", max(self.max_upload, _LEAST_STORED)),
            ("max_stored", self.max_session),
            ("max_pixels", 1),
            ("concurrency", 1),
            ("max_waiting", 1),
        ):
            if getattr(self, name) < least:
                raise InputError(f"{name} {getattr(self, name)} must be at least {least}")
        for name in ("max_seconds", "keep_minutes"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} {getattr(self, name):g} must be above zero")

    @property
    def files(self) -> Limits:
        """What the header of a file may claim."""
        return Limits(
            max_pixels=self.max_pixels,
            max_voxels=self.max_pixels,
            max_bytes=_BYTES_PER_PIXEL * self.max_pixels,
        )
