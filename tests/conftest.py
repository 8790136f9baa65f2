"""What every test shares: data, checked shapes, one thread, repeatable examples, an upscaler."""

import gc
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from jaxtyping import install_import_hook

if TYPE_CHECKING:
    from tests.warm import Warm

    from gisr.inference.upscaler import Upscaler
    from gisr.weights.store import Weights

# Every annotated shape of the network is checked while the tests run. It must be asked for before
# the first import of the package, hence here and not in a fixture. The configuration is left out:
# it checks its values itself, and tests want to see its own errors.
NETWORK = find_spec("gisr.magnet")
assert NETWORK is not None and NETWORK.submodule_search_locations
MODULES = {file.stem for file in Path(NETWORK.submodule_search_locations[0]).glob("*.py")}
install_import_hook(
    [f"gisr.magnet.{module}" for module in MODULES - {"__init__"}], "beartype.beartype"
)

hypothesis.settings.register_profile("local", deadline=None)
# In CI the same examples come every time: a submission fails for what it changed, not by luck.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_sessionstart() -> None:
    """Use one thread, on any machine: sums are alike everywhere, and the tensors here are small.

    No garbage is looked for while tests are collected: each search goes through all of them.
    """
    import torch

    torch.set_num_threads(1)
    gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, and not in libraries and tests themselves."""
    gc.freeze()
    gc.enable()


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Say of two files where they differ: listing all of both hides every other failure."""
    if not (isinstance(left, bytes) and isinstance(right, bytes) and op == "=="):
        return None
    if max(len(left), len(right)) < 500:
        return None
    shorter = min(len(left), len(right))
    place = next((at for at in range(shorter) if left[at] != right[at]), shorter)
    near = slice(max(0, place - 8), place + 24)
    return [
        f"{len(left)} bytes == {len(right)} bytes, which differ from byte {place} on:",
        f"left:  {left[near]!r}",
        f"right: {right[near]!r}",
    ]


@pytest.fixture(autouse=True)
def _float32_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take ``auto`` for float32 on any machine; tests of bfloat16 request it."""
    from gisr.inference import precision

    monkeypatch.setattr(precision, "bfloat16_products", lambda device: "emulated")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Give the folder of real pairs: GISR_DATA, or shared/data beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GISR_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"needs real pairs: {folder} is not there (set GISR_DATA to the data folder)")
    return folder


@pytest.fixture(scope="session")
def warm() -> "Iterator[Warm]":
    """Start programs in a process that has imported the libraries: see :mod:`tests.warm`."""
    from tests.warm import LIBRARIES, warmed

    with warmed(*LIBRARIES) as programs:
        yield programs


@pytest.fixture(scope="session")
def weights() -> "Callable[..., Weights]":
    """Build weights of a tiny network, no weight at zero so that it does something."""
    from tests.small_network import tiny_weights

    return tiny_weights


@pytest.fixture
def upscaler() -> "Upscaler":
    """Return an upscaler on the CPU whose tiles are large enough for the tests' images."""
    from tests.small_network import tiny_weights

    from gisr.inference.upscaler import Upscaler

    return Upscaler(tiny_weights(), "cpu")
