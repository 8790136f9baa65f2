"""The backbone's blocks against the slowest possible implementations."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gisr.magnet import MAGNetConfig
from gisr.magnet.blocks import (
    ChannelNorm,
    GatedFeedForward,
    TransformerBlock,
    TransposedAttention,
    shallow_encoder,
)


def naive_attention(module: TransposedAttention, x: Tensor) -> Tensor:
    """Restormer's MDTA for one image, channel by channel."""
    channels = x.shape[1]
    mixed = module.qkv_local(module.qkv(x))[0]
    query, key, value = mixed[:channels], mixed[channels : 2 * channels], mixed[2 * channels :]
    size = channels // module.heads
    answer = torch.zeros_like(value)
    for head in range(module.heads):
        own = range(head * size, (head + 1) * size)
        for i in own:
            scores = [
                (query[i] / query[i].norm() * key[j] / key[j].norm()).sum()
                * module.temperature[head, 0, 0]
                for j in own
            ]
            for j, weight in zip(own, torch.stack(scores).softmax(0), strict=True):
                answer[i] += weight * value[j]
    return module.project(answer[None])


def test_attention_is_restormers() -> None:
    torch.manual_seed(0)
    module = TransposedAttention(8, heads=2)
    torch.nn.init.uniform_(module.temperature, 0.5, 3.0)
    x = torch.randn(1, 8, 5, 7)
    torch.testing.assert_close(module(x), naive_attention(module, x))


def test_attention_treats_images_of_a_batch_alone() -> None:
    torch.manual_seed(0)
    module, x = TransposedAttention(8, heads=4), torch.randn(3, 8, 6, 5)
    alone = torch.cat([module(image[None]) for image in x])
    torch.testing.assert_close(module(x), alone)


def test_feed_forward_is_restormers() -> None:
    torch.manual_seed(0)
    module, x = GatedFeedForward(6, 2.66, 32), torch.randn(2, 6, 4, 5)
    # One convolution for both branches, cut in the middle, as Restormer draws it.
    expand, local = (
        torch.cat([branch[i].get_parameter("weight") for branch in (module.gate, module.content)])
        for i in range(2)
    )
    both = F.conv2d(F.conv2d(x, expand), local, padding=1, groups=len(local))
    gate, content = both.chunk(2, dim=1)
    torch.testing.assert_close(module(x), module.project(F.gelu(gate) * content))


@pytest.mark.parametrize(
    ("channels", "multiple", "hidden"),
    [
        *((6, 32, 32), (32, 32, 96), (48, 32, 128), (384, 32, 1024)),
        *((32, 1, 85), (48, 1, 127), (96, 1, 255), (384, 1, 1021)),  # Restormer's
    ],
)
def test_hidden_channels_fill_whole_vectors(channels: int, multiple: int, hidden: int) -> None:
    assert GatedFeedForward(channels, 2.66, multiple).project.in_channels == hidden


def test_channel_norm_is_layer_norm_over_channels() -> None:
    torch.manual_seed(0)
    module, reference = ChannelNorm(6), torch.nn.LayerNorm(6)
    for parameter in (module.weight, module.bias):
        torch.nn.init.normal_(parameter)
    reference.load_state_dict(module.state_dict())
    x = torch.randn(2, 6, 3, 4) * 50 + 7
    expected = reference(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    torch.testing.assert_close(module(x), expected)


def test_a_block_whose_branches_end_in_zero_is_the_identity() -> None:
    block, x = TransformerBlock(MAGNetConfig(width=4), 1), torch.randn(1, 8, 4, 4)
    torch.nn.init.zeros_(block.attention.project.weight)
    torch.nn.init.zeros_(block.feed_forward.project.weight)
    assert torch.equal(block(x), x)


def test_shallow_encoders_are_three_convolutions() -> None:
    encoder = shallow_encoder(3, 4)
    kernels = [layer.kernel_size for layer in encoder if isinstance(layer, torch.nn.Conv2d)]
    assert kernels == [(3, 3)] * 3
    assert encoder(torch.randn(1, 3, 5, 6)).shape == (1, 4, 5, 6)
