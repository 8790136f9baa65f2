"""How an MR guide was moved against its target between two scans: shifted and turned.

A head that moves lies elsewhere, and is turned by a degree or two. What local linear fits to the
guide leave of the target (:mod:`gisr.estimation.local_fit`) is explained, for a small motion, by
how the guide changes along it: six numbers by least squares, again and again (Gauss and Newton's
method), first in blurred volumes, where larger motions are small. Contrasts may differ in any way
that local fits take up, so no relation of grey values over the whole head is needed.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64
from scipy import ndimage

from gisr.array_types import Voxels
from gisr.estimation.local_fit import LocalFit, Move, local_mean

SHORTEST_AXIS = 12
"""Guide voxels along an axis below which nothing is estimated that moves along it."""
_BLURS = (2.0, 0.0)
"""Guide voxels by which both volumes are blurred, in turn."""
_MARGIN = 24.0
"""Guide voxels around what the target shows that are looked at: motions do not bring in others."""
_ROUNDS = 8
_STEP = 0.5
"""Guide voxels to both sides over which the guide's change is taken."""
_LONGEST_STEP = 2.0
"""Guide voxels, and degrees, that a round adds at most."""
_SETTLED = 0.01
_NEAR = 0.25
"""Guide voxels, and degrees: after a smaller round the guide changes as it did before it."""
_QUIET = 1e-3
"""Share of the guide's mean local variance that is added to each: fits to nothing are flat."""
_IGNORED = 1e-9
"""Share of the largest effect below which a number has none, as a turn about a line of voxels."""

_Six = Float64[np.ndarray, "6"]
_Image = Float64[np.ndarray, "x y z"]
_Places = Float64[np.ndarray, "x y z 3"]


@dataclass(frozen=True)
class Motion:
    """How a guide was moved: a shift and a turn about the middle of its volume."""

    shift: tuple[float, float, float]
    """Guide voxels along its axes."""
    turn: tuple[float, float, float]
    """Degrees about its axes (a rotation vector)."""
    shape: tuple[int, ...]
    """Of the guide."""
    zooms: tuple[float, float, float]
    """Sizes of its voxels, mm: turns keep lengths."""

    @property
    def move(self) -> Move:
        """Where each voxel of the aligned guide is found: ``aligned[i] = guide[move @ i]``."""
        from scipy.spatial.transform import Rotation

        centre, zooms = (np.array(self.shape) - 1) / 2, np.array(self.zooms)
        turn = Rotation.from_rotvec(np.deg2rad(self.turn)).as_matrix()
        move = np.eye(4)
        move[:3, :3] = turn * zooms / zooms[:, None]
        move[:3, 3] = centre - move[:3, :3] @ centre + self.shift
        return move

    def changed(self, step: _Six) -> "Motion":
        """Return the motion with steps added to its six numbers."""
        numbers = np.array([*self.shift, *self.turn]) + step
        first, second, third, *turn = numbers.tolist()
        return replace(self, shift=(first, second, third), turn=(turn[0], turn[1], turn[2]))

    def largest(self) -> float:
        """Return how far it moves a voxel at most, of those in the middle half along each axis."""
        ends = [(size / 4, 3 * size / 4) for size in self.shape]
        corners = np.stack([each.ravel() for each in np.meshgrid(*ends, indexing="ij")])
        moved = self.move[:3, :3] @ corners + self.move[:3, 3:]
        return float(np.linalg.norm(moved - corners, axis=0).max())


def find_motion(fit: LocalFit, start: Motion) -> Motion:
    """Return the motion of a guide after which local fits explain most of the target.

    Args:
        fit: Of both volumes.
        start: Where the search begins: within a few voxels and degrees of the answer.
    """
    free, fit = _free(start.shape), fit.near(_MARGIN)
    places = _places(fit, start)
    scale = np.abs(np.diag(fit.to_guide)[:3])
    motion = start
    for blur in _BLURS:
        blurred = fit
        if blur:
            blurred = replace(
                fit,
                target=ndimage.gaussian_filter(fit.target, blur / np.maximum(scale, 1e-6)),
                guide=ndimage.gaussian_filter(fit.guide, blur),
            )
        changes = None
        for _ in range(_ROUNDS):
            if changes is None:
                changes = [
                    _centred(blurred, each) for each in _effects(blurred, motion, free, places)
                ]
            step = _step(blurred, motion, free, changes)
            motion = motion.changed(step)
            largest = np.abs(step).max()
            if largest < _SETTLED:
                break
            if largest > _NEAR:
                changes = None
    return motion


def moved_guide(guide: Voxels, move: Move) -> Voxels:
    """Return ``aligned[i] = guide[move @ i]``, cubic splines between voxels."""
    matrix = move[:3, :3]
    along = np.diag(matrix) if (matrix == np.diag(np.diag(matrix))).all() else matrix  # faster
    moved: Voxels = ndimage.affine_transform(
        guide, along, move[:3, 3], output=np.float32, order=3, mode="nearest"
    )
    return moved


def _free(shape: tuple[int, ...]) -> list[int]:
    """Return which of the six numbers are estimated: those that move along long axes alone."""
    long = [axis for axis in range(3) if shape[axis] >= SHORTEST_AXIS]
    turns = [3 + axis for axis in range(3) if set(range(3)) - {axis} <= set(long)]
    return [*long, *turns]


def _places(fit: LocalFit, motion: Motion) -> _Places:
    """Return where the target's voxels lie about the middle of the guide, mm along its axes."""
    centre = (np.array(motion.shape) - 1) / 2
    indices = np.moveaxis(np.indices(fit.target.shape), 0, -1)
    places: _Places = indices @ fit.to_guide[:3, :3].T + fit.to_guide[:3, 3] - centre
    return places * motion.zooms


def _centred(fit: LocalFit, image: _Image) -> _Image:
    """Return an image less its local means, where the target is known."""
    rest: _Image = (image - local_mean(image * fit.known) / fit.weight) * fit.known
    return rest


def _step(fit: LocalFit, motion: Motion, free: list[int], changes: list[_Image]) -> _Six:
    """Return by how much to change a motion: least squares over what the fits leave.

    Args:
        fit: Of both volumes.
        motion: As found so far.
        free: Which of its numbers are estimated.
        changes: How the moved guide changes with each of them, less its local means.
    """
    target, guide = _centred(fit, fit.target), _centred(fit, fit.sampled(motion.move))
    variance = local_mean(np.square(guide)) / fit.weight
    slope = local_mean(target * guide) / fit.weight
    slope = slope / (variance + max(_QUIET * float(variance.mean()), np.finfo(np.float64).tiny))
    left = (target - slope * guide)[fit.known]
    effects = np.stack([(slope * each)[fit.known] for each in changes])
    normal, towards = effects @ effects.T, effects @ left
    seen = np.flatnonzero(np.diag(normal) > _IGNORED * np.diag(normal).max(initial=0))
    step = np.zeros(6)
    if len(seen):
        solved = np.linalg.lstsq(normal[np.ix_(seen, seen)], towards[seen], rcond=1e-9)[0]
        step[np.array(free)[seen]] = solved
    step[3:] = np.rad2deg(step[3:])
    bounded: _Six = np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
    return bounded


def _effects(fit: LocalFit, motion: Motion, free: list[int], places: _Places) -> list[_Image]:
    """Return how the moved guide changes with each free number, turns in radians."""
    gradient = []
    for axis in range(3):
        ahead, behind = motion.move, motion.move
        ahead[axis, 3] += _STEP
        behind[axis, 3] -= _STEP
        gradient.append((fit.sampled(ahead) - fit.sampled(behind)) / (2 * _STEP))
    zooms, effects = motion.zooms, []
    for number in free:
        if number < 3:
            effects.append(gradient[number])
            continue
        one, other = (number - 2) % 3, (number - 1) % 3
        # About axis 0, a turn moves axis 1 by -z and axis 2 by y; and so on around.
        effects.append(
            gradient[other] * places[..., one] / zooms[other]
            - gradient[one] * places[..., other] / zooms[one]
        )
    return effects
