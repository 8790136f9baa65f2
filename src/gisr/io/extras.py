"""Optional packages, imported where they are needed."""

import importlib
from types import ModuleType

from gisr.errors import MissingExtraError


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
