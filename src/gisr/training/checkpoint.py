"""Checkpoints: safetensors and JSON, whole or not there, enough to resume bit for bit.

A checkpoint is a folder: tensors in shards of at most 15 MiB (so that they pass through channels
with small limits) and ``state.json``. It is written under a temporary name, flushed, and renamed,
and renamed again before it is removed: what is unfinished is never taken for a checkpoint.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from gisr.errors import WeightsError
from gisr.memory import is_out_of_memory
from gisr.temporaries import discard, sweep, temporary, write_error

_SHARD_BYTES = 15 * 2**20
_PREFIX = "step-"
_KEPT = 2


def save_checkpoint(
    folder: Path, step: int, tensors: dict[str, Tensor], state: dict[str, Any]
) -> Path:
    """Write a checkpoint and remove all but the two newest.

    Args:
        folder: Holds the checkpoints of a run, which no other process writes to.
        step: Optimiser steps done.
        tensors: Everything that is a tensor, by name.
        state: Everything else, as JSON values.

    Raises:
        FileFormatError: The disk refuses it; nothing of it is left.
    """
    final = folder / f"{_PREFIX}{step:08d}"
    sweep(folder, held=True)  # of a run that was killed while writing
    part = temporary(final)
    try:
        part.mkdir(parents=True)
        for number, shard in enumerate(_shards(tensors)):
            # As bytes: what safetensors writes itself fails without the system's reason.
            (part / f"tensors-{number:03d}.safetensors").write_bytes(save(shard))
        (part / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
        for path in (*part.iterdir(), part):
            _flush(path)
        if final.exists():  # a run that repeats a step
            remove_checkpoint(final)
        part.rename(final)
        _flush(folder)
    except OSError as error:
        raise write_error(final, error) from error
    finally:
        discard(part)
    for old in checkpoints(folder)[:-_KEPT]:
        remove_checkpoint(old)
    return final


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, the newest last."""
    return sorted(path for path in folder.glob(f"{_PREFIX}*") if (path / "state.json").is_file())


def latest_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint of a run, or None."""
    found = checkpoints(folder)
    return found[-1] if found else None


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint; a process killed here leaves it whole, or not as a checkpoint.

    Raises:
        FileFormatError: The system refuses it.
    """
    old = temporary(path.with_name(f"{path.name}.old"))
    try:
        path.rename(old)
    except OSError as error:
        raise write_error(path, error) from error
    discard(old)


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
        if is_out_of_memory(error):
            raise MemoryError(str(path)) from error
        raise WeightsError(
            f"{path}: cannot read the checkpoint ({error}): remove this folder to go on from the "
            "checkpoint before it"
        ) from error
    return tensors, state


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
