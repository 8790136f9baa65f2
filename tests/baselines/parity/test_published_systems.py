"""Every compared system has the parameters of the original and computes what it computes.

In this order: total of parameters, their shapes, the rows of the fill they fall into, blocks alone,
outputs, and one backward pass, which finds layers that nothing uses.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatch
from functools import cache

import pytest
import torch
from _pytest.mark.structures import ParameterSet
from tests.baselines.parity.fill import count_kinds, fill
from tests.baselines.parity.golden import Entry, deviation, read_entry, read_golden
from tests.baselines.parity.system import Configuration, ParitySystem, as_built
from tests.baselines.parity.systems import SYSTEMS
from torch import nn

ALL = os.environ.get("GISR_ALL_GOLDEN") == "1"
COSTLY = pytest.mark.skipif(not ALL, reason="costly: set GISR_ALL_GOLDEN=1")


def outputs(name: str) -> dict[Entry, dict[str, str]]:
    """Return the outputs of each run: the name of its entry by the name of the output."""
    runs: dict[Entry, dict[str, str]] = {}
    system = SYSTEMS[name]
    for text in read_golden(name)["forward"]:
        found = read_entry(text)
        if text in system.blocks or text in system.not_compared or found is None:
            continue
        entry, output = found
        runs.setdefault(entry, {})[output] = text
    return runs


def is_quick(system: ParitySystem, text: str) -> bool:
    return not system.quick or text.startswith(system.quick)


def all_runs() -> Iterator[ParameterSet]:
    for name, system in SYSTEMS.items():
        for entry, texts in outputs(name).items():
            marks = () if any(is_quick(system, text) for text in texts.values()) else COSTLY
            at = f"{name}-{entry.configuration}-{entry.fill}-{entry.height}x{entry.width}"
            yield pytest.param(name, entry, marks=marks, id=at)


def all_blocks() -> Iterator[ParameterSet]:
    for name, system in SYSTEMS.items():
        for text in system.blocks:
            marks = () if is_quick(system, text) else COSTLY
            yield pytest.param(name, text, marks=marks, id=f"{name}-{text}")


def all_configurations() -> list[tuple[str, str]]:
    return [(name, each) for name, system in SYSTEMS.items() for each in system.configurations]


@cache
def whole(name: str, configuration: str) -> nn.Module:
    """Return what the original has: our network, and the layers that it does without."""
    return built(SYSTEMS[name], SYSTEMS[name].configurations[configuration])


def built(system: ParitySystem, configuration: Configuration) -> nn.Module:
    with torch.device("meta" if system.on_meta else "cpu"):
        parts = {"network": configuration.build(), "left_out": configuration.left_out()}
    return nn.ModuleDict(parts)


def inside(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"network.{pattern}" for pattern in patterns)


@pytest.mark.parametrize(("name", "configuration"), all_configurations())
def test_parameters_are_those_of_the_original(name: str, configuration: str) -> None:
    golden = read_golden(name)
    key = SYSTEMS[name].configurations[configuration].params or configuration
    network = whole(name, configuration)
    assert sum(each.numel() for each in network.parameters()) == golden["params"][key]
    shapes = Counter(tuple(each.shape) for each in network.parameters())
    if key in golden["param_shapes"]:  # totals alone of what the original was generalised to
        assert shapes == {tuple(shape): count for shape, count in golden["param_shapes"][key]}


@pytest.mark.parametrize(("name", "configuration"), all_configurations())
def test_parameters_fall_into_the_rows_of_the_original(name: str, configuration: str) -> None:
    system, golden = SYSTEMS[name], read_golden(name)
    network = whole(name, configuration)
    counted = 0
    for entry, texts in outputs(name).items():
        listed = [golden["forward"][text].get("fill_counts") for text in texts.values()]
        for counts in filter(None, listed):
            if entry.configuration == configuration:
                assert count_kinds(network, entry.fill, inside(system.not_free)) == counts
                counted += 1
    if not counted:
        pytest.skip("the golden file does not say")


@pytest.mark.parametrize(("name", "text"), list(all_blocks()))
def test_block_computes_what_the_original_computes(name: str, text: str) -> None:
    system, golden = SYSTEMS[name], read_golden(name)
    block = system.blocks[text]
    module = block.build()
    if isinstance(module, nn.Module):
        fill(module.eval(), block.fill, block.not_free)
    system.prepare(module)
    with torch.no_grad():
        output = block.call(module)
    expected = golden["modules"][text] if text in golden["modules"] else golden["forward"][text]
    assert report(f"{name} {text}", deviation(output, expected, system.sheet)) <= 1


@pytest.mark.parametrize(("name", "entry"), list(all_runs()))
def test_network_computes_what_the_original_computes(name: str, entry: Entry) -> None:
    system, golden = SYSTEMS[name], read_golden(name)
    configuration = system.configurations[entry.configuration]
    network = filled(system, configuration, entry)
    with torch.no_grad():
        given = system.run(network, entry)
    texts = outputs(name)[entry]
    assert set(texts) <= set(given)
    for output, text in texts.items():
        worst = deviation(given[output], golden["forward"][text], system.sheet)
        assert report(f"{name} {text}", worst) <= 1
    if entry.configuration == next(iter(system.configurations)):
        check_gradients(network, system, entry)


def filled(system: ParitySystem, configuration: Configuration, entry: Entry) -> nn.Module:
    """Return a network with the values of a fill; its own first values are not drawn."""
    with torch.device("meta" if system.on_meta else "cpu"):
        network = configuration.build().eval()
    if system.on_meta:
        set_later = system.prepare is not as_built
        assert set_later or not list(network.buffers()), "buffers have values: set on_meta to False"
        network = network.to_empty(device="cpu")
    fill(network, entry.fill, system.not_free)
    system.prepare(network)
    return network


def check_gradients(network: nn.Module, system: ParitySystem, entry: Entry) -> None:
    """Check that all parameters get a gradient but those that are known to get none.

    A layer used twice whose twin of equal shape is never used is found by this alone.
    """
    height, width = system.gradient_size or (entry.height, entry.width)
    given = system.run(network, replace(entry, height=height, width=width))
    torch.stack([each.sum() for each in given.values() if each.requires_grad]).sum().backward()
    idle = {name for name, each in network.named_parameters() if each.grad is None}
    assert idle == set(matching(network, system.configurations[entry.configuration].idle))


def matching(network: nn.Module, patterns: Iterable[str]) -> dict[str, nn.Parameter]:
    """Return the parameters whose names fit a pattern."""
    patterns = tuple(patterns)
    return {
        name: each
        for name, each in network.named_parameters()
        if any(fnmatch(name, pattern) for pattern in patterns)
    }


@pytest.mark.parametrize(("name", "configuration"), all_configurations())
def test_what_is_left_out_is_what_the_original_does_not_use(name: str, configuration: str) -> None:
    chosen = SYSTEMS[name].configurations[configuration]
    unused = read_golden(name)["unused_params"].get(chosen.params or configuration)
    if unused is None:
        pytest.skip("the golden file does not say")
    dead = matching(whole(name, configuration), ("left_out.*", *inside(chosen.idle)))
    assert sum(each.numel() for each in dead.values()) == sum(unused.values())


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_number_of_the_original_is_compared(name: str) -> None:
    system, golden = SYSTEMS[name], read_golden(name)
    entries = {*golden["forward"], *golden.get("modules", {})}
    run = {text for texts in outputs(name).values() for text in texts.values()}
    assert run | set(system.blocks) | set(system.not_compared) == entries
    assert {entry.configuration for entry in outputs(name)} <= set(system.configurations)


def report(what: str, worst: float) -> float:
    """Print a deviation, for ``pytest -s`` or ``-rP``, and return it."""
    print(f"{what}: {worst:.2g} of what is allowed")
    return worst
