"""Which experts refine which pixels, as a picture."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageColor, ImageDraw

from gisr.apps.web.drawing import View, window_of
from gisr.apps.web.job import PageOutcome
from gisr.errors import InputError
from gisr.pipelines.table import PIPELINES
from gisr.rendering.colours import EXPERT_COLOURS, INK, PAPER, Colours, letters
from gisr.tasks import find_task

_COLOURS = np.array([ImageColor.getrgb(colour) for colour in EXPERT_COLOURS], dtype=np.uint8)
_PANEL, _MARGIN, _LINE = 220, 12, 24

ExpertWeights = Float[np.ndarray, "h w experts"]


def draw_routing(outcome: PageOutcome, view: View) -> Colours:
    """Draw, level by level, the experts that the network chooses for the window in view.

    Every pixel has the colour of the expert with the largest weight, K(F_gate) of Eq. (9).

    Args:
        outcome: A finished run.
        view: The part to draw.

    Raises:
        InputError: No pixel is known there, the network saw other slices of a volume, or it has no
            experts.
    """
    request, window = outcome.request, window_of(outcome.layers, view)
    pairs = outcome.interpolation.pairs
    pair = PIPELINES[request.task].pair_in_view(request, pairs, view.plane, window)
    if pair is None:
        raise InputError("no pixel is known in the part that is shown: choose another part")
    levels = outcome.upscaler.routing(pair)
    if not levels:
        raise InputError(f"the network {outcome.upscaler.name} has no experts to route to")
    turned = find_task(request.task).turned
    panels = []
    for level in levels:
        weights = level.weights[0].permute(1, 2, 0).float().cpu().numpy()
        panels.append((level.position, np.rot90(weights) if turned else weights))
    return np.asarray(_sheet(panels))


def _sheet(panels: Sequence[tuple[str, ExpertWeights]]) -> Image.Image:
    """Draw the levels side by side, each with a legend of its experts."""
    shapes = [_fitted(weights.shape[:2]) for _, weights in panels]
    experts = panels[0][1].shape[2]
    width = _MARGIN + sum(max(shape[1], _PANEL // 2) + _MARGIN for shape in shapes)
    height = 2 * _MARGIN + _LINE * (1 + experts) + max(shape[0] for shape in shapes)
    paper = Image.new("RGB", (width, height), PAPER)
    draw, left = ImageDraw.Draw(paper), _MARGIN
    for (name, weights), (rows, columns) in zip(panels, shapes, strict=True):
        colours = _COLOURS[np.arange(experts) % len(_COLOURS)]
        strongest = weights.argmax(axis=2)
        panel = Image.fromarray(colours[strongest])
        panel = panel.resize((columns, rows), Image.Resampling.NEAREST)
        draw.text((left, _MARGIN), name, INK, letters(17))
        paper.paste(panel, (left, _MARGIN + _LINE))
        for expert in range(experts):
            share = (strongest == expert).mean()
            top = _MARGIN + _LINE * (1 + expert) + rows + 6
            box = (left, top, left + 14, top + 14)
            draw.rectangle(box, tuple(int(v) for v in colours[expert]))
            draw.text((left + 22, top - 1), f"expert {expert + 1}: {share:.0%}", INK, letters(16))
        left += max(columns, _PANEL // 2) + _MARGIN
    return paper


def _fitted(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return rows and columns at which a panel is drawn."""
    scale = _PANEL / max(shape)
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))
