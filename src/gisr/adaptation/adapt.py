"""Adapting a network to a scene or volume: taught by what that tells of itself, used if better."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gisr.adaptation.cache import CachedScores, cache_key, read_cached, write_cached
from gisr.adaptation.lesson import Lesson, check_adaptable
from gisr.adaptation.reduced_scene import scene_lessons
from gisr.adaptation.settings import AdaptSettings
from gisr.adaptation.tuning import tuned
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.answers import Check, Progress, Settings, unchecked
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource, PairSource
from gisr.magnet import MAGNet
from gisr.notes import Note
from gisr.tasks import TaskName, find_task
from gisr.weights.store import Weights

_SCORED_AGAIN = 1.2
"""Time set aside for scoring the adapted network, in that which the first scoring took."""


@dataclass(frozen=True, eq=False)
class Adaptation:
    """What adapting a network to a scene or volume brought."""

    upscaler: Upscaler
    """What is to be used: adapted, or as it came where that was no better."""
    used: bool
    """Whether it is the adapted one."""
    before: float
    """Root mean square error on the parts that were kept back, in the target's unit, of the network
    as it came; of the same pixels it decides as PSNR does."""
    after: float
    """That of the adapted network; infinite where the steps diverged."""
    steps: int
    """Steps that were taken."""
    seconds: float
    """Wall time of all of it; of what came from a cache, what it took then."""
    cached: bool = False
    """Whether it came from a cache."""

    @property
    def gain(self) -> float:
        """What it brought on the parts that were kept back, in dB of PSNR; below 0 where worse."""
        if self.before == self.after:
            return 0.0
        return 20 * math.log10(self.before / self.after) if self.after > 0 else math.inf

    @property
    def note(self) -> Note:
        """One line for the user."""
        took = f"{self.steps} steps, {self.seconds / 60:.1f} min"
        took += ", kept from an earlier run" if self.cached else ""
        if self.used:
            return Note(
                f"the network was adapted to these images ({took}): on parts kept back PSNR rises "
                f"by {self.gain:.2f} dB (RMSE {self.before:.4g} to {self.after:.4g})"
            )
        if not self.steps:
            return Note(
                f"there was no time for a single step of adapting ({took}): the weights are used "
                "as they are; give adapt-minutes more"
            )
        lost = f"from {self.before:.4g} to {self.after:.4g}"
        lost = lost if math.isfinite(self.after) else f"{self.before:.4g} before, diverged"
        return Note(
            f"adapting the network to these images ({took}) was no gain on parts kept back (RMSE "
            f"{lost}): the weights are used as they are"
        )


def adapt(
    upscaler: Upscaler,
    pair: PairSource | Pair,
    settings: AdaptSettings = AdaptSettings(),
    how: Settings = Settings(),
    *,
    cache: str | Path | None = None,
    check: Check = unchecked,
    progress: Progress | None = None,
) -> Adaptation:
    """Adapt a network to a scene, which is reduced once more so that it is its own truth.

    By its own ratio, in the way its target was reduced; a truth that a pair has is not looked at.

    Args:
        upscaler: Network and descriptions; it stays as it is.
        pair: A scene that is read by windows, its guide aligned; or a pair in memory, aligned here
            unless ``how`` says otherwise.
        settings: How long, and by what steps.
        how: How the pairs will be sharpened: what is kept back is judged so.
        cache: Folder that keeps adapted weights, by the content of weights, images and settings.
        check: Called before every step and every answer of a network; what it raises ends the run.
        progress: Called with seconds done and in all, or steps where no minutes bound them.

    Raises:
        InputError: The task's images cannot be their own truth (depth, MR slices).
        NoLessonsError: The scene is too small, too little of it is known, its target is less sharp
            than its sensor makes it, or its guide is more than 3 times finer.
        WeightsError: What a cache holds is damaged.
        FileFormatError: The cache cannot be written.
    """
    lessons = _lessons(pair, how)
    return learn(upscaler, lessons, settings, how, cache=cache, check=check, progress=progress)


def learn(
    upscaler: Upscaler,
    lessons: Sequence[Lesson],
    settings: AdaptSettings = AdaptSettings(),
    how: Settings = Settings(),
    *,
    cache: str | Path | None = None,
    check: Check = unchecked,
    progress: Progress | None = None,
) -> Adaptation:
    """Adapt a network to lessons, which all are of one scene or volume; else as :func:`adapt`."""
    began = time.monotonic()
    upscaler = _of_task(upscaler, lessons[0].pair.task)
    how = replace(how, align="off", spread=False)
    place = None if cache is None else Path(cache) / cache_key(upscaler, lessons, settings, how)
    if place is not None and (kept := read_cached(place)) is not None:
        return _from_cache(upscaler, place, *kept)
    before = error_of(upscaler, lessons, how, check)
    deadline = None
    if settings.minutes is not None:
        scoring = _SCORED_AGAIN * (time.monotonic() - began)
        deadline = began + 60 * settings.minutes - scoring
    found = tuned(upscaler, lessons, settings, how, deadline, check, progress)
    name = f"{upscaler.name}, adapted"
    adapted = _with_network(upscaler, found.network, name, upscaler.trained_on)
    after = math.inf if found.diverged else _error_or_inf(adapted, lessons, how, check)
    result = Adaptation(
        adapted if after < before else upscaler,
        after < before,
        before,
        after,
        found.steps,
        time.monotonic() - began,
    )
    if place is not None:
        scores = CachedScores(before, after, result.steps, result.seconds)
        write_cached(place, result.upscaler if result.used else None, scores, lessons[0].pair)
    return result


def error_of(
    upscaler: Upscaler, lessons: Sequence[Lesson], how: Settings, check: Check = unchecked
) -> float:
    """Return the root mean square error on what lessons keep back, in the target's unit.

    The network answers as it will answer for the scene: one value range and one prompt for all, and
    made consistent where that is how results are made.
    """
    shared = upscaler.share([each.pair for each in lessons], how, check)
    squares, count = 0.0, 0
    for lesson in lessons:
        if not lesson.kept.any():
            continue
        blind = replace(lesson.pair, truth=None, truth_valid=None)
        image = upscaler.answer(blind, how, shared=shared, check=check).image
        wrong = (image - lesson.truth)[lesson.kept]
        squares += float(np.square(wrong, dtype=np.float64).sum())
        count += wrong.size
    return math.sqrt(squares / count)


def _of_task(upscaler: Upscaler, task: TaskName) -> Upscaler:
    """Return what answers for a task: of the weights for bands where bands guide."""
    network = upscaler.network_for(task)
    if network is upscaler.network:
        return upscaler
    return _with_network(upscaler, network, upscaler.for_bands or upscaler.name, (task,))


def _lessons(pair: PairSource | Pair, how: Settings) -> list[Lesson]:
    if isinstance(pair, PairSource):
        check_adaptable(find_task(pair.about.task))
        return scene_lessons(pair)
    check_adaptable(find_task(pair.task))
    source = ArraySource(pair)
    if how.align == "auto":
        source.align()
    return scene_lessons(source)


def _error_or_inf(
    upscaler: Upscaler, lessons: Sequence[Lesson], how: Settings, check: Check
) -> float:
    """Return the error; infinite where the answers are not finite."""
    try:
        return error_of(upscaler, lessons, how, check)
    except InputError:  # the same lessons were scored before: it is the network's answer
        return math.inf


def _with_network(
    upscaler: Upscaler, network: MAGNet, name: str, tasks: tuple[TaskName, ...] | None
) -> Upscaler:
    """Return an upscaler that differs from another in its network alone, trained on these tasks."""
    return Upscaler(
        Weights(name, network, upscaler.descriptions, tasks=tasks),
        upscaler.device,
        tile=upscaler.tile,
        overlap=upscaler.overlap,
        precision=upscaler.precision,
        batch=upscaler.batch,
    )


def _from_cache(
    upscaler: Upscaler, place: Path, scores: CachedScores, weights: Weights | None
) -> Adaptation:
    adapted = upscaler
    if weights is not None:
        adapted = _with_network(upscaler, weights.network, weights.name, weights.tasks)
    used = weights is not None
    return Adaptation(
        adapted, used, scores.before, scores.after, scores.steps, scores.seconds, cached=True
    )
