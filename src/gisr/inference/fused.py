"""The parts of the network with fewer passes over their maps, for a processor.

PyTorch computes a convolution, GELU, a product and a sum one after the other, each of which reads
and writes whole maps; and 1x1 convolutions of few channels by a general matrix product. oneDNN,
which is in PyTorch, does a convolution with what follows it in one pass. Values differ by the order
of sums and by how GELU's error function is approximated: 1e-5 of a map's range.
"""

from copy import copy
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gisr.magnet import MAGNet
from gisr.magnet.blocks import TransformerBlock
from gisr.magnet.routing import Experts, GuidedRouting, LevelRouting

_Map = Float[Tensor, "b c h w"]
FUSES = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")
"""Whether this build of PyTorch has oneDNN with it."""


def can_fuse(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN computes in a type on a device."""
    if device.type != "cpu" or not FUSES:
        return False
    if dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return dtype == torch.float32


def fused(network: MAGNet) -> MAGNet:
    """Return a network of the same weights in memory, that answers and cannot learn."""
    twin: MAGNet = _twin(network)  # type: ignore[assignment]
    twin.merge = nn.ModuleList(FusedConvolution(layer) for layer in twin.merge)
    return twin


def _twin(module: nn.Module) -> nn.Module:
    """Return a module with twins of its parts, fused where they can be."""
    if isinstance(module, TransformerBlock):
        return FusedBlock(module)
    if isinstance(module, GuidedRouting):
        return FusedRouting(module)
    twin = copy(module)  # a deep one takes ten times as long, even of no weights
    twin._modules = {name: each and _twin(each) for name, each in module._modules.items()}
    return twin


class FusedBlock(nn.Module):
    """A :class:`gisr.magnet.blocks.TransformerBlock` for a processor, without derivatives."""

    def __init__(self, block: TransformerBlock) -> None:
        """Take the weights of a block."""
        super().__init__()
        self.block = block

    def forward(self, x: _Map) -> _Map:
        """Refine the feature as the block does."""
        attention, feed = self.block.attention, self.block.feed_forward
        normal = self.block.attention_norm(x)
        mixed = attention.mixed(_convolved(_convolved(normal, attention.qkv), attention.qkv_local))
        x = _combined(mixed, attention.project, x, "add")
        del mixed  # maps that are not needed any more make room for the widest ones
        normal = self.block.feed_forward_norm(x)
        gate = _convolved(_convolved(normal, feed.gate[0]), feed.gate[1], "gelu")
        content = _convolved(normal, feed.content[0])
        del normal
        gated = _combined(content, feed.content[1], gate, "mul")
        del content, gate
        return _combined(gated, feed.project, x, "add")


class FusedRouting(nn.Module):
    """A :class:`gisr.magnet.routing.GuidedRouting` for a processor, without derivatives."""

    def __init__(self, routing: GuidedRouting) -> None:
        """Take the weights of a module."""
        super().__init__()
        self.routing = routing

    def forward(
        self, feature: _Map, guidance: _Map, prompt: Float[Tensor, "b p"] | None
    ) -> tuple[_Map, LevelRouting]:
        """Return the routed feature and the record of its routing, as the module does."""
        own = self.routing
        fused = _convolved(torch.cat([feature, guidance], dim=1), own.fuse)
        if prompt is None or own.prompt is None:
            gates = _combined(fused, own.modulate, fused, "mul")
        else:  # what a prompt adds at every pixel of its image is part of the bias
            each = zip(fused.split(1), own.modulate.bias + own.prompt(prompt), strict=True)
            gates = torch.cat([_combined(x, own.modulate, x, "mul", bias) for x, bias in each])
        weights, load = own.router(gates)
        weighted = _weighted(_convolved(feature, own.experts.expand, "gelu"), weights, own.experts)
        if own.residual:
            refined = _combined(weighted, own.experts.project, feature, "add")
        else:
            refined = _convolved(weighted, own.experts.project)
        return refined, LevelRouting(own.position, weights, load)


class FusedConvolution(nn.Module):
    """A 1x1 convolution for a processor, without derivatives."""

    def __init__(self, layer: nn.Module) -> None:
        """Take the weights of a convolution."""
        super().__init__()
        self.layer = layer

    def forward(self, x: _Map) -> _Map:
        """Convolve."""
        return _convolved(x, self.layer)


def _weighted(hidden: _Map, weights: Float[Tensor, "b m h w"], experts: Experts) -> _Map:
    """Weight what the experts hold of each pixel, in place."""
    hidden.unflatten(1, (experts.experts, -1)).mul_(weights.to(hidden.dtype).unsqueeze(2))
    return hidden


def _convolved(x: _Map, layer: nn.Module, then: Literal["none", "gelu"] = "none") -> _Map:
    """Return a convolution, and GELU of it."""
    assert isinstance(layer, nn.Conv2d)
    result: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, layer.weight, layer.bias, *_geometry(layer), then, [], "none"
    )
    return result


def _combined(
    x: _Map,
    layer: nn.Module,
    other: _Map,
    how: Literal["add", "mul"],
    bias: Float[Tensor, " c"] | None = None,
) -> _Map:
    """Return a convolution with its bias, or another, added to or multiplied with another map."""
    assert isinstance(layer, nn.Conv2d)
    bias = layer.bias if bias is None else bias
    result: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
        x, other, layer.weight, bias, *_geometry(layer), how, None, None, [], None
    )
    return result


def _geometry(layer: nn.Conv2d) -> tuple[object, object, object, int]:
    return layer.padding, layer.stride, layer.dilation, layer.groups


__all__ = ["FUSES", "FusedBlock", "FusedConvolution", "FusedRouting", "can_fuse", "fused"]
