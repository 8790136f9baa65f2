"""The network as an ONNX file, for programs that have no torch.

Its inputs are what the network sees, its output is what the network adds, so the values of any
sensor have to be brought to the network's range before and back after: :func:`prepare` and
:meth:`Prepared.finish` do as the upscaler does. Batch, height and width are free, but height and
width must be multiples of ``size_multiple``, which stands in the file's metadata along with every
built-in description and its embedding.
"""

import base64
import copy
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.data.pair import Pair
from gisr.errors import FileFormatError, InputError
from gisr.inference.answers import Answer
from gisr.inference.consistency.correction import Consistency, consistent_image, is_corrected
from gisr.inference.surfaces import settled
from gisr.inference.trained_ratio import at_trained_ratio, onto_guide
from gisr.inference.value_bounds import Bounds, bounds_of
from gisr.inference.value_levels import within_range
from gisr.inference.window_work import as_tensor
from gisr.inference.windowed_pair import ArraySource
from gisr.io.files import atomic_output, check_writable, file_suffix
from gisr.magnet import MAGNet
from gisr.magnet.blocks import (
    TARGET_CHANNELS,
    carry_guide,
    carry_target,
    restore,
)
from gisr.optional_imports import load_extra
from gisr.tasks import find_task
from gisr.version import __version__
from gisr.weights.store import Weights

if TYPE_CHECKING:
    from torch.onnx import ONNXProgram

INPUTS = ("target", "guide", "text", "ratio")
"""Inputs of the file: (b, 4, h, w) normalised target on the guide's grid, (b, g, h, w) normalised
guide of the metadata's ``guide_channels``, (b, d) embedding of the description, (b,) how many times
coarser the target was."""
OUTPUT = "residual"
"""Output of the file: (b, 4, h, w), to be added to the normalised target."""
_FORMAT = "gisr onnx 1"
_OPSET = 20
"""The first with GELU as one operator."""
_MOST_UNITS = 4096
"""Bound of height and width, in size multiples, and of the batch: what the exporter may assume."""
_TOLERANCE = 1e-4

ExportInputs = tuple[Tensor, Tensor, Tensor, Tensor]


class _Residual(nn.Module):
    """What the network adds, without its record of the routing."""

    def __init__(self, network: MAGNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, target: Tensor, guide: Tensor, text: Tensor, ratio: Tensor) -> Tensor:
        image: Tensor = self.network(target, guide, text, ratio).image
        return image - target


def export_onnx(weights: Weights, path: str | PathLike[str], *, overwrite: bool = False) -> float:
    """Write a network as one ONNX file that was compared with the network itself.

    Args:
        weights: From :func:`gisr.weights.store.load_weights`.
        path: File to write, ``.onnx``; it appears whole or not at all.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The largest difference between file and network on an image of another size than the one
        used for the export.

    Raises:
        FileFormatError: The file cannot be written, or onnxruntime computes something else.
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
    """
    output = Path(path)
    if file_suffix(output) != ".onnx":
        raise FileFormatError(f"{output}: name the output .onnx")
    check_writable(output, overwrite)
    for package in ("onnx", "onnxscript", "onnxruntime"):
        load_extra(package, "export")
    network = copy.deepcopy(weights.network).cpu().float().eval().requires_grad_(False)
    residual = _Residual(network).eval()
    program = _exported(residual)
    program.model.metadata_props.update(_metadata(weights))
    with atomic_output(output, overwrite) as temporary:
        program.save(str(temporary), external_data=False)
        worst = _difference(residual, temporary)
        if not worst <= _TOLERANCE:
            raise FileFormatError(
                f"{output}: not written: the exported network differs from the network by "
                f"{worst:.2g}; use the versions of onnx and onnxruntime in constraints.txt"
            )
    return worst


@dataclass(frozen=True, eq=False)
class Prepared:
    """A pair as an exported network takes it."""

    inputs: dict[str, Float[np.ndarray, "..."]]
    """By name, for ``session.run``."""
    on_grid: Float[np.ndarray, "H W bands"]
    """The target on the grid on which the network answers, in its own units."""
    pair: Pair
    """What was prepared."""
    source: ArraySource
    """The same with its guide aligned."""
    bounds: Bounds | None
    """Where the values of the result can lie."""

    def finish(self, residual: Float[np.ndarray, "1 4 h w"]) -> Float[np.ndarray, "H W bands"]:
        """Return the sharpened image in the target's units from the output of the network."""
        height, width, bands = self.on_grid.shape
        own = restore(torch.from_numpy(residual), bands)[0, :, :height, :width]
        added = self.source.survey.normalisation.residual(own.permute(1, 2, 0).numpy())
        image = self.on_grid + added
        if self.bounds is not None:
            image = self.bounds.clip(image)
        image = onto_guide(self.source.survey.clip(image, self.pair.bits), self.pair)
        if find_task(self.pair.task).surfaces:
            answer, self.source.reduction = settled(Answer(image), self.pair, None)
            image = answer.image
        if is_corrected("default", self.pair, self.source):
            return consistent_image(image, self.pair, self.source, Consistency())
        return image


def prepare(pair: Pair, metadata: Mapping[str, str], *, description: str | None = None) -> Prepared:
    """Bring a pair to the range and size that an exported network takes, as the upscaler does.

    Args:
        pair: From :func:`gisr.inference.system.make_pair`; its guide is aligned first.
        metadata: Of the file: ``session.get_modelmeta().custom_metadata_map``.
        description: One of the built-in sentences in place of the pair's own.

    Raises:
        InputError: The metadata is of another file, the pair has more than 4 bands, or the
            description is not in the file.
    """
    if metadata.get("format") != _FORMAT:
        raise InputError("metadata is not that of an ONNX file of gisr: export it again")
    source = ArraySource(pair)
    if source.bands > TARGET_CHANNELS:
        raise InputError(
            f"target has {source.bands} bands, the exported network takes {TARGET_CHANNELS}: send "
            "groups of bands, or use the upscaler, whose groups share one prompt"
        )
    source.align()
    worked = at_trained_ratio(pair)
    seen = source if worked is pair else ArraySource(worked)
    source.survey = seen.survey
    cut = seen.cut((slice(0, seen.shape[0]), slice(0, seen.shape[1])))
    if cut is None:
        raise InputError("no known pixel: there is nothing to sharpen")
    sentence = description or seen.description
    on_grid, normal = cut.pair.on_guide_grid(), source.survey.normalisation
    cpu, multiple = torch.device("cpu"), int(metadata["size_multiple"])
    # What is far outside the range is cut off: the upscaler would see it again at another level.
    low, _ = carry_target(as_tensor(within_range(normal.target(on_grid)), cpu))
    guide = as_tensor(within_range(normal.guide(cut.pair.guide)), cpu)
    high = carry_guide(guide, int(metadata["guide_channels"]))
    inputs = {
        "target": _padded(low.numpy(), multiple),
        "guide": _padded(high.numpy(), multiple),
        "text": _embedding(metadata, sentence)[None],
        "ratio": np.array([seen.ratio], dtype=np.float32),
    }
    return Prepared(inputs, on_grid, pair, source, bounds_of(cut, normal))


def _exported(residual: _Residual) -> "ONNXProgram":
    multiple = residual.network.config.size_multiple
    batch, rows, columns = (
        torch.export.Dim(name, min=1, max=_MOST_UNITS) for name in ("batch", "rows", "columns")
    )
    image = {0: batch, 2: multiple * rows, 3: multiple * columns}
    with _without_chatter():
        program = torch.onnx.export(
            residual,
            _example(residual.network, batch=2, units=(3, 5), ratio=4.0),
            dynamo=True,
            opset_version=_OPSET,
            input_names=INPUTS,
            output_names=(OUTPUT,),
            dynamic_shapes=(image, image, {0: batch}, {0: batch}),
            verbose=False,
        )
    assert program is not None  # what dynamo=True gives
    return program


def _example(network: MAGNet, *, batch: int, units: tuple[int, int], ratio: float) -> ExportInputs:
    config, noise = network.config, torch.Generator().manual_seed(0)
    sides = tuple(config.size_multiple * unit for unit in units)
    return (
        torch.rand((batch, TARGET_CHANNELS, *sides), generator=noise),
        torch.rand((batch, config.guide_channels, *sides), generator=noise),
        torch.randn((batch, config.text_width), generator=noise),
        torch.full((batch,), ratio),
    )


def _difference(residual: _Residual, path: Path) -> float:
    """Return the largest difference between a file and the network it is made of."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = _example(residual.network, batch=1, units=(4, 2), ratio=2.5)
    named = {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)}
    (found,) = session.run([OUTPUT], named)
    with torch.inference_mode():
        expected = residual(*inputs).numpy()
    return float(np.abs(found - expected).max())


def _metadata(weights: Weights) -> dict[str, str]:
    table = weights.descriptions
    embeddings = np.ascontiguousarray(table.embeddings, dtype="<f4")
    return {
        "format": _FORMAT,
        "gisr": __version__,
        "weights": weights.name,
        "size_multiple": str(weights.network.config.size_multiple),
        "guide_channels": str(weights.network.config.guide_channels),
        "text_encoder": table.encoder,
        "descriptions": json.dumps(table.sentences),
        "embeddings": base64.b64encode(embeddings.tobytes()).decode("ascii"),
    }


def _embedding(metadata: Mapping[str, str], sentence: str) -> Float[np.ndarray, " d"]:
    """Return the embedding of a description: float32, little-endian, rows of the sentences."""
    sentences = json.loads(metadata["descriptions"])
    if sentence not in sentences:
        raise InputError(f"{sentence!r} is not a description of the file: use a built-in one")
    values = np.frombuffer(base64.b64decode(metadata["embeddings"]), dtype="<f4")
    row = values.reshape(len(sentences), -1)[sentences.index(sentence)]
    return np.asarray(row, dtype=np.float32)


def _padded(
    image: Float[np.ndarray, "b c h w"], multiple: int
) -> Float[np.ndarray, "b c padded_h padded_w"]:
    """Pad below and to the right as the network does: by reflection where that is possible."""
    height, width = image.shape[2:]
    bottom, right = -height % multiple, -width % multiple
    mode = "reflect" if bottom < height and right < width else "edge"
    return np.pad(image, ((0, 0), (0, 0), (0, bottom), (0, right)), mode=mode)  # type: ignore[call-overload, no-any-return]


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Silence the exporter's own warnings: missing torchvision, axes of one name, copies."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "# The axis name", UserWarning)
            warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)
            yield
    finally:
        logger.setLevel(level)
