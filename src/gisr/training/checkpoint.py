"""Checkpoints: safetensors and JSON, whole or not there, enough to resume bit for bit.

A checkpoint is a folder: tensors in shards of at most 15 MiB (so that they pass through channels
with small limits) and ``state.json``. It is written under a temporary name, flushed, and renamed;
an unfinished one is never taken for a checkpoint.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gisr.errors import WeightsError

_SHARD_BYTES = 15 * 2**20
_PREFIX = "step-"
_KEPT = 2


def save_checkpoint(
    folder: Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any]
) -> Path:
    """Write a checkpoint and remove all but the two newest.

    Args:
        folder: Holds the checkpoints of a run.
        step: Optimiser steps done.
        tensors: Everything that is a tensor, by name.
        state: Everything else, as JSON values.
    """
    final = folder / f"{_PREFIX}{step:08d}"
    for left in folder.glob(f".{_PREFIX}*.part"):  # of a run that was killed while writing
        shutil.rmtree(left)
    part = folder / f".{final.name}.{os.getpid()}.part"
    part.mkdir(parents=True)
    for number, shard in enumerate(_shards(tensors)):
        save_file(shard, part / f"tensors-{number:03d}.safetensors")
    (part / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
    for path in (*part.iterdir(), part):
        _flush(path)
    if final.exists():  # a run that repeats a step
        shutil.rmtree(final)
    part.rename(final)
    _flush(folder)
    for old in _checkpoints(folder)[:-_KEPT]:
        shutil.rmtree(old)
    return final


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint of a run, or None."""
    found = _checkpoints(folder)
    return found[-1] if found else None


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a checkpoint.

    Raises:
        WeightsError: It is damaged.
    """
    try:
        state = json.loads((path / "state.json").read_text(encoding="utf-8"))
        tensors: dict[str, Tensor] = {}
        for shard in sorted(path.glob("tensors-*.safetensors")):
            tensors |= load_file(shard)
    except (OSError, ValueError, SafetensorError) as error:  # ValueError: not JSON, not UTF-8
        raise WeightsError(f"{path}: cannot read the checkpoint ({error})") from error
    return tensors, state


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{_PREFIX}*") if (path / "state.json").is_file())


def _shards(tensors: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if shards[-1] and filled + size > _SHARD_BYTES:
            shards.append({})
            filled = 0
        # A copy: safetensors refuses tensors that share memory or are not contiguous.
        shards[-1][name] = (
            tensor.detach().to("cpu", copy=True).contiguous(memory_format=torch.contiguous_format)
        )
        filled += size
    return shards


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
