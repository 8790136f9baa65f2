"""--max-memory counts the blocks that GDAL has to decode whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.geotiffs import write_geotiff

from gisr.errors import LimitError
from gisr.inference.memory import memory_taken
from gisr.inference.upscaler import Upscaler
from gisr.io.geotiff import GeoReader
from gisr.pipelines import Options, upscale_files
from gisr.weights.store import Weights


def test_a_strip_beyond_the_budget_is_refused_unread(
    tmp_path: Path, weights: Callable[..., Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_geotiff(tmp_path / "ms.tif", np.ones((1024, 1024, 4), np.uint16), 4.0)
    sides: dict[str, Any] = {
        "height": 4096,
        "width": 4096,
        "compress": "deflate",
        "blockysize": 4096,
    }
    pan = write_geotiff(tmp_path / "pan.tif", np.ones((4096, 4096, 1), np.uint16), 1.0, **sides)
    upscaler = Upscaler(weights(), "cpu")

    def fail(*window: object) -> None:
        raise AssertionError("a pixel was read")

    monkeypatch.setattr(GeoReader, "read", fail)
    budget = memory_taken() + 2 * 4096 * 4096 * 2 - 20 * 10**6
    with pytest.raises(LimitError, match=r"pan\.tif is stored in blocks of 4096 x 4096.*TILED"):
        upscale_files(
            upscaler, tmp_path / "ms.tif", pan, tmp_path / "o.tif", Options(max_memory=str(budget))
        )
    assert not (tmp_path / "o.tif").exists()
