"""BIDS data sets: which image is sharpened with which, and what is said of each result.

Within a session the coarser image is the target and a finer one of another contrast its guide. That
is seen in the headers; entities of the names decide between several guides.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from gisr.errors import GisrError, InputError
from gisr.estimation.volume_registration import VolumeAlignment
from gisr.io.bids.dataset import BidsDataset, BidsImage, BidsSession
from gisr.io.bids.derivative import source_addresses
from gisr.io.volumes.nifti import read_nifti_header
from gisr.io.volumes.pair import read_placement
from gisr.notes import Note, detail, warning
from gisr.pipelines.batch import Batch, BatchItem, planned
from gisr.pipelines.folder_pairs import named
from gisr.pipelines.options import Options
from gisr.pipelines.request import FileResult
from gisr.tasks.contrasts import Contrast, guess_contrast
from gisr.version import __version__

DESCRIPTION = "gisr"
"""Label of the entity ``desc`` of results."""

_FINER = 1.1
"""How many times longer the sides of a target's voxels are at least."""
_ORDER: tuple[Contrast, ...] = get_args(Contrast)
_NO_AGENT = ("none", "no", "pre")
"""Labels of ``ce`` that say that no contrast agent was given."""


@dataclass(frozen=True)
class Selection:
    """Which images of a data set count."""

    participants: Sequence[str] | None = None
    """Labels; all when None."""
    sessions: Sequence[str] | None = None
    targets: Sequence[str] = ()
    """Entities and suffixes that every target has, such as ``acq-tse`` and ``T2w``."""
    guides: Sequence[str] = ()
    """Those that every guide has."""


@dataclass(frozen=True)
class BidsPair:
    """An image and its guide."""

    target: BidsImage
    guide: BidsImage
    others: tuple[BidsImage, ...]
    """Guides that the names do not rule out."""


@dataclass(frozen=True, eq=False)
class BidsPlan:
    """What there is to do in a data set."""

    dataset: BidsDataset
    pairs: dict[Path, BidsPair]
    """Pairs by output."""
    batch: Batch


@dataclass(frozen=True)
class _ReadImage:
    """An image with what its header and its name say."""

    image: BidsImage
    contrast: Contrast | None
    longest: float
    """Longest side of a voxel, mm: the slices' distance of a stack of slices."""
    mean: float
    """Geometric mean of the sides."""

    def is_finer_than(self, other: "_ReadImage") -> bool:
        """Return whether voxels are smaller: by their longest sides, or by all if these agree."""
        if max(self.longest, other.longest) >= _FINER * min(self.longest, other.longest):
            return self.longest < other.longest
        return other.mean >= _FINER * self.mean


@dataclass(frozen=True)
class _Found:
    """What was found in a session."""

    pairs: tuple[BidsPair, ...] = ()
    equal: tuple[BidsImage, ...] = ()
    """Images without a guide that have voxels as large as those of another contrast."""
    alone: tuple[BidsImage, ...] = ()
    """Images beside which there is no other contrast."""
    failures: tuple[str, ...] = ()


def plan_bids(
    dataset: BidsDataset,
    output: Path,
    options: Options,
    chosen: Selection,
    *,
    skip_existing: bool = False,
) -> BidsPlan:
    """Find the pairs of a data set from names and headers, and where their results go.

    An image that cannot be read is a failure of its own and does not stop the others.

    Args:
        dataset: The images.
        output: Folder of the derivative.
        options: For all pairs.
        chosen: The images that count.
        skip_existing: Whether pairs with a result are left alone.

    Raises:
        InputError: A participant, session or word of the selection does not occur.
        FileFormatError: A result exists and is to stay.
    """
    sessions = list(dataset.sessions(chosen.participants, chosen.sessions))
    _check_words(sessions, chosen)
    found = [_pairs_of(session, chosen) for session in sessions]
    place = output.resolve()
    pairs = {place / _result_name(pair.target): pair for each in found for pair in each.pairs}
    items = [
        BatchItem(pair.target.path, pair.guide.path, path, _options_of(dataset, pair, options))
        for path, pair in pairs.items()
    ]
    batch = planned(
        items,
        options,
        skip_existing=skip_existing,
        notes=_notes(dataset, sessions, found),
        failures=[failure for each in found for failure in each.failures],
    )
    return BidsPlan(dataset, pairs, batch)


def provenance(
    plan: BidsPlan, result: FileResult, options: Options, weights: dict[str, str]
) -> dict[str, Any]:
    """Return what the sidecar of a result says.

    Args:
        plan: What the result is of.
        result: What was written.
        options: Those of all pairs.
        weights: Name and checksum of the weights.
    """
    pair = plan.pairs[result.path]
    said: dict[str, Any] = {
        "Version": __version__,
        "Weights": weights,
        "Contrast": result.contrast,
        "GuideContrast": result.guide_contrast,
        "Ratio": round(result.ratio, 4),
        "Grid": result.grid,
        "Settings": {"Resolution": options.resolution, "Align": options.align},
    }
    if (found := result.alignment) is not None:
        said["GuideShift"] = {
            "Voxels": [float(each) for each in found.offset],
            **({"Degrees": list(found.turn)} if isinstance(found, VolumeAlignment) else {}),
            "Corrected": found.applied,
        }
    said["Notes"] = [note.text for note in result.notes]
    # Not seen in the image: images as they were taken are not, unless their sidecar says so.
    stripped = plan.dataset.metadata(pair.target).get("SkullStripped") is True
    return {
        "Description": f"{pair.target} sharpened with {pair.guide} by gisr",
        "Sources": source_addresses(plan.dataset, [pair.target, pair.guide]),
        "SkullStripped": stripped,
        "Gisr": said,
    }


def _pairs_of(session: BidsSession, chosen: Selection) -> _Found:
    """Pair the images of a session."""
    seen, failures = list[_ReadImage](), list[str]()
    for image in session.images:
        try:
            header = read_nifti_header(image.path)
        except GisrError as error:
            failures.append(f"failed: {' '.join(str(error).split())}")
            continue
        sides = header.zooms
        seen.append(_ReadImage(image, _contrast(image), max(sides), math.prod(sides) ** (1 / 3)))
    pairs, left = list[BidsPair](), list[_ReadImage]()
    for each in seen:
        if not all(each.image.name.has(word) for word in chosen.targets):
            continue
        pair = _pair(each, seen, chosen)
        if pair is None:
            left.append(each)
        else:
            pairs.append(pair)
    used = {pair.guide.path for pair in pairs}
    unused = [each for each in left if each.image.path not in used]
    equal = tuple(each.image for each in unused if _has_equal(each, seen))
    alone = tuple(each.image for each in unused if not _others(each, seen))
    return _Found(tuple(pairs), equal, alone, tuple(failures))


def _pair(target: _ReadImage, seen: Sequence[_ReadImage], chosen: Selection) -> BidsPair | None:
    """Return a target with its guide: names that agree go first, then finer voxels."""
    guides = [
        each
        for each in _others(target, seen)
        if each.is_finer_than(target) and all(each.image.name.has(word) for word in chosen.guides)
    ]
    if not guides:
        return None
    fewest = min(_disagreements(target, each) for each in guides)
    fitting = [each for each in guides if _disagreements(target, each) == fewest]
    best, *others = (each.image for each in sorted(fitting, key=_preference))
    return BidsPair(target.image, best, tuple(others))


def _preference(guide: _ReadImage) -> tuple[float, float, int, str]:
    """Return what a guide is sorted by: its voxels, then its contrast, T1 first, then its name."""
    order = len(_ORDER) if guide.contrast is None else _ORDER.index(guide.contrast)
    return round(guide.longest, 3), round(guide.mean, 3), order, str(guide.image)


def _others(target: _ReadImage, seen: Sequence[_ReadImage]) -> list[_ReadImage]:
    return [each for each in seen if each.contrast != target.contrast]


def _has_equal(target: _ReadImage, seen: Sequence[_ReadImage]) -> bool:
    return any(
        not each.is_finer_than(target) and not target.is_finer_than(each)
        for each in _others(target, seen)
    )


def _disagreements(first: _ReadImage, second: _ReadImage) -> int:
    """Return how many entities (``acq``, ``ce``, ``run``, ...) differ, or are in one name alone."""
    names = first.image.name.entities, second.image.name.entities
    return sum(names[0].get(key) != names[1].get(key) for key in {*names[0], *names[1]})


def _contrast(image: BidsImage) -> Contrast | None:
    """Return the contrast that suffix and agent say; what else the name says does not count."""
    found = guess_contrast(image.name.suffix)
    given = image.name.entities.get("ce", _NO_AGENT[0]).lower() not in _NO_AGENT
    return "T1ce" if found == "T1" and given else found


def _options_of(dataset: BidsDataset, pair: BidsPair, options: Options) -> Options:
    """Return the options of a pair: its contrasts, and a thickness from files further up."""
    return replace(
        options,
        contrast=_contrast(pair.target),
        guide_contrast=_contrast(pair.guide),
        thickness=options.thickness or _thickness(dataset, pair),
    )


def _thickness(dataset: BidsDataset, pair: BidsPair) -> float | None:
    """Return what metadata say of the thickness of slices; None where it would be ignored."""
    stated = dataset.metadata(pair.target).get("SliceThickness")
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not stated > 0:
        return None
    try:
        counts = read_placement(pair.target.path, pair.guide.path).through_slices
    except GisrError:
        return None  # it fails when it is sharpened, with this error
    return float(stated) if counts and math.isfinite(stated) else None


def _result_name(image: BidsImage) -> str:
    """Return the path of a result within the derivative."""
    entities = image.name.entities
    folders = [f"{key}-{entities[key]}" for key in ("sub", "ses") if key in entities]
    return "/".join([*folders, "anat", str(image.name.derived(DESCRIPTION))])


def _check_words(sessions: Sequence[BidsSession], chosen: Selection) -> None:
    """Refuse words of the selection that no image has.

    Raises:
        InputError: There is one.
    """
    images = [image for session in sessions for image in session.images]
    for option, words in (("target", chosen.targets), ("guide", chosen.guides)):
        for word in words:
            if images and not any(image.name.has(word) for image in images):
                raise InputError(
                    f"{option} {word}: no image has it: give a suffix such as T2w, or an entity "
                    "such as acq-tse"
                )


def _notes(
    dataset: BidsDataset, sessions: Sequence[BidsSession], found: Sequence[_Found]
) -> list[Note]:
    """Return what was decided for the user, and which images are left out."""
    notes = list[Note]()
    if dataset.description is None:
        notes.append(
            warning(
                f"{dataset.root.name} has no dataset_description.json that can be read: it is "
                "taken as a BIDS data set all the same; check it with the BIDS validator"
            )
        )
    if not any(each.pairs or each.failures for each in found):
        notes.append(warning("no image has a finer one of another contrast: nothing is sharpened"))
    undecided = [pair for each in found for pair in each.pairs if pair.others]
    if undecided:
        notes.append(
            Note(
                f"{named(pair.target.path for pair in undecided)}: several guides fit by their "
                "names: the finest is taken, of equal ones T1 before others, then the first by "
                "name; --guides chooses (run-1, T1w)"
            )
        )
    equal = [image.path for each in found for image in each.equal]
    alone = [image.path for each in found for image in each.alone]
    stray = [path for session in sessions for path in session.stray]
    for paths, why in (
        (equal, "left out, with voxels as large as those of the other contrast"),
        (alone, "left out, without an image of another contrast in the same session"),
        (stray, "left out, not called sub-LABEL/anat/sub-LABEL_..._T2w.nii.gz"),
    ):
        if paths:
            notes.append(warning(f"{_count(paths)} {why}: {named(paths)}"))
    kinds = [path for session in sessions for path in session.left_out]
    if kinds:
        notes.append(Note(f"{_count(kinds)} of another kind left out: {named(kinds)}"))
    return [*notes, *(_choice(pair) for each in found for pair in each.pairs)]


def _choice(pair: BidsPair) -> Note:
    others = f" (or {', '.join(map(str, pair.others))})" if pair.others else ""
    return detail(f"{pair.target}: guided by {pair.guide}{others}")


def _count(paths: Sequence[Path]) -> str:
    return f"{len(paths)} image{'s' * (len(paths) != 1)}"


__all__ = ["BidsPair", "BidsPlan", "Selection", "plan_bids", "provenance"]
