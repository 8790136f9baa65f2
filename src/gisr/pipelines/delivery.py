"""Satellite images as they are delivered: several band files a side, or one product.

What is found here becomes two stacks of files and options that the product's metadata fills in;
the pipelines of satellite tasks read them as they read two GeoTIFFs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from gisr.errors import FileFormatError, InputError, listed
from gisr.io.files import check_readable
from gisr.io.foreign import foreign_file
from gisr.io.geotiff import BandFile, BandStack, QualityMask, folder_stack, read_header
from gisr.io.limits import Limits
from gisr.io.products import Product, product_folder, read_product
from gisr.pipelines.folder_ways import listed_frames
from gisr.pipelines.options import Options
from gisr.tasks import TaskName

Source = str | PathLike[str] | Sequence[str | PathLike[str]]
"""One side of a pair: a file, or several, or a folder of band files."""


@dataclass(frozen=True)
class Delivery:
    """A pair whose sides are stacks of band files."""

    task: TaskName
    target: BandStack
    guide: BandStack
    options: Options
    """Those of the user, filled in by the product."""
    order: tuple[int, ...] = ()
    """Bands of the output, as :class:`gisr.io.geotiff.pair.RasterPair` has them."""
    notes: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file that is read."""
        quality = () if self.target.quality is None else (self.target.quality.path,)
        files = (each.path for stack in (self.target, self.guide) for each in stack.files)
        return (*files, *quality)


def is_product(path: str | PathLike[str]) -> bool:
    """Return whether a path is that of a product, which is target and guide at once."""
    return product_folder(Path(path)) is not None


def find_delivery(
    target: Source, guide: Source | None, options: Options, limits: Limits
) -> Delivery | None:
    """Return the stacks that two sides, or a product, stand for; None of two plain files.

    Args:
        target: A file, several, or a product.
        guide: A file or several; None for a product.
        options: What the user chose.
        limits: What the header of a guide may claim.

    Raises:
        InputError: A product with a guide, a file without one, or bands that are not there.
        FileFormatError: A folder holds no band files, a product is damaged, or a file alone is of
            a kind that is not read.
    """
    if isinstance(target, str | PathLike):
        folder = product_folder(Path(target))
        if folder is not None and (guide is None or _same(target, guide)):
            return product_delivery(read_product(folder), options)
        if folder is not None:
            raise InputError(
                f"{target}: is a product, with target and guide in it: leave the guide out, or "
                "name the files of both sides (--target ... --guide ...)"
            )
    if guide is None:
        alone = Path(_first(target))
        if (way := foreign_file(alone) if alone.is_file() else None) is not None:
            raise FileFormatError(f"{alone}: {way}")
        if (way := listed_frames(alone) if alone.is_file() else None) is not None:
            raise FileFormatError(f"{alone}: {way}")
        raise InputError(f"{alone}: name the guide after it")
    if options.mask_out:
        raise InputError(
            "mask-out needs a quality band, which products bring: name the product's folder, or "
            "leave it out"
        )
    low, high = _files(target), _files(guide)
    if (low, high) == ((Path(_first(target)),), (Path(_first(guide)),)):
        return None
    return _listed_delivery(low, high, options, limits)


def _listed_delivery(
    target: tuple[Path, ...], guide: tuple[Path, ...], options: Options, limits: Limits
) -> Delivery:
    """Return the stacks of files that were named one by one."""
    bands = sum(read_header(path, limits).bands for path in guide)
    found: TaskName = "pansharpening" if bands == 1 else "multiband"
    task = options.task or found
    notes: tuple[str, ...] = ()
    if options.task is None:
        one = "one guide band" if bands == 1 else f"{bands} guide bands"
        notes = (f"{len(target)} and {len(guide)} files with {one} are taken for {task}",)
    return Delivery(task, _stack(target), _stack(guide), options, notes=notes)


def _stack(files: tuple[Path, ...]) -> BandStack:
    return BandStack(tuple(BandFile(path) for path in files), files[0])


def _files(side: Source) -> tuple[Path, ...]:
    """Return the files of a side; of a folder, all band files in it."""
    if isinstance(side, str | PathLike):
        return (Path(side),)
    paths = tuple(Path(path) for path in side)
    if len(paths) == 1 and paths[0].is_dir():
        return folder_stack(paths[0])
    for path in paths:
        check_readable(path)
    twice = {path for path in paths if paths.count(path) > 1}
    if twice:
        raise InputError(f"{twice.pop()}: is named twice on one side: name it once")
    return paths


def _same(target: Source, guide: Source) -> bool:
    """Return whether both sides name one product, as the lines of a list of pairs have to."""
    one = isinstance(target, str | PathLike) and isinstance(guide, str | PathLike)
    return one and Path(str(target)) == Path(str(guide))


def product_folders(folder: Path) -> list[Path]:
    """Return the products right in a folder, by name.

    Raises:
        FileFormatError: The folder cannot be read, or one in it holds several products.
    """
    try:
        inside = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise FileFormatError(f"{folder}: cannot be read: {error.strerror or error}") from error
    return [path for path in inside if is_product(path)]


def _first(side: Source) -> str:
    return str(side if isinstance(side, str | PathLike) else side[0])


def product_delivery(product: Product, options: Options) -> Delivery:
    """Return what an analyst wants of a product: its coarse bands on the grid of its fine ones.

    Sentinel-2: the bands at 20 m, guided by those at 10 m, which the output has too. Landsat: the
    bands near the panchromatic one. ``bands`` names others, ``bands_out`` leaves out the copies.

    Raises:
        InputError: A band that is not there, or none to sharpen; an option that does not suit.
    """
    task: TaskName = options.task or ("pansharpening" if product.panchromatic else "multiband")
    if task == "pansharpening" and not product.panchromatic:
        raise InputError(
            f"{product.folder.name}: {product.kind} has no panchromatic band: leave the task out"
        )
    chosen = [product.band(name).name for name in options.bands or ()]
    target = tuple(name for name in chosen if name not in product.guide) or product.target
    if chosen and not set(chosen) & set(target):
        raise InputError(
            f"{product.folder.name}: {listed(chosen)} {'lie' if len(chosen) > 1 else 'lies'} at "
            "the finest resolution already: choose coarser bands to sharpen too"
        )
    _check_one_resolution(product, target)
    guide = _guide(product, options)
    wanted = _written(product, target, guide, chosen, options)
    places = (*target, *guide)
    order = tuple(places.index(name) for name in wanted)
    return Delivery(
        task,
        product.stack(target, _mask(product, target[0], options.mask_out)),
        product.stack(guide),
        replace(
            options,
            sensor=options.sensor or product.sensor,
            task=task,
            bands=None,
            guide_bands=None,
        ),
        () if wanted == target else order,
        (_used_note(product, target, guide, wanted), *product.notes),
    )


def _mask(product: Product, target: str, words: Sequence[str]) -> QualityMask | None:
    """Return what makes pixels of a band unknown; None where nothing is asked for.

    Raises:
        InputError: The product has no quality band on the band's grid, or none with such a flag.
    """
    if not words:
        return None
    if product.quality is None:
        raise InputError(f"{product.folder.name}: mask-out: {product.no_quality}")
    sides = product.quality.resolution, product.band(target).resolution
    if sides[0] != sides[1]:
        raise InputError(
            f"{product.folder.name}: mask-out: the quality band lies at {sides[0]:g} m, {target} "
            f"at {sides[1]:g} m: leave mask-out out"
        )
    return product.quality.mask(words)


def _guide(product: Product, options: Options) -> tuple[str, ...]:
    """Return the bands that guide: the product's finest, or those of them that are named.

    Raises:
        InputError: A named one is coarser.
    """
    if options.guide_bands is None:
        return product.guide
    chosen = tuple(dict.fromkeys(product.band(name).name for name in options.guide_bands))
    if coarse := [name for name in chosen if name not in product.guide]:
        raise InputError(
            f"{product.folder.name}: guide-band {coarse[0]} is no finer than what is sharpened: "
            f"use {listed(product.guide, 4)}"
        )
    return chosen


def _check_one_resolution(product: Product, names: Sequence[str]) -> None:
    """Refuse bands that one run cannot sharpen together.

    Raises:
        InputError: They lie at several resolutions.
    """
    sides = {product.band(name).resolution: name for name in names}
    if len(sides) > 1:
        told = " and ".join(f"{name} at {side:g} m" for side, name in sides.items())
        raise InputError(
            f"{product.folder.name}: {told}: sharpen the bands of each resolution in a run of "
            "their own"
        )


def _written(
    product: Product,
    target: tuple[str, ...],
    guide: tuple[str, ...],
    chosen: Sequence[str],
    options: Options,
) -> tuple[str, ...]:
    """Return the bands of the output, in their order."""
    if options.bands_out == "sharpened":
        return target
    if chosen and options.bands_out is None:
        return tuple(name for name in dict.fromkeys(chosen) if name in (*target, *guide))
    if product.panchromatic and options.bands_out is None:
        return target
    both = {*target, *guide}
    # As delivered; the bands that were named fill their places in the order they were named.
    named = iter(dict.fromkeys(name for name in chosen if name in both))
    places = (band.name for band in product.bands if band.name in both)
    return tuple(next(named) if name in chosen else name for name in places)


def _used_note(
    product: Product, target: Sequence[str], guide: Sequence[str], written: Sequence[str]
) -> str:
    """Return which bands are sharpened, copied and left out."""
    copied = [name for name in written if name not in target]
    used = {*target, *product.guide}
    left = [band.name for band in product.bands if band.name not in used]
    side = product.band(target[0]).resolution
    fine = product.band(product.guide[0]).resolution
    text = (
        f"{product.kind}: {', '.join(target)} ({side:g} m) {_verb(target)} sharpened, guided by "
        f"{', '.join(guide)} ({fine:g} m)"
    )
    if copied:
        text += f"; {', '.join(copied)} {_verb(copied)} copied"
    if left:
        text += f"; left out: {', '.join(left)} (--band {left[0]} sharpens it)"
    if product.left_out:
        text += f"; {', '.join(product.left_out)} cannot be used"
    return text


def _verb(names: Sequence[str]) -> str:
    return "are" if len(names) > 1 else "is"
