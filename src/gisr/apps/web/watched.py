"""An upscaler for one run of the page, which can end between any two answers of the network."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from gisr.apps.web.cancellation import Watch
from gisr.estimation.registration import Align
from gisr.inference.tile_runner import Image, TileJob
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import PairSource


class WatchedUpscaler(Upscaler):
    """Shares the network of another upscaler, and has an alignment and a watch of its own."""

    def __init__(self, upscaler: Upscaler, align: Align, watch: Watch) -> None:
        """Take over all of another upscaler but two things.

        Args:
            upscaler: Has the network.
            align: Whether the shift of guides is estimated and undone first.
            watch: Asked before every answer of the network: with an uncertainty there are eight
                to each tile or slice, and progress is told after the last.
        """
        vars(self).update(vars(upscaler))
        self.align, self._watch = align, watch

    def job(
        self, source: PairSource, description: str | None = None, tile: int | None = None
    ) -> TileJob:
        """Return what all tiles share; it may raise what the watch raises."""
        job = super().job(source, description, tile)
        return _WatchedJob(**vars(job), check=self._watch.check)


@dataclass(kw_only=True)
class _WatchedJob(TileJob):
    """Looks at the watch before each look at a tile."""

    check: Callable[[], None]

    def residual(self, low: Image, high: Image, number: int = 0) -> Image:
        self.check()
        return super().residual(low, high, number)

    def pooled(self, low: Image, high: Image) -> Float[Tensor, "1 n"]:
        self.check()
        return super().pooled(low, high)
