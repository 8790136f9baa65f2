"""One network in each precision that is computed in."""

from copy import deepcopy

import torch

from gisr.inference.precision import Computed, Precision, computed_in
from gisr.magnet import MAGNet


class Networks:
    """A network, and the same with its maps in bfloat16, made when it is first taken."""

    def __init__(self, network: MAGNet, device: torch.device, own: Precision) -> None:
        """Put a network on a device, to answer and not to learn.

        Args:
            network: In float32.
            device: Where it is to compute.
            own: What ``auto`` means; ``auto`` itself goes by the device.

        Raises:
            InputError: No such precision.
        """
        self._device, self._own = str(device), own
        # torch's types do not know this argument of Module.to.
        self._network: MAGNet = network.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._half: MAGNet | None = None
        self.computed_in(own)

    def computed_in(self, requested: Precision) -> Computed:
        """Return what is computed in where a precision is requested."""
        return computed_in(self._own if requested == "auto" else requested, self._device)

    def take(self, requested: Precision) -> MAGNet:
        """Return the network in a precision; images and answers are float32 in either."""
        if self.computed_in(requested) == "float32":
            return self._network
        if self._half is None:
            self._half = _in_bfloat16(self._network)
        return self._half


def _in_bfloat16(network: MAGNet) -> MAGNet:
    """Return a copy whose maps are bfloat16.

    The weights are cast once, not at every call as by autocast. Statistics of norms, products of
    attention, routing weights and the sum at the end are float32. So is the prompt's module, which
    is the network's own: its mean is one for a whole image, and its cost is small.
    """
    half = deepcopy(network).to(torch.bfloat16)
    half.prompt_generator = network.prompt_generator
    return half
