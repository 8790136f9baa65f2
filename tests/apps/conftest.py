"""What the tests of the page share."""

import pytest
from tests.small_network import small_network

from gisr.inference.upscaler import Upscaler
from gisr.tasks.text.table import built_in_table
from gisr.weights.store import Weights


@pytest.fixture(scope="session")
def upscaler() -> Upscaler:
    """Return an upscaler with random weights whose residual is not zero."""
    network = small_network(moved=True)
    return Upscaler(Weights("tiny", network.eval(), built_in_table()), "cpu")
