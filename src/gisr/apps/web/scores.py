"""How far from a truth: the interpolated and the sharpened image, by the metrics of the task."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gisr.metrics import MetricName, ergas, psnr, rmse, sam, ssim_wang
from gisr.pipelines.layers import LayerName, Layers, Plane
from gisr.tasks import TaskName, find_task

_SSIM: MetricName = "ssim_wang"
_Image = Float[np.ndarray, "H W bands"]


@dataclass(frozen=True)
class Scores:
    """Values of both images."""

    values: Mapping[LayerName, Mapping[MetricName, float]]
    """By ``interpolated`` or ``sharpened``, then by metric."""
    peak: float
    """Full signal for PSNR and SSIM."""
    border: int
    """Pixels cut on every side; SSIM sees all."""
    known: float
    """Share of pixels that were compared."""

    @property
    def note(self) -> str:
        """How they were taken, in a sentence or two."""
        measured, words = set(next(iter(self.values.values()))), []
        if "psnr" in measured:
            words.append(f"Full signal is {self.peak:.6g}.")
        if self.border:
            words.append(f"{self.border} pixels are cut on every side.")
        if self.known < 1:
            words.append(f"{self.known:.1%} of the pixels are known and counted.")
            if "ssim_wang" not in measured and "psnr" in measured:
                words.append("SSIM needs them all.")
        return " ".join(words)


def score(layers: Layers, task: TaskName, ratio: float, bits: int | None) -> Scores:
    """Compare with the truth, over the whole image or volume.

    A volume's PSNR is taken over all of its voxels at once, its SSIM is the mean over slices.

    Args:
        layers: With a truth.
        task: What they are.
        ratio: Of the pair, for ERGAS.
        bits: Significant bits of a satellite image, for the value of full signal; the largest
            value of the truth where it is not known.

    Raises:
        InputError: The image is too small, or nothing of it is known.
    """
    compared: tuple[LayerName, ...] = ("interpolated", "sharpened")
    images, truth = {name: _whole(layers, name) for name in compared}, _whole(layers, "truth")
    known = np.isfinite(truth).all(axis=2)
    for image in images.values():
        known &= np.isfinite(image).all(axis=2)
    peak = float(np.nanmax(truth)) if bits is None else float(2**bits - 1)
    record = find_task(task)
    # SSIM is shown wherever PSNR is.
    wanted = (
        (record.metric, _SSIM, *record.metrics[1:]) if record.metric == "psnr" else record.metrics
    )
    metrics = [name for name in dict.fromkeys(wanted) if name != _SSIM or known.all()]
    border = record.border
    values = {
        name: {
            metric: _measured(metric, image, truth, known, peak=peak, ratio=ratio, border=border)
            for metric in metrics
        }
        for name, image in images.items()
    }
    return Scores(values, peak, border, float(known.mean()))


def _whole(layers: Layers, name: LayerName) -> _Image:
    """Return a whole layer; slices of a volume as bands."""
    axis = layers.axis
    rows, columns = layers.size(Plane(axis))
    everything = slice(0, rows), slice(0, columns)
    planes = [
        layers.read(name, Plane(axis, index), everything) for index in range(layers.slices[axis])
    ]
    return np.concatenate(planes, axis=2)


def _measured(
    metric: MetricName,
    image: _Image,
    truth: _Image,
    known: Bool[np.ndarray, "H W"],
    *,
    peak: float,
    ratio: float,
    border: int,
) -> float:
    if metric == "ssim_wang":
        bands = range(truth.shape[2])  # one by one: a volume at once would take much memory
        return float(np.mean([ssim_wang(image[..., b], truth[..., b], peak=peak) for b in bands]))
    if metric in ("psnr", "rmse"):
        filled = np.where(known[..., None], image, 0), np.where(known[..., None], truth, 0)
        if metric == "psnr":
            return psnr(*filled, peak=peak, border=border, valid=known)
        return rmse(*filled, border=border, valid=known)
    # Both go pixel by pixel, so the known ones may stand in one row.
    inner = slice(border, image.shape[0] - border), slice(border, image.shape[1] - border)
    kept = known[inner]
    line = image[inner][kept][None], truth[inner][kept][None]
    return sam(*line) if metric == "sam" else ergas(*line, ratio=ratio)
