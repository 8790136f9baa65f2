"""What pairs that belong together share, such as the slices of a volume, and their answers."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
from jaxtyping import Float

from gisr.data.pair import Pair
from gisr.inference.side_by_side import side_by_side
from gisr.inference.survey import Survey
from gisr.inference.tile_runner import Prompt, PromptPart, TileJob
from gisr.inference.tiling import TilePlan
from gisr.inference.windowed_pair import ArraySource
from gisr.windows import Window

PROMPT_CELL = 256
"""Side of the parts over which the prompt's feature is averaged."""


def with_survey(pairs: Sequence[Pair], survey: Survey) -> list[ArraySource]:
    """Return what cuts each of some pairs, by one value range for all of them."""
    sources = [ArraySource(pair) for pair in pairs]
    for source in sources:
        source.survey = survey
    return sources


def shared_prompt(
    jobs: Sequence[TileJob], sources: Sequence[ArraySource], at_once: int
) -> Prompt | None:
    """Return P_mm of all pairs: the mean over their known pixels; None for a network without MPGM.

    Eq. (5) takes a mean over the pixels of an image; these are taken as one image.

    Args:
        jobs: One a pair; the first gets the prompt.
        sources: The pairs.
        at_once: Pairs at work side by side.

    Raises:
        LimitError: Memory does not suffice even for small parts.
    """

    def parts(work: tuple[TileJob, ArraySource]) -> list[PromptPart]:
        job, source = work
        return list(job.prompt_parts(source, prompt_cells(source.shape)))

    if jobs[0].network.prompt_generator is not None:
        works = zip(jobs, sources, strict=True)
        jobs[0].take_prompt(chain.from_iterable(side_by_side(parts, works, at_once)))
    return jobs[0].prompt


def prompt_cells(shape: tuple[int, int]) -> Iterator[Window]:
    """Yield the windows whose features are averaged for the prompt.

    They do not depend on the tiles, so neither does the prompt.
    """
    return TilePlan(*shape, PROMPT_CELL, 0, PROMPT_CELL).windows()


def whole_images(
    job: TileJob, sources: Sequence[ArraySource]
) -> Iterator[Float[np.ndarray, "H W bands"]]:
    """Yield pairs of one size, each in one piece, sharpened.

    Args:
        job: Of the first, with their prompt; as many go through the network at once as it says.
        sources: The pairs.

    Raises:
        InputError: The network gave values that are not finite.
        LimitError: Memory does not suffice even for the smallest tiles.
    """
    windows = ((slice(0, each.shape[0]), slice(0, each.shape[1])) for each in sources)
    works = map(job.prepared, sources, windows)
    return job.sharpened([work for work in works if work is not None])  # a pair has known pixels
