"""Optional packages, imported where they are needed."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from gisr.errors import MissingExtraError

_MODULES = {"geo": "rasterio", "mri": "nibabel", "report": "matplotlib"}
"""What an extra installs first of all, for those that the page asks for."""


def has_extra(extra: str) -> bool:
    """Return whether an extra of gisr is installed; no extra at all (an empty name) always is.

    Raises:
        KeyError: An extra that nobody asked for yet.
    """
    return not extra or importlib.util.find_spec(_MODULES[extra]) is not None


def load_extra(module: str, extra: str) -> ModuleType:
    """Import an optional module.

    Args:
        module: Dotted name of the module, for example ``rasterio.enums``.
        extra: The extra of gisr that installs it, for example ``geo``.

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise MissingExtraError(
            f'{package} is needed for this file: pip install "gisr[{extra}]" ({error})'
        ) from error


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep what a library in C writes to standard error by itself from the user's terminal.

    OpenEXR and libpng print what is wrong with a file before they raise it. For the
    block, nothing else of the process is seen there either.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    sys.stderr.flush()
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
