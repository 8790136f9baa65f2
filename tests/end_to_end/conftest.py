"""Weights for the end-to-end tests: a tiny network for speed, the embedded ones for real pairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.browser import browsing
from tests.end_to_end.page_server import Server, serving
from tests.small_network import small_network

from gisr.inference.upscaler import Upscaler
from gisr.tasks.text.table import built_in_table
from gisr.weights.folder import EMBEDDED, TENSORS_FILE, embedded_folder
from gisr.weights.store import load_weights, save_weights


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of random weights whose residual is not zero."""
    network = small_network(moved=True)
    folder = tmp_path_factory.mktemp("weights")
    save_weights(folder, network, built_in_table(), name="tiny")
    return folder


@pytest.fixture(scope="session")
def tiny_upscaler(tiny_weights: Path) -> Upscaler:
    return Upscaler(load_weights(tiny_weights), "cpu")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Server]:
    """Give a running page with small limits, for all tests; its end deletes everything."""
    with serving(tmp_path_factory.mktemp("server"), tiny_weights) as server:
        yield server


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a browser for all tests."""
    with browsing(tmp_path_factory.mktemp("browser")) as driver:
        yield driver


@pytest.fixture(scope="session")
def embedded_weights() -> str:
    if not (embedded_folder(EMBEDDED[0]) / TENSORS_FILE).is_file():
        pytest.skip(f"needs the embedded weights {EMBEDDED[0]}, which are not in this checkout")
    return EMBEDDED[0]
