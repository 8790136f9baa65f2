"""One prompt for pairs that belong together, such as the slices of a volume."""

from collections.abc import Iterator, Sequence
from itertools import chain

from gisr.inference.side_by_side import side_by_side
from gisr.inference.tile_runner import Prompt, PromptPart, TileJob
from gisr.inference.tiling import TilePlan
from gisr.inference.windowed_pair import ArraySource
from gisr.windows import Window

PROMPT_CELL = 256
"""Side of the parts over which the prompt's feature is averaged."""


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
