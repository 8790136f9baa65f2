"""The images of an entry, read once and checked: what may go into a store."""

import numpy as np
from jaxtyping import Shaped

from gisr.datasets.entry import Entry, Frame, MadePair, Pixels, Scan, Scene
from gisr.errors import InputError

Images = dict[str, Shaped[np.ndarray, "..."]]
"""Images of an entry by name; volumes of a scan by contrast."""


def checked_images(entry: Entry) -> Images:
    """Read all images of an entry; nothing is kept in the entry.

    Every image must hold something, its values must be finite (those of a depth map where they are
    known; unknown ones become 0), and the sizes of an entry's images must fit.

    Raises:
        GisrError: An image cannot be read.
        InputError: What was read breaks a rule; the message says which.
    """
    if isinstance(entry, Scene):
        return _scene(entry)
    if isinstance(entry, Scan):
        return _scan(entry)
    return _frame(entry) if isinstance(entry, Frame) else _made_pair(entry)


def smallest(image: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """Return an image in the first of bool, uint8, uint16, int16, float32 that holds its values.

    Nothing is lost that an entry would have given: entries give float32.

    Raises:
        InputError: Values beyond float32.
    """
    if image.dtype == bool:
        return image
    low, high = image.min(), image.max()
    if image.dtype.kind in "iu" or (image == np.rint(image)).all():
        for dtype in (np.uint8, np.uint16, np.int16):
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return image.astype(dtype)
    if max(-low, high) > np.finfo(np.float32).max:
        raise InputError(f"values up to {max(-low, high):g} are beyond float32")
    return image.astype(np.float32)


def _scene(scene: Scene) -> Images:
    multispectral = _image("multispectral", scene.read_multispectral(), axes=3)
    panchromatic = _image("panchromatic", scene.read_panchromatic(), axes=3)
    shapes = multispectral.shape, panchromatic.shape
    if shapes[1][2] != 1:
        raise InputError(f"panchromatic image has {shapes[1][2]} channels: it must have one")
    ratio = round(shapes[1][0] / shapes[0][0])
    # Published scenes are cut to less than one multispectral pixel: 310 x 400 and 620 x 799.
    off = max(
        abs(high - ratio * low) for low, high in zip(shapes[0][:2], shapes[1][:2], strict=True)
    )
    if ratio < 1 or off >= ratio:
        raise InputError(
            f"panchromatic image of {_size(shapes[1])} is no whole multiple of the multispectral "
            f"one of {_size(shapes[0])}"
        )
    return {"multispectral": multispectral, "panchromatic": panchromatic}


def _scan(scan: Scan) -> Images:
    if len(scan.contrasts) < 2:
        found = " and ".join(scan.contrasts) or "none"
        raise InputError(f"only one contrast ({found}): a guide is missing")
    volumes = {
        # Column order lays the pixels of a slice side by side in the file.
        contrast: np.asfortranarray(_image(contrast, scan.read_contrasts[contrast](), axes=3))
        for contrast in scan.contrasts
    }
    first, *others = volumes.items()
    for contrast, volume in others:
        _check_equal(contrast, volume.shape, first[0], first[1].shape)
    depth = first[1].shape[2]
    wrong = [index for index in scan.slices or () if not 0 <= index < depth]
    if wrong:
        raise InputError(f"slice {wrong[0]} counts, but there are {depth}")
    return volumes


def _frame(frame: Frame) -> Images:
    stored_values, stored_valid = frame.read_depth()
    values, valid = np.asarray(stored_values), np.asarray(stored_valid, dtype=bool)
    _check_equal("mask of known values", valid.shape, "depth", values.shape)
    if not valid.any():
        raise InputError("depth is empty: no pixel is known")
    depth = _image("depth", np.where(valid, values, values.dtype.type(0)), axes=2)
    colour = _image("colour", frame.read_colour(), axes=3)
    _check_equal("colour", colour.shape[:2], "depth", depth.shape)
    return {"depth": depth, "valid": valid, "colour": colour}


def _made_pair(pair: MadePair) -> Images:
    images = {
        "target": _image("target", pair.read_target(), axes=3),
        "guide": _image("guide", pair.read_guide(), axes=3),
    }
    rows, columns, bands = images["target"].shape
    high = rows * pair.ratio, columns * pair.ratio
    wanted = f"{pair.ratio} times the target"
    _check_equal("guide", images["guide"].shape[:2], wanted, high)
    if pair.read_truth is not None:
        images["truth"] = _image("truth", pair.read_truth(), axes=3)
        _check_equal("truth", images["truth"].shape, wanted, (*high, bands))
    return images


def _image(name: str, read: Pixels, axes: int) -> Shaped[np.ndarray, "..."]:
    image = np.asarray(read)
    if image.dtype.kind not in "iuf":
        raise InputError(f"{name} holds {image.dtype} values: they must be numbers")
    if image.ndim != axes or 0 in image.shape:
        raise InputError(f"{name} of shape {image.shape} is empty or has not {axes} axes")
    wrong = image.size - int(np.isfinite(image).sum())
    if wrong:
        raise InputError(f"{name} holds {wrong} values that are NaN or infinite")
    if not image.any():
        raise InputError(f"{name} is empty: every value is 0")
    return smallest(image)


def _check_equal(name: str, shape: tuple[int, ...], other: str, wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise InputError(f"{name} of {_size(shape)} does not fit: {other} is {_size(wanted)}")


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
