"""``gisr upscale --watch`` as a process: frames arrive, a signal ends it."""

import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.warm import Program, Warm

RNG = np.random.default_rng(3)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
MOST_SECONDS = 240


def write_frame(folder: Path, number: int) -> None:
    """Write a depth map in two parts, as a slow camera does, and its picture."""
    depth = RNG.integers(500, 5000, (16, 24)).astype(np.uint16)
    colour = RNG.integers(0, 256, (64, 96, 3)).astype(np.uint8)
    Image.fromarray(colour).save(folder / "colour" / f"frame-{number:06}.color.jpg")
    whole = folder / "whole.png"
    Image.fromarray(depth).save(whole)
    content = whole.read_bytes()
    with (folder / "depth" / f"{number:06}_depth.png").open("wb") as stream:
        stream.write(content[:100])
        stream.flush()
        time.sleep(0.2)
        stream.write(content[100:])


@pytest.fixture
def watching(warm: Warm, tmp_path: Path, tiny_weights: Path) -> Iterator[Program]:
    for name in ("depth", "colour"):
        (tmp_path / name).mkdir()
    words = [*("upscale", "depth", "colour", "-o", "out", "--watch", "--device", "cpu")]
    command = ["-m", "gisr", *words, "--model", str(tiny_weights)]
    with warm.start(*command, folder=tmp_path) as program:
        yield program
        if program.status is None:  # the test failed
            program.send(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_frames_are_sharpened_as_they_arrive(
    tmp_path: Path, watching: Program, number: signal.Signals
) -> None:
    assert watching.err.readline().startswith("gisr: watching depth and colour")
    for frame in (1, 2):
        write_frame(tmp_path, frame)
        line = watching.out.readline()
        assert re.match(rf".*/out/00000{frame}_depth\.png: depth x4, 96 x 64", line), line
    watching.send(number)
    watching.wait(MOST_SECONDS)
    said, errors = watching.out.read(), watching.err.read()
    assert watching.status == 0, errors
    assert said.splitlines()[-1].startswith("2 done, 0 failed, ")
    assert "Traceback" not in errors
    outputs = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert outputs == ["000001_depth.png", "000002_depth.png"]
    for name in outputs:
        with Image.open(tmp_path / "out" / name) as image:
            assert image.size == (96, 64)
