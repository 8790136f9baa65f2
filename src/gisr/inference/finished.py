"""What becomes of the network's image: unknown pixels filled, and agreement with the target."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.inference.answers import Answer, Settings
from gisr.inference.consistency import correction
from gisr.inference.consistency.kspace_projection import Floor
from gisr.inference.surfaces import bounded_consistent
from gisr.inference.windowed_pair import ArraySource
from gisr.tasks import find_task


def with_spread(
    whole: Float[np.ndarray, "H W n"], pair: Pair, settings: Settings
) -> tuple[Float[np.ndarray, "H W bands"], Float[np.ndarray, "H W bands"] | None]:
    """Return an image, the interpolated target where the network gave none, and its spread.

    Args:
        whole: The image; where a spread is requested as many further bands with it.
        pair: What it was made from.
        settings: Whether a spread is requested.
    """
    bands = pair.target.shape[2]
    image, spread = whole[..., :bands], whole[..., bands:]
    if (unknown := np.isnan(image)).any():
        image = np.where(unknown, pair.on_guide_grid(), image)
    return image, spread if settings.spread else None


def consistent(
    answer: Answer, pair: Pair, source: ArraySource, settings: Settings, floor: Floor | None
) -> Answer:
    """Return an answer that gives its target back when it is degraded, where settings have it so.

    Args:
        answer: As the network gave it.
        pair: What it was made from.
        source: The same as it is cut into windows.
        settings: When results are made consistent.
        floor: What no result of pairs that belong together is below, on k-space grids.
    """
    whole_pair, (pair, source) = pair, source.of_measured()
    if not correction.is_corrected(settings.consistent, pair, source):
        return answer
    found = correction.Consistency()
    image = correction.consistent_image(answer.image, pair, source, found, floor)
    if find_task(pair.task).surfaces:
        image = bounded_consistent(image, whole_pair, source, found)
    return replace(answer, image=image, consistency=found)


__all__ = ["consistent", "with_spread"]
