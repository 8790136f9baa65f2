"""The numbers of a published network, and how far ours may be from them.

Every file in ``golden`` holds what the authors' code gave for one network filled by ``fill.py``:
totals and shapes of its parameters, and of outputs the mean, the spread and a grid of values.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from tests.baselines.parity.fill import FillName
from torch import Tensor

FOLDER = Path(__file__).parent / "golden"
Sheet = Literal["A", "B"]
"""All-in-one networks and pansharpening; MR and depth: their numbers have tolerances of their own.

Values have 6 digits, which B allows for: there the mean may be large against the spread.
"""
_FILL = re.compile(r"fill (A|B)(S|T)? (\d+)x(\d+)")


@dataclass(frozen=True)
class Entry:
    """Where an output comes from, read from its name in a golden file."""

    configuration: str
    """What stands before the fill; empty where there is one configuration only."""
    fill: FillName
    height: int
    width: int
    """Size of the output."""


def read_golden(name: str) -> dict[str, Any]:
    """Return all numbers of a network."""
    numbers: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return numbers


def read_entry(text: str) -> tuple[Entry, str] | None:
    """Return where an output comes from and which of several it is, empty where it is the only one.

    None where the name tells no fill and size: the system itself says what to call.
    """
    found = _FILL.search(text)
    if found is None:
        return None
    configuration = text[: found.start()].removesuffix(" | ")
    fills = {known: known for known in get_args(FillName)}
    fill = fills[found[1] + (found[2] or "")]
    entry = Entry(configuration, fill, int(found[3]), int(found[4]))
    return entry, text[found.end() :].removeprefix(" | ")


def deviation(output: Tensor, golden: dict[str, Any], sheet: Sheet) -> float:
    """Return the largest deviation of mean, spread and values, in units of what is allowed.

    Raises:
        AssertionError: The shape is another, or something is not finite.
    """
    if "shape" in golden:
        assert list(output.shape) == golden["shape"]
    assert output.isfinite().all()
    output = output.detach().double()
    ours, theirs = _numbers(output, golden)
    spread = golden.get("std", theirs.std(correction=0).item())
    rounding = 10 * golden.get("max_abs_diff_float64_over_std", 0.0)
    if sheet == "A":
        allowed = max(1e-4, rounding) * spread
    else:
        largest = max(abs(golden[key]) for key in ("mean", "min", "max") if key in golden)
        allowed = max(2e-4, rounding) * spread + 1e-5 * largest
    return ((ours - theirs).abs().max() / allowed).item()


def _numbers(output: Tensor, golden: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return what is compared, of ours and of theirs."""
    ours, theirs = [], []
    if "mean" in golden:
        ours.append(torch.stack([output.mean(), output.std(correction=0)]))
        theirs.append(torch.tensor([golden["mean"], golden["std"]]))
    if "grid" in golden:
        values = torch.tensor(golden["grid"]["values"])
        rows, columns = golden["grid"]["rows"], golden["grid"]["cols"]
        first = output[0] if output.ndim == 4 else output[:1]
        ours.append(first[: len(values), rows][:, :, columns].flatten())
        theirs.append(values.flatten())
    for key, listed in golden.items():
        if key == "values" or key.startswith("first "):
            ours.append(output.flatten()[: len(listed)])
            theirs.append(torch.tensor(listed))
    assert theirs, "nothing to compare"
    return torch.cat(ours), torch.cat(theirs).double()
