"""Errors a user can act on.

Every message names the value, the file where there is one, and the remedy. The command line prints
the message on one line and exits with code 2; nothing in gisr catches these to carry on regardless.
"""


class GisrError(Exception):
    """Base of every error gisr raises on purpose."""


class InputError(GisrError, ValueError):
    """An array or argument cannot be used (shape, type, NaN, empty)."""


class PairError(InputError):
    """Target and guide are each fine but do not fit together (CRS, extent, orientation, ratio)."""


class FileFormatError(GisrError):
    """A file is missing, damaged, of the wrong kind, or cannot be written."""


class LimitError(GisrError):
    """A file claims more pixels, voxels, bands or bytes than the limits allow."""


class WeightsError(GisrError):
    """Weights are missing, do not match their configuration, or hold values that are not finite."""


class RecipeError(GisrError, ValueError):
    """A training recipe or data folder requests something impossible."""


class MissingExtraError(GisrError, ImportError):
    """An optional dependency is needed; the message names the extra to install."""
