"""Writes what the published systems cost: ``python tools/system_costs.py``, after one changed.

Counts every system once at its published size, which takes a minute.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import torch

from gisr.baselines.costs import COSTS_FILE, count_cost, published_shape
from gisr.baselines.systems import SystemName

FILE = Path(__file__).resolve().parents[1] / "src" / "gisr" / "baselines" / COSTS_FILE


def main() -> None:
    """Count every system and write the file."""
    torch.manual_seed(0)
    costs = {}
    for name in get_args(SystemName):
        cost = count_cost(published_shape(name))
        costs[name] = {**asdict(cost), "gmacs": round(cost.gmacs, 3)}
        print(f"{name}: {cost.parameters:,} parameters, {cost.gmacs:.2f} GMACs")
    FILE.write_text(json.dumps(costs, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
