"""Adapting a network to a scene: fine-tuned on what the scene tells of itself, used if better."""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from gisr.adaptation.lesson import Lesson, check_adaptable
from gisr.adaptation.patches import PatchBatch, Patches
from gisr.adaptation.reduced_scene import scene_lessons
from gisr.adaptation.settings import AdaptSettings
from gisr.baselines.network import known_mean
from gisr.data.pair import Pair
from gisr.errors import InputError
from gisr.inference.system import Check, Progress, Settings, unchecked
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource, PairSource
from gisr.tasks import find_task
from gisr.weights.store import Weights

_WARM_UP = 0.05


@dataclass(frozen=True, eq=False)
class Adaptation:
    """A network adapted to a scene, and what that brought."""

    upscaler: Upscaler
    """What is to be used: adapted, or as shipped where that was no better."""
    used: bool
    """Whether it is the adapted one."""
    before: float
    """Root mean square error of the shipped network on what was kept back, in target units."""
    after: float
    """The same of the adapted one."""
    steps: int
    seconds: float

    @property
    def gain(self) -> float:
        """What adapting brought on what was kept back, in decibels of PSNR."""
        if self.after <= 0 or self.before <= 0:
            return 0.0
        return 20 * math.log10(self.before / self.after)


def learn(
    upscaler: Upscaler,
    lessons: Sequence[Lesson],
    settings: AdaptSettings,
    how: Settings = Settings(),
    *,
    check: Check = unchecked,
    progress: Progress | None = None,
) -> Adaptation:
    began = time.monotonic()
    how = replace(how, align="off", spread=False)
    before = error_of(upscaler, lessons, how, check)
    scoring = time.monotonic() - began
    deadline = None
    if settings.minutes is not None:
        deadline = began + settings.minutes * 60 - 1.2 * scoring
    network = copy.deepcopy(upscaler.network)
    adapted = Upscaler(
        Weights(upscaler.name, network, upscaler.descriptions),
        upscaler.device,
        tile=upscaler.tile,
        overlap=upscaler.overlap,
    )
    steps = _train(adapted, lessons, settings, how, deadline, check, progress)
    after = error_of(adapted, lessons, how, check)
    used = math.isfinite(after) and after < before
    return Adaptation(
        adapted if used else upscaler, used, before, after, steps, time.monotonic() - began
    )


def _train(adapted, lessons, settings, how, deadline, check, progress) -> int:
    network = adapted.network
    shared = adapted.share([each.pair for each in lessons], how, check)
    patches = Patches.of(adapted, lessons, settings, shared.survey.normalisation)
    rng = np.random.default_rng(settings.seed)
    names = TRAINED
    parameters = [p for n, p in network.named_parameters() if names(n)]
    for p in network.parameters():
        p.requires_grad_(False)
    for p in parameters:
        p.requires_grad_(True)
    optimiser = torch.optim.Adam(parameters, lr=settings.learning_rate, fused=True)
    source = ArraySource(lessons[0].pair)
    job = adapted.job(source, how)
    first, done = time.monotonic(), 0
    prompt = None if shared.prompt is None else shared.prompt.clone()
    while True:
        share = 0.0
        if deadline is not None:
            share = (time.monotonic() - first) / max(1e-3, deadline - first)
        if settings.steps is not None:
            share = max(share, done / settings.steps)
        if share >= 1:
            break
        check()
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * rate(share)
        batch = patches.draw(rng)
        optimiser.zero_grad(set_to_none=True)
        count = len(batch.target)
        answer = network(
            batch.target,
            batch.guide,
            job.text.expand(count, -1),
            job.ratio.expand(count),
            None if prompt is None else prompt.expand(count, -1),
        ).image
        error = (answer - batch.truth) * batch.scale[:, :, None, None]
        loss = LOSS(error, batch.known)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, settings.gradient_norm)
        optimiser.step()
        done += 1
        if progress is not None:
            progress(round(1000 * share), 1000)
    for p in network.parameters():
        p.requires_grad_(True)
    return done


def LOSS(error, known):
    return (known_mean(error.square(), known) + 1e-12).sqrt().mean()


def TRAINED(name):
    return not name.startswith("prompt_generator")


def rate(share: float) -> float:
    if share < _WARM_UP:
        return (share + 0.01) / (_WARM_UP + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (share - _WARM_UP) / (1 - _WARM_UP)))


def error_of(upscaler, lessons, how, check=unchecked) -> float:
    shared = upscaler.share([each.pair for each in lessons], how, check)
    squares, count = 0.0, 0
    for lesson in lessons:
        if not lesson.kept.any():
            continue
        assert lesson.pair.truth is not None
        image = upscaler.answer(lesson.pair, how, shared=shared, check=check).image
        wrong = (image - lesson.pair.truth)[lesson.kept]
        squares += float(np.square(wrong, dtype=np.float64).sum())
        count += wrong.size
    return math.sqrt(squares / count)
