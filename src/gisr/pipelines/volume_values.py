"""What values of MR volumes stand for that are no image of a contrast: labels, phases, air."""

import numpy as np
from jaxtyping import Float32

from gisr.array_types import Voxels
from gisr.io.volumes.header import Volume
from gisr.io.volumes.pair import VolumePair
from gisr.notes import Note, warning
from gisr.pipelines.request import Request

_MOST_LABELS = 8
"""Whole numbers up to which a volume with no other values is taken for a mask or labels."""
_SAMPLED = 100_000
"""Voxels that are looked at first: volumes have many more values than that many labels."""
_MOST_AREAS = 1024
"""Whole numbers up to which a volume can be a segmentation or an atlas."""
_IN_AREAS = 0.6
"""Share of neighbours of one value, 0 aside, from which whole numbers are labels: images of 8 bits
have up to 0.25, of 5 bits up to 0.55, atlases 0.7 and more."""
_LABEL_INTENTS = (1002, 1005)
"""Intent codes of labels and of names of neuroanatomy."""
_TURNS = (2 * np.pi, 360.0, 4096.0, 8192.0)
"""A whole turn in radians, degrees, and what scanners store."""
_TURN_TOLERANCE = 0.005
_JUMP, _JUMPING = 0.8, 1e-3
"""Share of a turn that neighbours differ by where a phase wraps, and share of neighbours that do.
In 42 volumes of heads at most one pair in 15,000 differs by as much of its range."""
_AS_PHASES = (
    "holds what looks like phases, which jump where they wrap: give magnitudes, or real and "
    "imaginary parts one by one"
)
_COMMON = 0.01
"""Share of a volume from which its most frequent value is that of air or of a background."""
_RINGING = 0.1
"""Share of the highest value down to which values below 0 are ringing about an air of 0."""


def value_beside(voxels: Voxels) -> float:
    """Return what stands for air beside a volume: 0, unless values below 0 say otherwise.

    In a standardised volume, or one in Hounsfield units, 0 is tissue. There it is the value that
    most voxels have, and without one the lowest, unless that is no more than ringing.

    Args:
        voxels: What is not finite is unknown; at least one is.
    """
    known = voxels[np.isfinite(voxels)]
    if known.min() >= 0:
        return 0.0
    values, counts = np.unique(known, return_counts=True)
    common = counts.argmax()
    if counts[common] > _COMMON * known.size:
        return float(values[common])
    return 0.0 if values[0] >= -_RINGING * values[-1] else float(values[0])


def few_values(volume: Volume) -> tuple[int, ...]:
    """Return the values of a volume that holds few whole numbers alone; nothing of any other."""
    known, found = _known_values(volume)
    if not 0 < found.size <= _MOST_LABELS or (found != np.rint(found)).any():
        return ()
    return tuple(int(value) for value in found) if np.isin(known, found).all() else ()


def value_notes(request: Request[VolumePair], values: tuple[int, ...]) -> list[Note]:
    """Return what to say of a target or guide whose values are not those of a contrast.

    A constant guide is told as a doubt.

    Args:
        request: With both volumes.
        values: From :func:`few_values`, of the target.
    """
    notes = []
    target, guide = request.files.target, request.files.guide
    if len(values) == 1:
        text = "there is nothing to sharpen, check that it is the right file"
        if target.count > 1:
            text = (
                "the shift of the guide and how the target was reduced are estimated from that "
                "volume, take it out of the series (nibabel: image.slicer)"
            )
        notes.append(warning(f"{_name(target)} holds the one value {values[0]}: {text}"))
    elif words := _as_labels(target, values):
        text = (
            "the result has values between and beyond them; enlarge labels by nearest neighbours "
            "(nibabel.processing.resample_from_to, order=0)"
        )
        notes.append(warning(f"{_name(target)} {words}: {text}"))
    elif _wraps(target):
        notes.append(warning(f"{_name(target)} {_AS_PHASES}"))
    values = few_values(guide)
    if len(values) != 1 and (words := _as_labels(guide, values)):
        text = "it gives outlines alone, choose an image as the guide"
        notes.append(warning(f"{_name(guide)} {words}: {text}"))
    elif len(values) != 1 and _wraps(guide):
        notes.append(warning(f"{_name(guide)} {_AS_PHASES}"))
    return notes


def _name(volume: Volume) -> str:
    """Return what a message calls a volume: of a series the first alone was looked at."""
    first = "the first volume of " if volume.count > 1 else ""
    return f"{first}{volume.path.name}"


def _as_labels(volume: Volume, values: tuple[int, ...]) -> str | None:
    """Return by what a volume is taken for labels, as a part of a sentence; None for an image.

    Args:
        volume: Whose first volume counts.
        values: From :func:`few_values`.
    """
    if values:
        return f"holds only {_listed(values)}, like a mask or labels"
    intent = int(volume.header["intent_code"])
    if intent in _LABEL_INTENTS:
        return f"holds labels, as its header says (intent code {intent})"
    voxels = volume.voxels
    _, found = _known_values(volume)
    if not 0 < found.size <= _MOST_AREAS or (found != np.rint(found)).any():
        return None
    pairs = equal = 0
    for axis in range(3):
        first, second = (np.moveaxis(voxels, axis, 0)[part] for part in (np.s_[1:], np.s_[:-1]))
        both = (first != 0) & (second != 0)
        pairs, equal = pairs + int(both.sum()), equal + int((first == second)[both].sum())
    if equal <= _IN_AREAS * pairs:
        return None
    return f"holds {found.size} whole numbers, each in areas of its own, like labels"


def _listed(values: tuple[int, ...]) -> str:
    return f"{', '.join(map(str, values[:-1]))} and {values[-1]}"


def _known_values(
    volume: Volume,
) -> tuple[Float32[np.ndarray, " n"], Float32[np.ndarray, " values"]]:
    """Return the voxels that are known, and the different values of a sample of them."""
    known = volume.voxels[np.isfinite(volume.voxels)]
    return known, np.unique(known[:: max(1, known.size // _SAMPLED)])


def _wraps(volume: Volume) -> bool:
    """Whether values span a whole turn, and neighbours lie on both sides of where it closes."""
    known = volume.voxels[np.isfinite(volume.voxels)]
    turn = float(np.ptp(known)) if known.size else 0.0
    if not any(abs(turn - whole) < _TURN_TOLERANCE * whole for whole in _TURNS):
        return False
    steps = [np.abs(np.diff(_unmasked(volume.voxels), axis=axis)) for axis in range(2)]
    jumps = sum(int((step > _JUMP * turn).sum()) for step in steps)
    return jumps > _JUMPING * sum(step.size for step in steps)


def _unmasked(voxels: Voxels) -> Voxels:
    """Return a volume with NaN for its lowest value where many voxels have it.

    A head without its skull falls from bright tissue to such a value at its rim.
    """
    lowest = voxels == np.nanmin(voxels)
    common = np.count_nonzero(lowest) > _COMMON * voxels.size
    return np.where(lowest, np.float32(np.nan), voxels) if common else voxels
