"""Optional packages, imported where they are needed."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType

from gisr.errors import LimitError, MissingExtraError
from gisr.memory import is_out_of_memory

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
        LimitError: There is not enough memory to load it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if is_out_of_memory(error):
            raise LimitError(f"{module}: there is not enough memory to load it") from error
        package = module.split(".")[0]
        raise MissingExtraError(
            f'{package} is needed for this file: pip install "gisr[{extra}]" ({error})'
        ) from error


@contextmanager
def without_chatter() -> Iterator[None]:
    """Keep what a library in C prints by itself from the user's terminal, and from pipes.

    OpenEXR and libpng print what is wrong with a file before they raise it. For the
    block, nothing else of the process is seen there either.
    """
    with ExitStack() as stack:
        for number, stream in ((1, sys.stdout), (2, sys.stderr)):
            with suppress(AttributeError, OSError, ValueError):  # there is no such output
                kept = os.dup(number)
                stack.callback(os.close, kept)
                stream.flush()
                stack.callback(os.dup2, kept, number)
                with open(os.devnull, "wb") as nothing:
                    os.dup2(nothing.fileno(), number)
        yield
