"""Lets the tests, and the benchmark that runs the same files, import the corpus."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def small_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give weights of a network that runs in no time."""
    from corpus.settings import tiny_weights

    return tiny_weights(tmp_path_factory.mktemp("weights"))
