"""The contact sheet: every kind of entry, readable or not."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from PIL import Image

from gisr.datasets.contact_sheet import draw_contact_sheet
from gisr.datasets.entry import Entry, Frame, PublishedPair, Scan, Scene
from gisr.datasets.overview import divided_groups, holdings, sizes_of
from gisr.errors import FileFormatError, MissingExtraError
from gisr.rendering.colours import UNKNOWN

ABOUT: dict[str, Any] = {"dataset": "made", "split": "train"}


def noise(*shape: int) -> np.ndarray:
    return default_rng(0).integers(0, 900, shape).astype(np.uint16)


def holed() -> tuple[np.ndarray, np.ndarray]:
    values = noise(40, 50).astype(np.float32)
    values[10:30] = np.nan
    return values, np.isfinite(values)


def unreadable(error: Exception) -> np.ndarray:
    raise error


SCENE = Scene(
    **ABOUT,
    name="scene",
    sensor="QuickBird",
    read_multispectral=partial(noise, 40, 50, 4),
    read_panchromatic=partial(noise, 160, 200, 1),
)
SCAN = Scan(
    **ABOUT,
    name="scan",
    slices=(1, 2, 5),
    read_contrasts={"T2": partial(noise, 30, 40, 6), "T1": partial(noise, 30, 40, 6)},
)
FRAME = Frame(
    **ABOUT, name="frame", unit="cm", read_depth=holed, read_colour=partial(noise, 40, 50, 3)
)
PAIR = PublishedPair(
    **ABOUT,
    name="pair",
    open=True,
    task="pansharpening",
    ratio=4,
    read_target=partial(noise, 16, 16, 8),
    read_guide=partial(noise, 64, 64, 1),
    read_truth=partial(noise, 64, 64, 8),
)
DEPTH_PAIR = PublishedPair(
    **ABOUT,
    name="depth pair",
    task="depth",
    ratio=2,
    read_target=partial(noise, 16, 16, 1),
    read_guide=partial(noise, 32, 32, 3),
)
ENTRIES: list[Entry] = [SCENE, SCAN, FRAME, PAIR, DEPTH_PAIR]


def drawn(folder: Path, entries: list[Entry], count: int = 12) -> np.ndarray:
    draw_contact_sheet(folder / "sheet.png", entries, "made", count=count)
    with Image.open(folder / "sheet.png") as picture:
        assert picture.format == "PNG"
        return np.asarray(picture)


def test_every_kind_is_drawn_and_count_is_kept(tmp_path: Path) -> None:
    full = drawn(tmp_path, ENTRIES)
    assert full.shape[1] <= 1600
    one = drawn(tmp_path, ENTRIES, count=1)
    np.testing.assert_array_equal(one, drawn(tmp_path, ENTRIES[:1] * 5, count=1))
    assert one.size < full.size


def test_panels_show_the_images(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 1000, 200, dtype=np.float32), (200, 1))
    made = Scene(
        **ABOUT,
        name="ramp",
        read_multispectral=lambda: np.dstack([0 * ramp, ramp[:, ::-1], ramp, ramp]),
        read_panchromatic=lambda: ramp[..., None],
    )
    sheet = drawn(tmp_path, [made])
    panel = sheet[sheet.shape[0] - 216 : sheet.shape[0] - 16, 16:216].astype(int)
    red, green, blue = panel[100].T
    assert red[0] == green[-1] == 0 and red[-1] == green[0] == 255  # red is band 3, green band 2
    assert (np.diff(red) >= 0).all() and (np.diff(green) <= 0).all()
    assert (blue == 0).all()


def test_unknown_depth_is_grey(tmp_path: Path) -> None:
    sheet = drawn(tmp_path, [FRAME])
    grey = (sheet == np.array(UNKNOWN)).all(axis=2).mean()
    panel = 192 * 240 / sheet.shape[0] / sheet.shape[1]  # 40 x 50 fills the widest panel
    assert grey == pytest.approx(panel / 2, rel=0.05)


def test_what_cannot_be_read_is_shown_as_such(tmp_path: Path) -> None:
    error = FileFormatError("/a/very/long/path" * 9 + ".tif: damaged")
    bad = PublishedPair(
        **ABOUT, name="bad", task="mri", ratio=2, **both(partial(unreadable, error))
    )
    reds = (drawn(tmp_path, [SCENE, bad]) == (176, 32, 32)).all(axis=2)
    assert reds.sum() > 100
    extra = MissingExtraError("install gisr[geo]")
    needs = PublishedPair(
        **ABOUT, name="needs", task="mri", ratio=2, **both(partial(unreadable, extra))
    )
    with pytest.raises(MissingExtraError):
        drawn(tmp_path, [needs])


def both(read: Any) -> dict[str, Any]:
    return {"read_target": read, "read_guide": read}


def test_entries_are_told_apart_in_words() -> None:
    assert [entry.kind for entry in ENTRIES] == [
        "QuickBird",
        "T1 T2",
        "cm",
        "any sensor pairs x4",
        "pairs x2",
    ]
    assert [sizes_of(entry) for entry in ENTRIES[:4]] == [
        "50 x 40 x 4 + 200 x 160 x 1",
        "30 x 40 x 6",
        "50 x 40 + 50 x 40 x 3",
        "16 x 16 x 8 + 64 x 64 x 1 + 64 x 64 x 8",
    ]
    found = holdings([*ENTRIES, PAIR])
    assert [len(holding.entries) for holding in found] == [1, 1, 1, 2, 1]
    assert [holding.open for holding in found] == [0, 0, 0, 2, 0]


def test_groups_in_several_splits_are_found() -> None:
    def named(group: str, split: str) -> PublishedPair:
        about = {"dataset": "made", "name": "a", "task": "mri", "ratio": 2, **both(holed)}
        return PublishedPair(group=group, split=split, **about)  # type: ignore[arg-type]

    entries: list[Entry] = [named("a", "train"), named("b", "test"), named("a", "test")]
    entries += [named("b", "test"), named("", "train"), named("", "test")]
    assert divided_groups(entries) == {"a": ("train", "test")}
