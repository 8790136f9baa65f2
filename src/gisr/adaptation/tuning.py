"""The steps of adapting: Adam on patches of lessons, until the time or the steps are over."""

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from gisr.adaptation.lesson import Lesson
from gisr.adaptation.patches import Patches
from gisr.adaptation.settings import AdaptSettings
from gisr.baselines.network import known_mean
from gisr.inference.answers import Check, Progress, Settings
from gisr.inference.upscaler import Upscaler
from gisr.inference.windowed_pair import ArraySource
from gisr.magnet import MAGNet

_WARM_UP = 0.05
"""Share of the run over which the rate rises."""
_FROZEN = "prompt_generator"
"""The scene's prompt is one vector: it is computed once and stays."""


@dataclass(frozen=True, eq=False)
class Tuned:
    """A network after its steps."""

    network: MAGNet
    steps: int
    diverged: bool
    """Whether a step was not finite; the network is of no use then."""


def tuned(
    upscaler: Upscaler,
    lessons: Sequence[Lesson],
    settings: AdaptSettings,
    how: Settings,
    deadline: float | None,
    check: Check,
    progress: Progress | None,
) -> Tuned:
    """Return a copy of an upscaler's network that has learnt from lessons.

    The error is that of the training objective's ``rms``: the root of the mean square of each
    patch, which PSNR counts, relative to the target's range. There is no noise in the routing.

    Args:
        upscaler: Whose network is copied.
        lessons: What to learn from.
        settings: Steps, rate, patches.
        how: Description of the pairs.
        deadline: ``time.monotonic()`` at which the last step is over; None where steps end it.
        check: Called before every step.
        progress: Called with seconds done and in all, or steps where there is no deadline.
    """
    network = copy.deepcopy(upscaler.network)
    pairs = [each.pair for each in lessons]
    shared = upscaler.share(pairs, how, check)
    assert shared is not None  # an upscaler always shares
    job = upscaler.job(ArraySource(pairs[0]), how)
    patches = Patches.of(lessons, shared.survey.normalisation, settings, network.config)
    learning = [p for name, p in network.named_parameters() if not name.startswith(_FROZEN)]
    optimiser = torch.optim.Adam(learning, settings.learning_rate, (0.9, 0.99), fused=True)
    # Cloned: what was computed without gradients cannot stand in a computation with them.
    prompt = None if shared.prompt is None else shared.prompt.clone()
    rng, clock, steps = np.random.default_rng(settings.seed), _Clock(settings, deadline), 0
    while (share := clock.share(steps)) < 1:
        check()
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate(share)
        batch = patches.draw(rng).to(upscaler.device)
        count = len(batch.target)
        answer = network(
            batch.target,
            batch.guide,
            job.text.expand(count, -1),
            job.ratio.expand(count),
            None if prompt is None else prompt.expand(count, -1),
        ).image
        error = (answer - batch.truth) * batch.scale[:, :, None, None]
        loss = (known_mean(error.square(), batch.known) + 1e-12).sqrt().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(learning, settings.gradient_norm)
        if not math.isfinite(float(norm)):
            return Tuned(network, steps, diverged=True)
        optimiser.step()
        steps += 1
        if progress is not None:
            progress(*clock.shown(steps))
    return Tuned(network, steps, diverged=False)


def _rate(share: float) -> float:
    """Return the rate at a share of the run, relative: it rises, then falls by a cosine."""
    if share < _WARM_UP:
        return (share + 0.1 * _WARM_UP) / (1.1 * _WARM_UP)
    return 0.5 * (1 + math.cos(math.pi * (share - _WARM_UP) / (1 - _WARM_UP)))


class _Clock:
    """How much of a run is over: of its time, or of its steps, whichever is more."""

    def __init__(self, settings: AdaptSettings, deadline: float | None) -> None:
        self._steps, self._began = settings.steps, time.monotonic()
        self._seconds = None if deadline is None else max(0.0, deadline - self._began)

    def share(self, steps: int) -> float:
        """Return the share from 0 to 1 that is over after some steps."""
        over = 0.0 if self._steps is None else steps / self._steps
        if self._seconds is not None:
            passed = time.monotonic() - self._began
            over = max(over, passed / self._seconds if self._seconds > 0 else 1.0)
        return min(1.0, over)

    def shown(self, steps: int) -> tuple[int, int]:
        """Return what is done and what there is in all, in seconds or steps."""
        if self._seconds is None:
            assert self._steps is not None  # something ends a run
            return steps, self._steps
        total = max(1, math.ceil(self._seconds))
        return min(total, round(total * self.share(steps))), total
