"""The network on one tile after another, in smaller tiles where memory runs out."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gisr.errors import LimitError
from gisr.inference.memory import is_out_of_memory
from gisr.inference.tiles import TilePlan, Window, blended
from gisr.magnet import MAGNet

Image = Float[np.ndarray, "H W channels"]


@dataclass
class TileJob:
    """What all tiles of a pair share."""

    network: MAGNet
    device: torch.device
    text: Float[Tensor, "1 d"]
    ratio: Float[Tensor, "1"]
    side: int
    """Side of what goes through the network at once; halved when memory runs out."""
    overlap: int
    prompt: Float[Tensor, "1 p"] | None = None
    """P_mm of the whole pair, None for a network without MPGM."""

    def residual(self, low: Image, high: Image) -> Image:
        """Return what the network adds to a normalised target.

        Raises:
            LimitError: Memory does not suffice even for the smallest tiles.
        """
        while True:
            try:
                return self._in_tiles(low, high)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                # Without its traceback, which would hold on to the memory.
                reason = error.with_traceback(None)
            self._halve(min(self.side, max(low.shape[:2])), reason)

    def pooled(self, low: Image, high: Image) -> Float[Tensor, "1 n"]:
        """Return GAP(F_IT) of Eq. (5) for a network with MPGM.

        Raises:
            LimitError: Memory does not suffice even for the smallest parts.
        """
        try:
            part = self.network.pool_prompt(
                as_tensor(low, self.device), as_tensor(high, self.device), self.text, self.ratio
            )
            assert part is not None  # the caller has looked
            return part
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            reason = error.with_traceback(None)
        axis = int(low.shape[1] > low.shape[0])
        half = low.shape[axis] // 2
        if half < self._smallest:
            raise _too_little(low.shape[axis]) from reason
        shares = half / low.shape[axis], 1 - half / low.shape[axis]
        parts = zip(np.split(low, [half], axis), np.split(high, [half], axis), strict=True)
        first, second = (self.pooled(*part) for part in parts)
        mean: Tensor = shares[0] * first + shares[1] * second
        return mean

    @property
    def _smallest(self) -> int:
        return 2 * self.network.config.size_multiple

    def _halve(self, side: int, reason: BaseException) -> None:
        multiple = self.network.config.size_multiple
        half = side // 2 // multiple * multiple
        if half < self._smallest:
            raise _too_little(side) from reason
        self.side = half
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _in_tiles(self, low: Image, high: Image) -> Image:
        """Send a tile through the network, cut into smaller ones if it is too large by now."""
        multiple = self.network.config.size_multiple
        overlap = min(self.overlap, self.side // 2 // multiple * multiple)
        plan = TilePlan(low.shape[0], low.shape[1], self.side, overlap, multiple)
        if len(plan) == 1:
            return self._network(low, high)

        def compute(window: Window) -> Image:
            return self._network(low[window], high[window])

        residual = np.empty_like(low)
        for rows in blended(plan, low.shape[2], compute):
            residual[rows.start : rows.stop] = rows.image
        return residual

    def _network(self, low: Image, high: Image) -> Image:
        target, guide = as_tensor(low, self.device), as_tensor(high, self.device)
        image = self.network(target, guide, self.text, self.ratio, self.prompt).image
        residual: Image = (image - target)[0].permute(1, 2, 0).float().cpu().numpy()
        return residual


def as_tensor(image: Image, device: torch.device) -> Float[Tensor, "1 c h w"]:
    """Return an image as a batch of one on a device."""
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].to(device)


def _too_little(side: int) -> LimitError:
    return LimitError(
        f"memory does not suffice even for tiles of {side} x {side} pixels: close other programs, "
        "use a smaller model (--model), or the CPU (--device cpu)"
    )
