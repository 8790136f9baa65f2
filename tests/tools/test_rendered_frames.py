"""``tools/rendered_frames.py``: exact depth, in register with the picture, for training."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.tool import TOOLS
from tests.tools.known_room import (
    BALL,
    BOARD_AT,
    EYE,
    FOCAL,
    HEIGHT,
    RADIUS,
    ROLL,
    TOWARDS,
    WALL_AT,
    WIDTH,
)

from gisr.datasets.entry import Frame
from gisr.datasets.sources import read_entries

SCRIPT = TOOLS / "rendered_frames.py"
SENSOR = 36.0


def blender(script: Path, *words: str) -> None:
    """Run a script in Blender, and fail with what it said."""
    program = shutil.which("blender")
    if program is None:
        pytest.skip("Blender is not installed: no command blender")
    command = [program, "--background", "--factory-startup", "--python-exit-code", "1"]
    done = subprocess.run(
        [*command, "--python", str(script), "--", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named 'numpy'" in done.stderr:  # Debian only recommends it
        pytest.skip("Blender's Python has no numpy: apt install python3-numpy")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NDArray[Any]]:
    """Return depth, numbers of things and colours of the known room."""
    out = tmp_path_factory.mktemp("known") / "room.npz"
    blender(Path(__file__).with_name("known_room.py"), str(out))
    with np.load(out) as file:
        return {name: file[name] for name in file.files}


def rays() -> NDArray[np.float64]:
    """Return (H, W, 3) directions through pixel centres, one metre along the optical axis."""
    ahead = (TOWARDS - EYE) / np.linalg.norm(TOWARDS - EYE)
    level = np.cross(ahead, (0, 0, 1))
    level /= np.linalg.norm(level)
    upright = np.cross(level, ahead)
    right = np.cos(ROLL) * level + np.sin(ROLL) * upright
    up = np.cos(ROLL) * upright - np.sin(ROLL) * level
    pixel = SENSOR / WIDTH / FOCAL
    x = (np.arange(WIDTH) + 0.5 - WIDTH / 2) * pixel
    y = (HEIGHT / 2 - np.arange(HEIGHT) - 0.5) * pixel
    return ahead + x[None, :, None] * right + y[:, None, None] * up


def test_depth_is_the_distance_along_the_optical_axis(known: dict[str, NDArray[Any]]) -> None:
    depth, seen, directions = known["depth"], known["seen"], rays()
    for thing, plane in ((0, WALL_AT), (1, BOARD_AT)):
        there = seen == thing
        assert there.sum() > 500
        np.testing.assert_allclose(depth[there], plane / directions[..., 1][there], atol=1e-5)
    aside = EYE - BALL
    square, half = (directions**2).sum(axis=-1), directions @ aside
    root = half**2 - square * (aside @ aside - RADIUS**2)
    expected = (-half - np.sqrt(np.maximum(root, 0))) / square
    ball = (seen == 2) & (root > 0)
    assert ball.sum() > 150
    wrong = np.abs(depth - expected)[ball]  # the ball has corners
    assert np.median(wrong) < 0.001 and np.percentile(wrong, 95) < 0.005


def test_depth_and_picture_are_in_register(known: dict[str, NDArray[Any]]) -> None:
    """The middle of what the board covers of each pixel is the middle of its pixels in depth."""
    board, bright = known["seen"] == 1, known["linear"].mean(axis=-1)
    rows, columns = np.nonzero(board)
    near = np.zeros_like(board)
    near[rows.min() - 2 : rows.max() + 3, columns.min() - 2 : columns.max() + 3] = True
    near &= known["seen"] != 2
    black = np.percentile(bright[known["seen"] == 0], 20)
    cover = np.clip((bright - black) / (np.median(bright[board]) - black), 0, 1) * near
    at = np.indices(board.shape)
    middle = (cover * at).sum(axis=(1, 2)) / cover.sum()
    np.testing.assert_allclose(middle, (rows.mean(), columns.mean()), atol=0.1)


def test_frames_are_training_entries_and_kept(tmp_path: Path) -> None:
    words = [str(tmp_path), "--width", "64", "--height", "48", "--samples", "1", "--seed", "3"]
    blender(SCRIPT, *words, "--count", "1")
    (first,) = (tmp_path / "depth").glob("*.png")
    written = first.stat().st_mtime_ns
    blender(SCRIPT, *words, "--count", "2")
    assert first.stat().st_mtime_ns == written
    entries = read_entries(tmp_path)
    assert [(entry.task, entry.split, entry.open) for entry in entries] == [
        ("depth", "train", True)
    ] * 2
    assert len({entry.group for entry in entries}) == 2
    for entry in entries:
        assert isinstance(entry, Frame)
        depth, known = entry.depth
        assert depth.shape == (48, 64) and entry.colour.shape == (48, 64, 3)
        assert known.mean() > 0.5 and 0.05 < depth[known].min() < depth[known].max() <= 20.0
        assert entry.colour.std() > 3
