"""Devices that are not there."""

import pytest
from tests.small_network import tiny_weights

from gisr.errors import InputError
from gisr.inference.upscaler import Upscaler


@pytest.mark.parametrize("device", ["abacus", "CPU", "cuda:77", "meta"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(InputError, match=f"device '{device}' cannot be used here: .*leave it out"):
        Upscaler(tiny_weights(), device)
