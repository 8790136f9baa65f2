"""One network in each precision that is computed in, and another for bands where there is one."""

from copy import deepcopy

import torch
from torch import Tensor, nn

from gisr.errors import InputError
from gisr.inference.fused import can_fuse, fused
from gisr.inference.precision import Computed, Precision, computed_in
from gisr.magnet import MAGNet
from gisr.tasks import TaskName, find_task
from gisr.weights.store import Weights, load_weights


class Networks:
    """A network, and the same with its maps in bfloat16, made when it is first taken."""

    def __init__(self, weights: Weights, device: torch.device, own: Precision) -> None:
        """Put a network on a device, to answer and not to learn.

        Args:
            weights: In float32; what they name for bands is loaded when it is first taken.
            device: Where it is to compute.
            own: What ``auto`` means; ``auto`` itself goes by the device.

        Raises:
            InputError: No such precision.
        """
        self._device, self._own = str(device), own
        self._for_bands = weights.for_bands
        self._bands: Networks | None = None
        network = weights.network.eval().to(device)
        # torch's types do not know this argument of Module.to.
        self._network: MAGNet = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._answering: dict[Computed, MAGNet] = {}
        self.computed_in(own)

    def computed_in(self, requested: Precision) -> Computed:
        """Return what is computed in where a precision is requested."""
        return computed_in(self._own if requested == "auto" else requested, self._device)

    def sample_bytes(self, requested: Precision) -> int:
        """Return the bytes of a value of the network's maps where a precision is requested."""
        return 2 if self.computed_in(requested) == "bfloat16" else 4

    def check_guide(self, name: str, channels: int) -> None:
        """Refuse a guide of more channels than the network takes.

        Raises:
            InputError: It has more.
        """
        most = self._network.config.guide_channels
        if channels > most:
            raise InputError(
                f"weights {name} take guides of up to {most} channels, this one has {channels}: "
                "choose some (--guide-band)"
            )

    def plain(self, task: TaskName | None = None) -> MAGNet:
        """Return the network in float32 as it was trained, to be saved, or trained further.

        Args:
            task: Of the pairs it is for; None gives what answers for most.

        Raises:
            WeightsError: The weights for bands are not there, or damaged.
        """
        owner = self._owner(task)
        return owner._network

    def take(self, requested: Precision, task: TaskName | None = None) -> MAGNet:
        """Return the network in a precision, to answer; images and answers are float32 in either.

        Args:
            requested: The precision.
            task: Of the pair to answer; None gives what answers for most.

        Raises:
            WeightsError: The weights for bands are not there, or damaged.
        """
        owner = self._owner(task)
        if owner is not self:
            return owner.take(requested)
        computed = self.computed_in(requested)
        if computed not in self._answering:
            half = computed == "bfloat16"
            network = _in_bfloat16(self._network) if half else self._network
            dtype = torch.bfloat16 if half else torch.float32
            fusing = can_fuse(torch.device(self._device), dtype)
            self._answering[computed] = fused(network) if fusing else network
        return self._answering[computed]

    def _owner(self, task: TaskName | None) -> "Networks":
        """Return what holds the network for a task: these, or those for bands, made when needed."""
        bands = task is not None and find_task(task).guide_bands
        if not bands or self._for_bands is None:
            return self
        if self._bands is None:
            weights = load_weights(self._for_bands)
            self._bands = Networks(weights, torch.device(self._device), self._own)
        return self._bands


def _in_bfloat16(network: MAGNet) -> MAGNet:
    """Return a copy whose maps are bfloat16.

    The weights are cast once, not at every call as by autocast. Statistics of norms, products of
    attention and routing weights are float32 in either. So are the ends, because bfloat16 has eight
    bits and images have more: the first convolution, which sees them, and the last, whose answer is
    added; and the prompt's module, the network's own, whose mean is one for a whole image.
    """
    half = deepcopy(network).to(torch.bfloat16)
    half.prompt_generator = network.prompt_generator
    half.embed, half.head = deepcopy(network.embed), deepcopy(network.head)
    half.embed.register_forward_hook(_give_bfloat16)
    half.head.register_forward_pre_hook(_take_float32)
    routing = (*half.encoder_routing, *half.decoder_routing)
    shifts = (*half.prompt_shift, *(each.prompt for each in routing))
    for part in (half.guidance_encoder, *shifts):
        if part is not None:  # images and prompt come in float32
            part.register_forward_pre_hook(_take_bfloat16)
    return half


def _take_bfloat16(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(each.to(torch.bfloat16) for each in given)


def _take_float32(module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(each.to(torch.float32) for each in given)


def _give_bfloat16(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
    return answer.to(torch.bfloat16)
