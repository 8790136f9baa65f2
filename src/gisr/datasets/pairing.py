"""Whole entries as pairs: what benchmarks and validation measure on."""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Float

from gisr.data.degradations import ReducedAs
from gisr.data.pair import Pair
from gisr.data.protocols import depth_pair, kspace_pair, wald_pair
from gisr.datasets.crops import pair_window
from gisr.datasets.entry import Frame, MadePair, Scan, Scene
from gisr.errors import InputError, PairError
from gisr.io.placement import Placement
from gisr.tasks import find_task
from gisr.windows import Window

_LEVELS = 255.0


def scene_pair(scene: Scene, ratio: int, *, side: int | None = None) -> Pair:
    """Return Wald's pair of a scene, the guide as misregistered as it comes.

    Args:
        scene: Any.
        ratio: Scale factor.
        side: Only the middle of this many multispectral pixels a side; all when None.
    """
    multispectral, panchromatic = scene.multispectral, scene.panchromatic
    if side is not None:
        native = panchromatic.shape[0] // multispectral.shape[0]
        multispectral = _middle(multispectral, side)
        panchromatic = _middle(panchromatic, side * native)
    return wald_pair(
        multispectral,
        panchromatic,
        ratio,
        sensor=scene.sensor,
        bits=scene.bits,
        name=scene.name,
    )


def full_pair(scene: Scene) -> Pair:
    """Return a scene as it came from the satellite: nobody knows its truth."""
    target, guide = scene.multispectral, scene.panchromatic
    return Pair(
        target,
        guide,
        "pansharpening",
        Placement.from_grid("centre", target.shape[:2], guide.shape[:2]),
        "centre",
        name=scene.name,
        sensor=scene.sensor,
        bits=scene.bits,
        peak=None if scene.bits is None else float(2**scene.bits - 1),
    )


def slice_pairs(
    scan: Scan,
    ratio: int,
    *,
    contrast: str,
    guide_contrast: str,
    slices: Iterable[int] | None = None,
    as_levels: bool = False,
) -> Iterator[Pair]:
    """Yield slices of one contrast guided by another, k-space cropped; peak is the volume's.

    Args:
        scan: Has both contrasts.
        ratio: Scale factor.
        contrast: Of the targets.
        guide_contrast: Of the guides.
        slices: Along the last axis; when None those that count by the data set's rule.
        as_levels: Bring both volumes to 0 to 255 by their own extremes and round, as papers do
            that keep slices as 8-bit pictures (MC-DuDoNet, MC-CDic); the peak is then 255.
    """
    truth, guide = scan.volume(contrast), scan.volume(guide_contrast)
    peak = float(truth.max())
    if as_levels:
        truth, guide, peak = _levels(truth), _levels(guide), _LEVELS
    if slices is None:
        slices = range(truth.shape[2]) if scan.slices is None else scan.slices
    for index in slices:
        yield kspace_pair(
            np.ascontiguousarray(truth[:, :, index]),
            np.ascontiguousarray(guide[:, :, index]),
            ratio,
            contrast=contrast,
            guide_contrast=guide_contrast,
            peak=peak,
            name=f"{scan.name}:{contrast}:{index}",
        )


def contrasts_of(scan: Scan) -> tuple[str, str]:
    """Return the contrast of targets and that of guides where nobody chose: T2 by T1 if there.

    Raises:
        InputError: The scan has one contrast only.
    """
    if len(scan.contrasts) < 2:
        raise InputError(f"{scan.name}: one contrast only, a guide is missing")
    contrast = "T2" if "T2" in scan.contrasts else scan.contrasts[-1]
    others = [name for name in scan.contrasts if name != contrast]
    return contrast, "T1" if "T1" in others else others[0]


def frame_pair(
    frame: Frame, ratio: int, *, side: int | None = None, reduced_as: ReducedAs = "float32"
) -> Pair:
    """Return a frame reduced by Pillow's bicubic.

    Args:
        frame: Any.
        ratio: Scale factor.
        side: Only the middle of this many pixels a side; all when None.
        reduced_as: Named by the protocol.
    """
    (values, valid), colour = frame.depth, frame.colour
    if side is not None:
        values, valid, colour = (_middle(image, side) for image in (values, valid, colour))
    return depth_pair(values, colour, ratio, valid=valid, reduced_as=reduced_as, name=frame.name)


def made_pair(entry: MadePair, window: Window | None = None) -> Pair:
    """Return a pair that others made, as it is.

    Args:
        entry: Any.
        window: In target pixels; all when None.

    Raises:
        PairError: Its images do not fit together.
    """
    if window is None:
        target, guide, truth = entry.target, entry.guide, entry.truth
    else:
        target, guide, truth = pair_window(entry, window)
    wanted = tuple(side * entry.ratio for side in target.shape[:2])
    if guide.shape[:2] != wanted:
        raise PairError(
            f"{entry.name}: guide {guide.shape[:2]} must be {entry.ratio} times the target "
            f"{target.shape[:2]}, {wanted}"
        )
    grid = find_task(entry.task).grid
    peak = entry.peak
    if peak is None and entry.bits is not None:
        peak = float(2**entry.bits - 1)
    if peak is None and truth is not None:
        peak = float(truth.max())
    return Pair(
        target,
        guide,
        entry.task,
        Placement.from_grid(grid, target.shape[:2], guide.shape[:2]),
        grid,
        truth=truth,
        name=entry.name,
        sensor=entry.sensor,
        bits=entry.bits,
        peak=peak,
    )


def _levels(volume: Float[np.ndarray, "X Y Z"]) -> Float[np.ndarray, "X Y Z"]:
    low, high = volume.min(), volume.max()
    if not high > low:
        raise InputError(f"a volume is {low:g} everywhere: it has no contrast to bring to levels")
    levels: Float[np.ndarray, "X Y Z"] = np.rint((volume - low) / (high - low) * _LEVELS)
    return levels


def _middle(image: np.ndarray, side: int) -> np.ndarray:
    rows, columns = image.shape[:2]
    top, left = max(0, (rows - side) // 2), max(0, (columns - side) // 2)
    cropped: np.ndarray = image[top : top + side, left : left + side]
    return cropped
