"""``gisr models``: the weights inside the package, and the systems they are compared with."""

import json
from pathlib import Path
from typing import get_args


def models(*, systems: bool = False) -> None:
    """List the weights inside the package, or the systems that they are compared with.

    Args:
        systems: List the published systems: task, parameters, cost, licence of the original code,
            paper.
    """
    if systems:
        _list_systems()
        return
    from gisr.weights.folder import CARD_FILE, EMBEDDED, TENSORS_FILE, embedded_folder

    print(f"{'name':<16}{'parameters':>12}{'size':>10}  {'licence':<12}card")
    for name in EMBEDDED:
        folder = embedded_folder(name)
        tensors, card = folder / TENSORS_FILE, folder / CARD_FILE
        if not tensors.is_file():
            print(f"{name:<16}not in this installation: {folder} holds no {TENSORS_FILE}")
            continue
        size = f"{tensors.stat().st_size / 1e6:.1f} MB"
        count = f"{_parameter_count(tensors):,}"
        print(f"{name:<16}{count:>12}{size:>10}  {_card_licence(card):<12}{card}")


def _list_systems() -> None:
    """Print a line for each published system; costs are those of a target of four bands or one."""
    from gisr.baselines.costs import system_cost
    from gisr.baselines.systems import SystemName, find_system

    names = get_args(SystemName)
    wide = 2 + max(map(len, names))
    stated = 2 + max(len(find_system(name).published.licence) for name in names)
    print(f"{'name':<{wide}}{'task':<16}{'parameters':>12}{'GMACs':>8}  {'licence':<{stated}}paper")
    for name in names:
        about, cost = find_system(name).published, system_cost(name)
        task = "all" if about.all_in_one else about.tasks[0]
        print(
            f"{name:<{wide}}{task:<16}{cost.parameters:>12,}{cost.gmacs:>8.1f}  "
            f"{about.licence:<{stated}}{about.paper}"
        )
    print("GMACs: 10^9 multiplications and additions for an output of 128 x 128 at ratio 4.")


def _parameter_count(tensors: Path) -> int:
    """Count parameters from the header alone: a safetensors file begins with all shapes."""
    with tensors.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    total = 0
    for name, entry in header.items():
        if name != "__metadata__":
            size = 1
            for side in entry["shape"]:
                size *= int(side)
            total += size
    return total


def _card_licence(card: Path) -> str:
    """Return the licence in the header of a card, as the hub reads it."""
    lines = card.read_text(encoding="utf-8").splitlines() if card.is_file() else []
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("license:")]
    return found[0] if found else "not stated"
