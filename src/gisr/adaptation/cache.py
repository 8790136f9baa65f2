"""Adapted weights that are kept, by the content of what they were adapted from and to."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from gisr.adaptation.lesson import Lesson
from gisr.adaptation.settings import AdaptSettings
from gisr.data.pair import Pair
from gisr.errors import WeightsError
from gisr.inference.answers import Settings
from gisr.inference.upscaler import Upscaler
from gisr.tasks import find_task
from gisr.weights.folder import CONFIG_FILE
from gisr.weights.store import Weights, load_weights, save_weights, write_files

SCORES_FILE = "adaptation.json"
"""What adapting brought, beside the weights; alone where they were no better."""
_FORMAT = "gisr adaptation 1"


@dataclass(frozen=True)
class CachedScores:
    """What adapting brought: see :class:`gisr.adaptation.adapt.Adaptation`."""

    before: float
    after: float
    steps: int
    seconds: float


def cache_key(
    upscaler: Upscaler, lessons: Sequence[Lesson], settings: AdaptSettings, how: Settings
) -> str:
    """Return the name of the folder for an adaptation: equal for equal content, whatever its files.

    It covers every weight, the settings, and the lessons: all that is seen of the images.
    """
    digest = sha256(_FORMAT.encode())
    facts = (asdict(upscaler.network.config), asdict(settings), asdict(how))
    digest.update(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(upscaler.network.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    for lesson in lessons:
        pair = lesson.pair
        known = (pair.task, pair.sensor, pair.mtf, pair.bits, pair.contrast, pair.guide_contrast)
        place = (pair.grid, pair.placement.scale, pair.placement.offset)
        digest.update(repr((known, place, pair.target.shape, pair.guide.shape)).encode())
        for image in (pair.target, pair.guide, lesson.truth, lesson.learnt, lesson.kept):
            digest.update(np.ascontiguousarray(image).tobytes())
    return digest.hexdigest()[:32]


def read_cached(place: Path) -> tuple[CachedScores, Weights | None] | None:
    """Return scores and, where they were better, weights of a folder; None where it is not there.

    Raises:
        WeightsError: It is damaged.
    """
    if not (place / SCORES_FILE).is_file():
        return None
    try:
        content = json.loads((place / SCORES_FILE).read_text("utf-8"))
        if content.pop("format") != _FORMAT:
            raise ValueError("another format")
        used = bool(content.pop("used"))
        content["after"] = math.inf if content["after"] is None else content["after"]
        scores = CachedScores(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{place / SCORES_FILE}: cannot be read ({error}): delete the folder"
        ) from error
    try:
        return scores, load_weights(place) if used else None
    except WeightsError as error:
        raise WeightsError(f"{error}: delete the folder {place}") from error


def write_cached(place: Path, adapted: Upscaler | None, scores: CachedScores, about: Pair) -> None:
    """Keep what adapting brought; the weights as an ordinary folder where they were better.

    Raises:
        FileFormatError: The disk refuses it.
    """
    if adapted is not None:
        save_weights(
            place,
            adapted.network,
            adapted.descriptions,
            name=adapted.name,
            card=_card(adapted, scores, about),
            tasks=adapted.trained_on,
        )
    content = {"format": _FORMAT, "used": adapted is not None, **asdict(scores)}
    content["after"] = scores.after if math.isfinite(scores.after) else None
    # Last: a folder without it is not there yet.
    write_files(place, {SCORES_FILE: (json.dumps(content, indent=1) + "\n").encode()})


def _card(adapted: Upscaler, scores: CachedScores, about: Pair) -> str:
    subject = find_task(about.task).subject
    return (
        f"# {adapted.name}\n\n"
        f"Weights of gisr that were adapted to one {subject}"
        f"{f' ({about.name})' if about.name else ''} by `gisr upscale --adapt`: for that image, "
        "and others taken by the same instrument of the same place, and for nothing else.\n\n"
        f"{scores.steps} steps in {scores.seconds / 60:.1f} minutes. Root mean square error on "
        f"parts of it that were kept back: {scores.before:.5g} before, {scores.after:.5g} after, "
        "at reduced resolution.\n\n"
        f"`gisr upscale --model FOLDER` uses them; {CONFIG_FILE} is that of the weights they came "
        "from.\n"
    )
