"""gisr: guided image super-resolution with one network for satellite, MR and depth images.

``import gisr`` is cheap: torch is imported with the first use of :func:`load_model` or
:class:`Upscaler`.

Example:
    ::

        upscaler = gisr.load_model()
        sharp = upscaler(target, guide, task="depth")
"""

from importlib import import_module
from typing import TYPE_CHECKING

from gisr.version import __version__

if TYPE_CHECKING:
    from gisr.data.pair import Pair
    from gisr.inference.upscaler import Upscaler, load_model

_HOMES = {
    "Pair": "gisr.data.pair",
    "Upscaler": "gisr.inference.upscaler",
    "load_model": "gisr.inference.upscaler",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Return the public names, the lazy ones too."""
    return sorted({*globals(), *_HOMES})


__all__ = ["Pair", "Upscaler", "__version__", "load_model"]
