"""Aligning a guide to its target before the network sees them.

A real panchromatic band is often off by one or two of its pixels (every Landsat-7 pair of the
project's data by exactly (-1, -1)), which costs a classical method 1 to 2.4 dB.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from gisr.data.degradations import mtf_reduced
from gisr.data.pair import Pair
from gisr.data.resample import shift
from gisr.estimation.cell_shifts import agreed_shift, is_sure, parts_apart
from gisr.estimation.masks import moved_mask
from gisr.estimation.pair_cells import AGREEMENT, CELL, CellVotes, look
from gisr.notes import Note, NoteLevel
from gisr.tasks import Task, find_task
from gisr.threads import in_order

Align = Literal["auto", "off"]
"""``auto`` estimates the shift of a panchromatic guide and undoes it; ``off`` trusts the grids."""
ShiftFound = Literal["shifted", "aligned", "unclear", "too far"]
"""``aligned``: they lie on each other; ``unclear``: nothing can be seen; ``too far`` to be real."""

LARGEST_SHIFT = 8.0
"""Largest misregistration taken for real, in guide pixels. Known pairs are off by 1 to 2."""
SMALLEST_SHIFT = 0.1
"""Guide pixels below which a shift is none: finer than pairs determine it, and than it matters."""
_SMALLEST_OF_BANDS = 0.4
"""The same of bands of one sensor, which its producer registers to a fraction of a pixel: of 32
real scenes that lie on each other the estimate was up to 0.3."""
SMALLEST_CORRELATION = 0.5
"""Correlation of texture that the cells must have in the median: unrelated images have a best
shift, too."""
_UNLIKE = 0.35
"""Below this correlation of texture the two may show different places."""
_HELPED = 0.6
"""Share of all cells that must correlate better shifted."""
_LEAST_GAIN = 0.0005
"""Rise of the correlation below which a shift is not worth it."""
_CHANCE = 3.0
"""Target pixels, over the side of what is compared, by which chance may shift an image that is
smaller than a cell: a cell has one vote, with which nothing can disagree."""


@dataclass(frozen=True)
class Alignment:
    """What was found about the registration of a pair."""

    offset: tuple[float, float]
    """(dy, dx) in guide pixels: ``aligned[y, x] = guide[y + dy, x + dx]``."""
    applied: bool
    """False where no shift could be seen, or it was too large to be accepted."""
    note: str
    """One sentence for the user."""
    before: float = 0.0
    """Correlation of the texture of guide and target as they come, in the median of cells."""
    after: float = 0.0
    """That with the guide shifted."""
    level: NoteLevel = "note"
    """What the sentence is."""
    found: ShiftFound = "unclear"
    """What the cells say; what is ``too far`` is in ``offset``, though not undone."""
    votes: tuple[int, float] = (0, 0.0)
    """Cells with a vote, and the part of them that agree on a shift (or on none)."""
    apart: str | None = None
    """In words, that many cells are off by something else, which one shift cannot undo."""

    @property
    def as_note(self) -> Note:
        """The sentence with its weight."""
        return Note(self.note, self.level)


def align_guide(pair: Pair) -> tuple[Pair, Alignment]:
    """Estimate the shift of a satellite guide, panchromatic or of bands, and undo it.

    Other tasks are left as they are: MR contrasts and colour images come registered, and their
    contrast is too unlike the target's for this estimate.

    Returns:
        The pair with its guide shifted, and what was found.
    """
    found = find_alignment([pair])
    if not found.applied:
        return pair, found
    known = pair.guide_valid
    valid = None if known is None else moved_mask(known, found.offset)
    return replace(pair, guide=shift(pair.filled_guide, found.offset), guide_valid=valid), found


def find_alignment(parts: Sequence[Pair], at_once: int = 1) -> Alignment:
    """Estimate the one shift of a guide from parts of a pair, at least one.

    Every part is cut into cells, each of which votes. The shift that most of them agree on counts,
    and only if most of them resemble the target better with it: a part with clouds or the sea in it
    does no harm, nor do clouds that moved against the ground.

    Args:
        parts: Of one task.
        at_once: Parts that are looked at side by side, in threads.
    """
    if any(find_task(part.task).registration != "correlation" for part in parts):
        note = f"guides of task {parts[0].task} are not aligned"
        return Alignment((0.0, 0.0), False, note, level="detail")
    return _decide(list(in_order(look, parts, at_once)), find_task(parts[0].task))


def _decide(seen: list[CellVotes], task: Task) -> Alignment:
    """Return the shift that the cells of all parts agree on, and whether many of them do not."""
    found = _agreed(seen, task)
    if found.level == "warning" or found.after < SMALLEST_CORRELATION:
        return found
    voting = [each for each in seen if len(each.shifts)]  # the others' cells have no vote
    if not voting:
        return found
    shifts, after, best = (
        np.concatenate([getattr(each, name) for each in voting])
        for name in ("shifts", "after", "best")
    )
    apart = parts_apart(shifts, found.offset, best - after)
    if apart is None:
        return found
    said = {
        "aligned": f"the {task.guide_word} lies on the {task.target_word}, but",
        "unclear": f"no single shift of the {task.guide_word} fits:",
    }.get(found.found, f"{found.note}, but")
    return replace(found, note=f"{said} {apart}", level="warning", apart=apart)


def _agreed(seen: list[CellVotes], task: Task) -> Alignment:
    """Return the shift that the cells of all parts agree on, if there is one."""
    none, guide = (0.0, 0.0), f"the {task.guide_word}"
    unseen = f"no shift of {guide} can be seen"
    if all(each.flat for each in seen):
        note = f"{unseen}: {_named(task, 'or')} has no contrast"
        return Alignment(none, False, note, level="warning")
    shifts = np.concatenate([each.shifts for each in seen])
    before, after = (
        np.concatenate([getattr(each, name) for each in seen]) for name in ("before", "after")
    )
    if not len(shifts) and np.isnan(before).all():
        note = f"{unseen}: too few pixels are known to compare the two"
        return Alignment(none, False, note)
    usual = _median(before)
    offset, share = agreed_shift(shifts)
    believed, votes = _median(after), (len(shifts), round(share, 4))
    if share < AGREEMENT or believed < SMALLEST_CORRELATION:
        likeness = f"correlation of their texture {max(usual, believed):.2f}"
        if max(usual, believed) < _UNLIKE:
            note = (
                f"{unseen}: {_named(task, 'and')} hardly resemble each other ({likeness}): check "
                "that they show the same place, the same way up"
            )
            return Alignment(none, False, note, usual, usual, "warning", "unclear", votes)
        note = f"{unseen} ({likeness})"
        return Alignment(none, False, note, usual, usual, "detail", "unclear", votes)
    if max(map(abs, offset)) > LARGEST_SHIFT:
        note = (
            f"{guide} seems off by {_shown(offset)}: too far to be real, left as it is: check its "
            "georeference"
        )
        return Alignment(offset, False, note, usual, believed, "warning", "too far", votes)
    both = ~np.isnan(before) & ~np.isnan(after)
    helped = float((after > before)[both].mean()) if both.any() else 1.0
    smallest = _SMALLEST_OF_BANDS if task.guide_bands else SMALLEST_SHIFT
    small = max(map(abs, offset)) < smallest or believed - usual < _LEAST_GAIN
    if small or helped < _HELPED or not is_sure(shifts, offset):
        note = f"{_named(task, 'and')} lie on each other (correlation of their texture {usual:.2f})"
        return Alignment(none, False, note, usual, usual, "detail", "aligned", votes)
    if max(map(abs, offset)) < _by_chance(seen):
        compared = round(sum(each.compared for each in seen))
        note = (
            f"{unseen} in {compared} pixels of the {task.target_word}: what correlates best, off "
            f"by {_shown(offset)}, may be chance: left as it is"
        )
        return Alignment(none, False, note, usual, usual, "note", "unclear", votes)
    gain = f"correlation {usual:.3f} to {believed:.3f}"
    note = f"{guide} was off by {_shown(offset)}, corrected ({gain})"
    return Alignment(offset, True, note, usual, believed, "note", "shifted", votes)


def _named(task: Task, joint: str) -> str:
    """Return both images in words, what they share once: ``PAN and MS image``."""
    guide, target = task.guide_word.split(), task.target_word.split()
    first = guide[:1] if guide[1:] == target[1:] else guide
    return " ".join([*first, joint, *target])


def _by_chance(seen: list[CellVotes]) -> float:
    """Return the guide pixels by which images of so few pixels may correlate better by chance."""
    side = float(np.sqrt(sum(each.compared for each in seen)))
    return max(each.ratio for each in seen) * _CHANCE * (1 / max(side, 1.0) - 1 / CELL)


def _median(values: Float[np.ndarray, " cells"]) -> float:
    known = values[~np.isnan(values)]
    return round(float(np.median(known)), 4) if len(known) else 0.0


def _shown(offset: tuple[float, float]) -> str:
    return f"({offset[0]:+.2f}, {offset[1]:+.2f}) pixels (down, right)"


def guide_at_target(
    pair: Pair, guide: Float[np.ndarray, "H W *bands"], gain: float | None = None
) -> Float[np.ndarray, "h w *bands"]:
    """Return a guide at the target's resolution and samples: Gaussian MTF, then decimation.

    Serves any image on the guide's grid.

    Args:
        pair: Has the target's grid and sensor.
        guide: On the guide's grid.
        gain: Response at the target's Nyquist frequency; the sensor's when None.
    """
    gain = pair.mtf_gain if gain is None else gain
    return mtf_reduced(guide, pair.target.shape[:2], pair.placement, gain)
