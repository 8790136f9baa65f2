"""The exported network gives what the network gives, at other sizes and ratios too."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from gisr.apps.cli import main
from gisr.data.phantoms import head_phantom, satellite_scene
from gisr.errors import FileFormatError, InputError
from gisr.inference.array_pair import make_pair
from gisr.inference.onnx_export import INPUTS, export_onnx, prepare
from gisr.inference.upscaler import Upscaler
from gisr.magnet import MAGNet
from gisr.weights.store import Weights, load_weights, save_weights

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.slow  # the exporter alone takes more than ten seconds


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory, weights: Callable[..., Weights]
) -> tuple[Weights, Path]:
    """Export a small network by the command, once for all processes of the tests: it takes long."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root
    folder, made = root / "onnx", weights()
    path = folder / "tiny.onnx"
    with FileLock(root / "onnx.lock"):
        if not path.exists():
            save_weights(folder / "tiny", made.network, made.descriptions, name="tiny")
            assert main(["export", "onnx", "-o", str(path), "--model", str(folder / "tiny")]) == 0
        assert [found.name for found in folder.iterdir() if found.is_file()] == ["tiny.onnx"]
    return load_weights(folder / "tiny"), path


@pytest.fixture(scope="module")
def session(exported: tuple[Weights, Path]) -> Any:
    return onnxruntime.InferenceSession(exported[1], providers=["CPUExecutionProvider"])


def compare(
    network: MAGNet, session: Any, batch: int, height: int, width: int, ratios: list[float]
) -> None:
    """Compare what torch and the file answer to the same random inputs."""
    noise = torch.Generator().manual_seed(batch)
    inputs = (
        torch.rand((batch, 4, height, width), generator=noise),
        torch.rand((batch, 4, height, width), generator=noise),
        torch.nn.functional.normalize(torch.randn((batch, 384), generator=noise), dim=1),
        torch.tensor(ratios),
    )
    (found,) = session.run(None, {k: v.numpy() for k, v in zip(INPUTS, inputs, strict=True)})
    with torch.inference_mode():
        expected = (network(*inputs).image - inputs[0]).numpy()
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("batch", "height", "width", "ratios"),
    [
        (2, 12, 20, [4.0, 4.0]),  # as exported
        (1, 4, 4, [2.0]),
        (1, 64, 48, [8.0]),
        (3, 20, 100, [16.0, 1.5, 3.3]),
    ],
)
def test_the_file_agrees_with_torch(
    exported: tuple[Weights, Path],
    session: Any,
    batch: int,
    height: int,
    width: int,
    ratios: list[float],
) -> None:
    compare(exported[0].network, session, batch, height, width, ratios)


def test_the_papers_switches_export_too(tmp_path: Path, weights: Callable[..., Weights]) -> None:
    """Without a use for text and ratio, too, the file takes both."""
    paper = {"ratio_as_number": False, "routing_residual": False, "residual_scale": 1.0}
    made = weights(prompt_modality="visual", hidden_multiple=1, **paper)
    assert export_onnx(made, tmp_path / "paper.onnx") < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "paper.onnx")
    assert [value.name for value in session.get_inputs()] == list(INPUTS)
    compare(made.network.eval(), session, 1, 24, 12, [4.0])


def test_the_file_says_what_it_takes(session: Any) -> None:
    shapes = {value.name: value.shape for value in session.get_inputs()}
    assert shapes == {
        "target": ["batch", 4, "4*rows", "4*columns"],
        "guide": ["batch", 4, "4*rows", "4*columns"],
        "text": ["batch", 384],
        "ratio": ["batch"],
    }
    metadata = session.get_modelmeta().custom_metadata_map
    taken = [metadata[key] for key in ("size_multiple", "guide_channels", "weights")]
    assert taken == ["4", "4", "tiny"]


def pairs() -> list[Any]:
    scene, head = satellite_scene(64), head_phantom(64)
    pan, colour = scene.panchromatic, np.repeat(scene.panchromatic, 3, axis=2)
    low = scene.multispectral.reshape(16, 4, 16, 4, 4).mean(axis=(1, 3))
    satellite = {"sensor": "QuickBird", "bits": 11}
    mri = {"contrast": "T2", "guide_contrast": "T1"}
    return [
        (low, np.roll(pan, 2, axis=0), "pansharpening", satellite),
        (head.t2[::2, ::2], head.t1, "mri", mri),
        (low[:11, :13, 0], colour[:44, :52], "depth", {}),  # no multiple of 4
        (low[:3, :4, :3], pan[:12, :16], "depth", {}),
    ]


@pytest.mark.parametrize("number", range(4))
def test_prepare_and_finish_do_as_the_upscaler(
    exported: tuple[Weights, Path], session: Any, number: int
) -> None:
    target, guide, task, about = pairs()[number]
    pair = make_pair(target, guide, task, **about)
    prepared = prepare(pair, session.get_modelmeta().custom_metadata_map)
    (residual,) = session.run(None, prepared.inputs)
    expected = Upscaler(exported[0], "cpu").answer(pair).image
    spread = float(np.ptp(target))
    assert np.abs(expected - pair.on_guide_grid()).max() > 1e-3 * spread
    np.testing.assert_allclose(prepared.finish(residual), expected, rtol=0, atol=1e-4 * spread)


def test_what_cannot_be_prepared(session: Any) -> None:
    metadata = session.get_modelmeta().custom_metadata_map
    many = make_pair(np.ones((4, 4, 8)), np.ones((16, 16)), "depth")
    with pytest.raises(InputError, match="8 bands, the exported network takes 4"):
        prepare(many, metadata)
    pair = make_pair(1 + np.eye(4), np.eye(16), "depth")
    with pytest.raises(InputError, match="'a cat' is not a description"):
        prepare(pair, metadata, description="a cat")
    with pytest.raises(InputError, match="not that of an ONNX file of gisr"):
        prepare(pair, {})


def test_outputs_that_cannot_be_written(tmp_path: Path, weights: Callable[..., Weights]) -> None:
    (tmp_path / "a.onnx").write_bytes(b"mine")
    with pytest.raises(FileFormatError, match="exists already"):
        export_onnx(weights(), tmp_path / "a.onnx")
    with pytest.raises(FileFormatError, match=r"name the output \.onnx"):
        export_onnx(weights(), tmp_path / "a.pt")
    assert (tmp_path / "a.onnx").read_bytes() == b"mine"
