"""Where a guide shows what each place of a target shows: MASA's search in two steps.

Lu, Li, Tao, Lu and Jia, "MASA-SR", CVPR 2021, Section 3.2; McMRSR searches alike. Features of the
target and of the guide, reduced to the target's grid, are compared. Each patch of the target
first finds a place in the guide by its centre; then each of its pixels finds the best pixel in
a window around that place. There are no parameters, and no gradient of the places themselves.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

PATCH = 8
"""Rows and columns of a patch."""
REACH = 13
"""Rows and columns of the places in a window: 1.5 times the patch, made odd."""
WINDOW = REACH + 2
DILATIONS = (1, 2, 3)
"""Distances of the neighbours that are compared in the first step."""
MULTIPLE, LEAST = PATCH, 2 * PATCH
"""What sides of a target must be multiples of, and at least."""


class Matches(NamedTuple):
    """What was found, by patch in rows."""

    corner: Int[Tensor, "b patches 2"]
    """Row and column in the reduced guide at which the patch's window begins."""
    place: Int[Tensor, "b patches 8 8"]
    """The best of the window's 13 x 13 places for each pixel, in rows."""
    likeness: Float[Tensor, "b patches 8 8"]
    """Cosine between the pixel's neighbourhood and that of the place."""


def match(target: Float[Tensor, "b c h w"], guide: Float[Tensor, "b c h w"]) -> Matches:
    """Search each patch of a target's feature in that of the reduced guide.

    Sides are multiples of 8 and at least 16. In float32 even where networks run in less, which
    would take many places for equally alike.
    """
    with torch.autocast(target.device.type, enabled=False):
        patches, guide = _patches(target.float()), guide.float()
        corner = _corners(coarse_search(patches, guide), (guide.shape[2], guide.shape[3]))
        place, likeness = fine_search(patches, _windows(guide, corner))
    return Matches(corner, place, likeness)


def coarse_search(
    patches: Float[Tensor, "b patches c 10 10"], guide: Float[Tensor, "b c h w"]
) -> Int[Tensor, "b patches"]:
    """Return the pixel of the guide, counted in rows, that is most like each patch's centre.

    The cosines of 3x3 neighbourhoods are summed over three distances of the neighbours.
    """
    middle = patches.shape[-1] // 2
    total: Tensor | float = 0.0
    for dilation in DILATIONS:
        taps = [middle - dilation, middle, middle + dilation]
        query = F.normalize(patches[..., taps, :][..., taps].flatten(2), dim=2, eps=1e-12)
        key = F.unfold(guide, 3, dilation=dilation, padding=dilation)
        total = total + query @ F.normalize(key, dim=1, eps=1e-12)
    assert isinstance(total, Tensor)
    return total.argmax(dim=2)


def fine_search(
    patches: Float[Tensor, "b patches c 10 10"], windows: Float[Tensor, "b patches c 15 15"]
) -> tuple[Int[Tensor, "b patches 8 8"], Float[Tensor, "b patches 8 8"]]:
    """Return the best place of its window for each pixel of a patch, and how alike they are."""
    query, key = (
        F.normalize(F.unfold(feature.flatten(0, 1), 3), dim=1, eps=1e-12)
        for feature in (patches, windows)
    )
    likeness, place = (query.transpose(1, 2) @ key).max(dim=2)
    shape = (*patches.shape[:2], PATCH, PATCH)
    return place.view(shape), likeness.view(shape)


def transfer(
    matches: Matches, guide: Float[Tensor, "b c H W"], scale: int, *, align_corners: bool
) -> Float[Tensor, "b c H W"]:
    """Put the guide's feature where the target has what it shows.

    Every match brings the 3x3 pixels around it, at ``scale`` times as many rows and columns; where
    those of neighbouring pixels of a patch overlap, the mean is taken. The result is weighed by
    the likeness.

    Args:
        matches: Found on the target's grid.
        guide: Feature on a grid that is ``scale`` times as fine.
        scale: 1, 2, 4 or 8.
        align_corners: How the likeness is enlarged.
    """
    side = scale * PATCH
    shift = _shifts(matches) * scale
    pixel = torch.arange(side, device=guide.device)
    flat = guide.flatten(2)
    total: Tensor | float = 0.0
    count: Tensor | float = 0.0
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            found, valid = _neighbour(shift, down, right)
            found, valid = (_enlarged(each, scale) for each in (found, valid))
            row, column = pixel[:, None] + found[..., 0], pixel + found[..., 1]
            # A shift is not used where its pixel has no such neighbour; it is to stay inside only.
            index = (row * guide.shape[3] + column) * valid
            read = flat.gather(2, index.flatten(1)[:, None].expand(-1, guide.shape[1], -1))
            total = total + read.unflatten(2, (-1, side, side)) * valid
            count = count + valid
    assert isinstance(total, Tensor)
    weight = F.interpolate(
        matches.likeness, scale_factor=scale, mode="bilinear", align_corners=align_corners
    )
    rows = guide.shape[2] // side
    tiles = (total / count * weight[:, None]).unflatten(2, (rows, -1))
    copied: Tensor = tiles.transpose(3, 4).flatten(4, 5).flatten(2, 3)
    return copied


def _patches(target: Float[Tensor, "b c h w"]) -> Float[Tensor, "b patches c 10 10"]:
    """Cut a feature into patches with a border of one pixel; edges are repeated outside."""
    padded = F.pad(target, (1, 1, 1, 1), mode="replicate")
    cut = padded.unfold(2, PATCH + 2, PATCH).unfold(3, PATCH + 2, PATCH)
    return cut.permute(0, 2, 3, 1, 4, 5).flatten(1, 2)


def _corners(found: Int[Tensor, "b patches"], size: tuple[int, int]) -> Int[Tensor, "b patches 2"]:
    """Return where windows around pixels begin; at the border they are moved, not cut."""
    centre = torch.stack([found // size[1], found % size[1]], dim=-1)
    last = torch.tensor([side - WINDOW for side in size], device=found.device)
    return torch.minimum((centre - REACH // 2 - 1).clamp(min=0), last)


def _windows(
    guide: Float[Tensor, "b c h w"], corner: Int[Tensor, "b patches 2"]
) -> Float[Tensor, "b patches c 15 15"]:
    """Cut windows out of a feature."""
    batch = torch.arange(len(guide), device=guide.device)[:, None, None, None]
    offset = torch.arange(WINDOW, device=guide.device)
    rows = (corner[..., :1] + offset)[:, :, :, None]
    columns = (corner[..., 1:] + offset)[:, :, None, :]
    return guide.permute(0, 2, 3, 1)[batch, rows, columns].permute(0, 1, 4, 2, 3)


def _shifts(matches: Matches) -> Int[Tensor, "b patches 8 8 2"]:
    """Return where in the guide a match is, from where the pixel is in its patch."""
    pixel = torch.arange(PATCH, device=matches.place.device)
    found = torch.stack([matches.place // REACH, matches.place % REACH], dim=-1)
    own = torch.stack(torch.meshgrid(pixel, pixel, indexing="ij"), dim=-1)
    # Place 0 is the window's second pixel: the first is but a neighbour.
    return matches.corner[:, :, None, None] + found + 1 - own


def _neighbour(
    shift: Int[Tensor, "b patches 8 8 2"], down: int, right: int
) -> tuple[Int[Tensor, "b patches 8 8 2"], Int[Tensor, "patches_or_1 8 8"]]:
    """Return at each pixel the shift of a neighbour of its patch, and 1 where there is one."""
    inside = torch.ones_like(shift[:1, 0, :, :, 0])
    padded = F.pad(inside, (1, 1, 1, 1))
    rows, columns = (slice(1 + step, 1 + step + PATCH) for step in (down, right))
    moved = shift.roll((-down, -right), dims=(2, 3))
    return moved, padded[:, rows, columns]


def _enlarged(grid: Tensor, scale: int) -> Tensor:
    """Repeat the rows and columns of a patch: axes 2 and 3, or the last two of three."""
    first = 2 if grid.ndim == 5 else 1
    return grid.repeat_interleave(scale, first).repeat_interleave(scale, first + 1)
