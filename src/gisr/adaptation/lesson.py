"""Lessons: pairs with a truth that a scene or a volume gives of itself, by being reduced again.

The target as it is becomes the truth, the guide is brought to the target's grid, and the target is
reduced once more by its own ratio, in the way it was reduced itself (Wald's protocol).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.tasks import Task

LEAST_SIDE = 32
"""Truth pixels: a smaller lesson teaches nothing."""
_WHOLE = 10
"""From so many lessons on, whole ones are kept back; of fewer, blocks of each."""
_BLOCKS, _LARGEST_BLOCK = 5, 32
"""Blocks along the shorter side of a lesson, and the largest side of one in truth pixels."""
_MARGIN = 2
"""Coarse pixels around a block that is kept back in which nothing is learnt."""


class NoLessonsError(InputError):
    """A scene or volume cannot be its own truth: it is too small, or not blurred as it should."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A pair with a truth, part of which is kept back."""

    pair: Pair
    learnt: Bool[np.ndarray, "H W"]
    """Truth pixels that are learnt from."""
    kept: Bool[np.ndarray, "H W"]
    """Truth pixels that are kept back to judge what was learnt: known, and in no loss."""

    @property
    def truth(self) -> Float[np.ndarray, "H W bands"]:
        """The truth of the pair."""
        assert self.pair.truth is not None  # no lesson without one
        return self.pair.truth


def check_adaptable(task: Task) -> None:
    """Refuse tasks whose images cannot be reduced as they were.

    Raises:
        InputError: It is not known how targets of the task came about, or what was learnt of them
            does not hold at full resolution.
    """
    if task.grid == "kspace":
        raise InputError(
            f"adapt: what is learnt of slices of an {task.subject} that are coarse in their plane "
            "does not hold in finer ones: give thick slices as files (gisr upscale --adapt)"
        )
    if task.reduction != "sensor":
        raise InputError(
            f"adapt: a {task.subject} cannot be its own truth, since nothing tells how its sensor "
            "made it coarse: leave adapt out"
        )


def lessons_of(pairs: Sequence[Pair], *, neighbours: bool) -> list[Lesson]:
    """Keep back a part of pairs that have a truth: about a fifth.

    Of many pairs whole ones are kept back, two of ten; of few every fifth block, in the steps of a
    chess knight, so that every row and column of blocks has some.

    Args:
        pairs: Of one scene or volume, in their order.
        neighbours: Whether pairs that follow each other are much alike, as slices are: those beside
            the ones that are kept back are then left out.

    Raises:
        NoLessonsError: They are too small, or too little of them is known.
    """
    known = [_known(pair) for pair in pairs]
    lessons = []
    for index, (pair, mask) in enumerate(zip(pairs, known, strict=True)):
        if len(pairs) < _WHOLE:
            kept, near = _blocks(pair)
            lessons.append(Lesson(pair, mask & ~near, mask & kept))
            continue
        place, nothing = index % 10, np.zeros_like(mask)
        if place in (4, 5):
            lessons.append(Lesson(pair, nothing, mask))
        elif not (neighbours and place in (3, 6)):
            lessons.append(Lesson(pair, mask, nothing))
    _check_size(lessons)
    return lessons


def _known(pair: Pair) -> Bool[np.ndarray, "H W"]:
    assert pair.truth is not None  # lessons have one
    return np.ones(pair.truth.shape[:2], bool) if pair.truth_valid is None else pair.truth_valid


def _blocks(pair: Pair) -> tuple[Bool[np.ndarray, "H W"], Bool[np.ndarray, "H W"]]:
    """Return the blocks of a pair that are kept back, and the same with their margins."""
    shape = pair.guide.shape[:2]
    side = max(1, min(_LARGEST_BLOCK, min(shape) // _BLOCKS))
    margin = [int(np.ceil(_MARGIN * ratio)) for ratio in pair.placement.ratios]
    kept, near = np.zeros(shape, bool), np.zeros(shape, bool)
    for row in range(-(-shape[0] // side)):
        for column in range(-(-shape[1] // side)):
            if (row + 2 * column) % 5 != 2:
                continue
            top, left = row * side, column * side
            kept[top : top + side, left : left + side] = True
            near[
                max(0, top - margin[0]) : top + side + margin[0],
                max(0, left - margin[1]) : left + side + margin[1],
            ] = True
    return kept, near


def _check_size(lessons: Sequence[Lesson]) -> None:
    learnt = sum(int(each.learnt.sum()) for each in lessons)
    kept = sum(int(each.kept.sum()) for each in lessons)
    least = LEAST_SIDE**2 // 4
    if learnt < least or kept < least // 4:
        raise NoLessonsError(
            f"too little of the images is known once they are reduced again ({learnt} pixels to "
            f"learn from and {kept} to judge by; {least} and {least // 4} are needed)"
        )
