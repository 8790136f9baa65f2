"""The optional libraries of volumes: nibabel and pydicom."""

from types import ModuleType

from gisr.optional_imports import load_extra


def volume_library(module: str) -> ModuleType:
    """Import nibabel, pydicom or one of their modules.

    Args:
        module: Dotted name, for example ``nibabel.openers``.

    Raises:
        MissingExtraError: The package is not installed.
    """
    return load_extra(module, "mri")
