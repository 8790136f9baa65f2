"""gisr: guided image super-resolution with one network for satellite, MR and depth images.

``import gisr`` is cheap: torch is imported with the first use of :func:`load_model` or
:class:`Upscaler`. Files are sharpened by :mod:`gisr.pipelines`, networks trained by
:mod:`gisr.training`, compared systems found in :mod:`gisr.baselines`.

Example:
    ::

        upscaler = gisr.load_model()
        sharp = upscaler(target, guide, task="depth")
"""

from typing import TYPE_CHECKING

from gisr.lazy import lazy_names
from gisr.version import __version__

if TYPE_CHECKING:
    from gisr.adaptation.adapt import Adaptation, adapt
    from gisr.adaptation.settings import AdaptSettings
    from gisr.data.pair import Pair
    from gisr.errors import GisrError
    from gisr.inference.answers import Answer, Settings
    from gisr.inference.array_pair import make_pair
    from gisr.inference.dask_arrays import upscale_dask
    from gisr.inference.loading import load_model
    from gisr.inference.system import PairSystem
    from gisr.inference.upscaler import Upscaler
    from gisr.pipelines.options import Options
    from gisr.pipelines.run import upscale_files
    from gisr.tasks import TASKS, Task

_MODULES = {
    "gisr.adaptation.adapt": (
        "Adaptation",
        "adapt",
    ),
    "gisr.adaptation.settings": ("AdaptSettings",),
    "gisr.data.pair": ("Pair",),
    "gisr.errors": ("GisrError",),
    "gisr.inference.answers": (
        "Answer",
        "Settings",
    ),
    "gisr.inference.array_pair": ("make_pair",),
    "gisr.inference.dask_arrays": ("upscale_dask",),
    "gisr.inference.loading": ("load_model",),
    "gisr.inference.system": ("PairSystem",),
    "gisr.inference.upscaler": ("Upscaler",),
    "gisr.pipelines.options": ("Options",),
    "gisr.pipelines.run": ("upscale_files",),
    "gisr.tasks": (
        "TASKS",
        "Task",
    ),
}
__getattr__, __dir__ = lazy_names(__name__, _MODULES)

__all__ = [
    "TASKS",
    "AdaptSettings",
    "Adaptation",
    "Answer",
    "GisrError",
    "Options",
    "Pair",
    "PairSystem",
    "Settings",
    "Task",
    "Upscaler",
    "__version__",
    "adapt",
    "load_model",
    "make_pair",
    "upscale_dask",
    "upscale_files",
]
