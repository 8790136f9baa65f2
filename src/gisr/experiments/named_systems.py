"""Systems by the names that the command line and tables have for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from gisr.baselines.classical import CLASSICAL
from gisr.baselines.family import load_family
from gisr.baselines.systems import SystemName
from gisr.errors import InputError, meant
from gisr.experiments.system_variants import SYSTEM_ALONE, SystemVariant
from gisr.inference.answers import Settings
from gisr.inference.consistency.correction import Corrected
from gisr.inference.loading import load_model
from gisr.weights.folder import EMBEDDED

_CORRECTED: dict[str, Corrected] = {"consistent": "always", "plain": "never"}
"""Behind the name of weights and a plus: scored as with ``gisr upscale --consistent``, or with
``--no-consistent``, which leaves the network alone."""
_ENSEMBLE = "ensemble"
"""Likewise: scored as with ``--uncertainty``, as the mean of eight answers."""


def load_systems(names: Sequence[str], device: str | None = None) -> dict[str, SystemVariant]:
    """Return systems by name: classical, published with weights, or what ``load_model`` takes.

    ``magnet-s`` is scored as ``gisr upscale`` works by default, ``magnet-s+consistent`` as with
    ``--consistent``, ``magnet-s+plain`` as with ``--no-consistent``, ``magnet-s+ensemble`` as with
    ``--uncertainty``, and ``magnet-s+ensemble+consistent`` as with both. ``dctnet:runs/x4,runs/x8``
    is a published system with weights in these folders, one a ratio, without any correction.
    """
    return {name: _load_system(name, device) for name in names}


def _load_system(name: str, device: str | None) -> SystemVariant:
    if name in CLASSICAL:
        return SystemVariant(CLASSICAL[name])
    system, _, folders = name.partition(":")
    if system in get_args(SystemName) and not folders:
        raise InputError(
            f"{name}: is a published system, without weights of its own here: give a folder of "
            f"them, as {name}:runs/x"
        )
    if system in get_args(SystemName) and folders:
        return SystemVariant(load_family(system, folders.split(","), device), SYSTEM_ALONE)
    weights, corrected, ensemble = name, None, False
    while True:
        rest, _, way = weights.rpartition("+")
        if rest and way in _CORRECTED and corrected is None:
            weights, corrected = rest, _CORRECTED[way]
        elif rest and way == _ENSEMBLE and not ensemble:
            weights, ensemble = rest, True
        else:
            break
    _check_spelling(name, weights)
    settings = Settings(spread=ensemble, consistent=corrected or "default")
    return SystemVariant(load_model(weights, device), settings)


def _check_spelling(name: str, weights: str) -> None:
    """Refuse a word that is close to the name of a system, and no folder."""
    known = [*CLASSICAL, *get_args(SystemName), *EMBEDDED]
    word = weights.partition(":")[0]
    if word in known or Path(weights).exists():
        return
    if remedy := meant(word, known):
        raise InputError(f"unknown system {name!r}: {remedy}")
