"""The published networks that MAG-Net is compared with, by name: Tables I and II of the paper."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, get_args

from gisr.errors import InputError, listed, meant
from gisr.tasks import TaskName
from gisr.tasks.depth import DEPTH
from gisr.tasks.mri import MRI
from gisr.tasks.pansharpening import PANSHARPENING

if TYPE_CHECKING:  # torch takes seconds to load
    from gisr.baselines.network import ComparedNetwork

SystemName = Literal[
    "promptir",
    "gridformer",
    "transweather",
    "captnet",
    "adair",
    "awfln",
    "dispnet",
    "lagconv",
    "m3dnet",
    "fusionmamba",
    "difpan",
    "mgdun",
    "dudonet",
    "minet",
    "masa",
    "mcmrsr",
    "sanet",
    "geodsr",
    "dagf",
    "ahmf",
    "dctnet",
    "dkn",
    "fdkn",
    "sgnet",
]
"""In the order of the paper's tables."""
ALL_IN_ONE_CHANNELS = (4, 3)
"""Channels of target and guide of a network for all tasks, as MAG-Net carries them."""
TASK_CHANNELS: dict[TaskName, tuple[int, int]] = {
    PANSHARPENING.name: (4, 1),
    MRI.name: (1, 1),
    DEPTH.name: (1, 3),
}
"""Channels of target and guide of a network for one task; more bands go through in groups."""
_CLASSES: dict[SystemName, str] = {
    "promptir": "restoration.promptir:PromptIR",
    "gridformer": "restoration.gridformer:GridFormer",
    "transweather": "restoration.transweather:TransWeather",
    "captnet": "restoration.captnet:CAPTNet",
    "adair": "restoration.adair:AdaIR",
    "awfln": "pansharpening.awfln:AWFLN",
    "dispnet": "pansharpening.dispnet:DISPNet",
    "lagconv": "pansharpening.lagconv:LAGConv",
    "m3dnet": "pansharpening.m3dnet:M3DNet",
    "fusionmamba": "pansharpening.fusionmamba:FusionMamba",
    "difpan": "pansharpening.difpan:DifPAN",
    "mgdun": "mri.mgdun:MGDUN",
    "dudonet": "mri.dudonet:DuDoNet",
    "minet": "mri.minet:MINet",
    "masa": "mri.masa:MASA",
    "mcmrsr": "mri.mcmrsr:McMRSR",
    "sanet": "mri.sanet:SANet",
    "geodsr": "depth.geodsr:GeoDSR",
    "dagf": "depth.dagf:DAGF",
    "ahmf": "depth.ahmf:AHMF",
    "dctnet": "depth.dctnet:DCTNet",
    "dkn": "depth.dkn:DKN",
    "fdkn": "depth.dkn:FDKN",
    "sgnet": "depth.sgnet:SGNet",
}
"""Module and class of each: imported when it is built."""


def find_system(name: str) -> "type[ComparedNetwork]":
    """Return the class of a published network.

    Raises:
        InputError: There is none of this name.
    """
    place = {str(known): place for known, place in _CLASSES.items()}.get(name)
    if place is None:
        otherwise = f"use one of {', '.join(_CLASSES)}"
        raise InputError(f"unknown system {name!r}: {meant(name, _CLASSES, otherwise, 0.75)}")
    module, _, class_name = place.partition(":")
    found: type[ComparedNetwork] = getattr(import_module(f"gisr.baselines.{module}"), class_name)
    return found


@dataclass(frozen=True)
class SystemShape:
    """What a published network is built for: all that its weights do not say.

    Raises:
        ValueError: There is no such system.
    """

    name: SystemName
    tasks: tuple[TaskName, ...]
    target_channels: int
    guide_channels: int
    ratio: int
    """Largest ratio of an all-in-one network, which takes any; the only one of another."""
    width: float = 1.0
    """Factor of the published widths."""

    def __post_init__(self) -> None:
        """Refuse unknown systems."""
        if self.name not in get_args(SystemName):
            raise ValueError(f"unknown system {self.name!r}: use one of {', '.join(_CLASSES)}")

    @classmethod
    def of(
        cls, name: SystemName, sets: list[tuple[TaskName, int]], width: float = 1.0
    ) -> "SystemShape":
        """Return the shape for some tasks and ratios.

        Args:
            name: The system.
            sets: Task and ratio of each training set.
            width: Factor of the published widths.

        Raises:
            ValueError: The system is for other tasks, or for one ratio at a time.
        """
        published = find_system(name).published
        tasks = tuple(dict.fromkeys(task for task, _ in sets))
        ratios = sorted({ratio for _, ratio in sets})
        if foreign := set(tasks) - set(published.tasks):
            raise ValueError(
                f"is for {' and '.join(published.tasks)}, not {listed(foreign)}: keep those sets "
                f"alone (--only {published.tasks[0]})"
            )
        if published.all_in_one:
            return cls(name, tasks, *ALL_IN_ONE_CHANNELS, ratios[-1], width)
        if len(ratios) > 1:
            raise ValueError(
                f"is trained for one ratio at a time, the sets have {', '.join(map(str, ratios))}: "
                f"keep one (--only {tasks[0]}:{ratios[-1]})"
            )
        return cls(name, tasks, *TASK_CHANNELS[tasks[0]], ratios[0], width)

    @property
    def all_in_one(self) -> bool:
        """Whether one network serves several tasks and any ratio."""
        return find_system(self.name).published.all_in_one

    def build(self) -> "ComparedNetwork":
        """Return the network with its published initial weights.

        Raises:
            ValueError: It cannot be built so.
        """
        system = find_system(self.name)
        return system.build(self.target_channels, self.guide_channels, self.ratio, self.width)


__all__ = ["ALL_IN_ONE_CHANNELS", "TASK_CHANNELS", "SystemName", "SystemShape", "find_system"]
