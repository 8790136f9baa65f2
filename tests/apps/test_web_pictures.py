"""Pictures of a result on the page: comparisons, routing; and the examples."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.apps.web_files import (
    LIMITS,
    depth_files,
    mr_files,
    run,
    satellite_files,
)

from gisr.apps.web.drawing import (
    View,
    draw_overview,
    draw_view,
)
from gisr.apps.web.examples import EXAMPLES
from gisr.apps.web.job import preview
from gisr.apps.web.routing_map import draw_routing
from gisr.data.degradations import kspace_crop
from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler
from gisr.io.volumes.pair import VolumePair
from gisr.pipelines.layers import Plane
from gisr.pipelines.table import PIPELINES


def test_drawings_compare_with_what_is_asked(tmp_path: Path, upscaler: Upscaler) -> None:
    outcome = run(upscaler, satellite_files(tmp_path))
    drawings = {
        name: draw_view(outcome.layers, "pansharpening", View(comparison=name))
        for name in ("interpolated", "guide", "truth", "errors")
    }
    sharpened = drawings["interpolated"].right
    assert sharpened.shape == (64 * 11, 64 * 11, 3)
    for name in ("guide", "truth"):
        np.testing.assert_array_equal(drawings[name].right, sharpened)
        assert (drawings[name].left != drawings["interpolated"].left).any()
    assert drawings["errors"].left_name == "error of interpolated"
    assert (drawings["errors"].right != sharpened).any()
    assert draw_overview(outcome.layers, View()) is None


@pytest.mark.parametrize("make", [depth_files, satellite_files, mr_files])
def test_routing_is_drawn_for_what_is_in_view(
    tmp_path: Path, upscaler: Upscaler, make: Any
) -> None:
    outcome = run(upscaler, replace(make(tmp_path), truth=None))
    assert outcome.scores is None
    plane = Plane(outcome.layers.axis, 2 if len(outcome.layers.slices) > 1 else 0)
    picture = draw_routing(outcome, View(plane))
    assert picture.dtype == np.uint8 and picture.shape[0] > 200 and picture.shape[1] > 300
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 4


def test_routing_of_slices_the_network_never_saw_is_refused(
    tmp_path: Path, upscaler: Upscaler
) -> None:
    outcome = run(upscaler, mr_files(tmp_path))
    with pytest.raises(InputError, match="did not see this slice"):
        draw_routing(outcome, View(Plane(0, 5)))


@pytest.mark.parametrize("task", ["depth", "mri", "pansharpening"])
def test_examples_are_files_that_can_be_used_and_compared(tmp_path: Path, task: Any) -> None:
    found = preview(EXAMPLES[task].write(tmp_path), {}, LIMITS, tmp_path)
    assert found.request.task == task
    pipeline, path = PIPELINES[found.request.task], next(tmp_path.glob("truth*"))
    truth = pipeline.read_truth(path, found.request, LIMITS.files)
    if isinstance(found.request.files, VolumePair):
        # Its truth, cropped in k-space, is its target: nothing was shifted.
        assert isinstance(truth.content, np.ndarray)
        reduced = kspace_crop(truth.content[..., 0], 4)
        np.testing.assert_allclose(found.request.files.target.voxels[..., 0], reduced, atol=1e-2)
