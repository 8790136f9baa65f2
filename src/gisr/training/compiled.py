"""Where torch keeps the code that it compiles for a run: with the run, and only while it lasts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gisr.temporaries import discard, temporary

_PLACES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")


@contextmanager
def compiled_code(folder: Path) -> Iterator[None]:
    """Keep torch from leaving compiled code behind, which it does for every optimiser it makes.

    It goes into a folder of the run that is new, because torch runs what it finds there, and that
    is removed at the end. A place that the user has set in the environment stays.

    Args:
        folder: Of the run; the next run sweeps it, should this one be killed.
    """
    place = temporary(folder / "compiled")
    discard(place)
    own = [name for name in _PLACES if name not in os.environ]
    os.environ.update({name: str(place.absolute()) for name in own})
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)
        discard(place)


__all__ = ["compiled_code"]
