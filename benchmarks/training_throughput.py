"""How fast `magnet-s` trains on this machine, and what each measure against slowness is worth.

    python benchmarks/training_throughput.py --threads 2

Trains the same network on the same random patches in several forms, in turn and in several rounds,
so that a noisy machine disturbs all alike, and prints Markdown: patches a second (median round),
the ratio to the plainest form, the share of the rate at which this machine multiplies matrices of
the same type, and the memory of the process.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gisr.magnet import PRESETS, MAGNet, balance_loss
from gisr.magnet.blocks import GatedFeedForward, TransposedAttention

ROUNDS = 5


class PlainAttention(nn.Module):
    """MDTA as its formula is written: maps are brought to unit length, then multiplied."""

    def __init__(self, ours: TransposedAttention) -> None:
        """Take over the weights of ours."""
        super().__init__()
        self.ours = ours

    def forward(self, x: Tensor) -> Tensor:
        """Mix channels by the similarity of their maps."""
        batch, channels = x.shape[:2]
        heads = self.ours.heads
        qkv = self.ours.qkv_local(self.ours.qkv(x))
        query, key, value = qkv.reshape(batch, 3, heads, channels // heads, -1).unbind(1)
        query, key = F.normalize(query, dim=-1), F.normalize(key, dim=-1)
        attention = (query @ key.transpose(-2, -1) * self.ours.temperature).softmax(dim=-1)
        mixed: Tensor = self.ours.project((attention @ value).reshape(x.shape))
        return mixed


class PlainFeedForward(nn.Module):
    """GDFN as usually drawn: one convolution for both branches, cut in the middle."""

    def __init__(self, channels: int, expansion: float) -> None:
        """Create it with ``expansion`` times as many hidden channels, rounded down."""
        super().__init__()
        hidden = int(channels * expansion)
        self.expand = nn.Conv2d(channels, 2 * hidden, 1, bias=False)
        self.local = nn.Conv2d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden, bias=False)
        self.project = nn.Conv2d(hidden, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Let GELU of one half gate the other."""
        gate, content = self.local(self.expand(x)).chunk(2, dim=1)
        projected: Tensor = self.project(F.gelu(gate) * content)
        return projected


def plain(network: MAGNet) -> MAGNet:
    """Put the plain blocks in place of ours."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, TransposedAttention):
                setattr(module, name, PlainAttention(child))
            elif isinstance(child, GatedFeedForward):
                channels = child.project.out_channels
                setattr(module, name, PlainFeedForward(channels, network.config.expansion))
    return network


def make_step(
    *, plain_blocks: bool, channels_last: bool, bfloat16: bool, batch: int, patch: int
) -> Callable[[], None]:
    """Return one optimiser step of one form of the network."""
    torch.manual_seed(0)
    network = MAGNet(PRESETS["magnet-s"])
    network = plain(network) if plain_blocks else network
    if channels_last:
        for weights in network.parameters():  # Module.to has no type for a memory format
            if weights.dim() == 4:
                weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    target, guide = torch.rand(batch, 4, patch, patch), torch.rand(batch, 3, patch, patch)
    text = torch.randn(batch, network.config.text_width)
    ratio = torch.full((batch,), 4.0)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            output = network(target, guide, text, ratio)
        loss = (output.image - target.flip(2)).abs().mean() + 1e-3 * balance_loss(output.routing)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def step_operations(batch: int, patch: int) -> int:
    """Return the floating point operations of a step: three times those of the answer.

    torch's counter takes the derivative of a depth-wise convolution for that of a dense one.
    """
    network = MAGNet(PRESETS["magnet-s"])
    target, guide = torch.rand(batch, 4, patch, patch), torch.rand(batch, 3, patch, patch)
    text = torch.randn(batch, network.config.text_width)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(target, guide, text, torch.full((batch,), 4.0))
    return 3 * int(counter.get_total_flops())


def matrix_rate(dtype: torch.dtype) -> float:
    """Return the floating point operations a second of a large matrix product."""
    side = 2048
    left, right = (torch.randn(side, side).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(6):
        began = time.perf_counter()
        _ = left @ right
        seconds.append(time.perf_counter() - began)
    return 2 * side**3 / statistics.median(seconds[1:])


def main() -> None:
    """Measure all forms and print the table."""
    arguments = argparse.ArgumentParser(description="How fast magnet-s trains on this machine.")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--batch", type=int, default=8)
    arguments.add_argument("--patch", type=int, default=64)
    chosen = arguments.parse_args()
    torch.set_num_threads(chosen.threads)
    switches = {
        "plain blocks, float32": (True, False, False),
        "+ channels last": (True, True, False),
        "+ bfloat16": (True, True, True),
        "+ gisr's blocks": (False, True, True),
    }
    forms = {
        name: make_step(
            plain_blocks=plain_blocks,
            channels_last=channels_last,
            bfloat16=bfloat16,
            batch=chosen.batch,
            patch=chosen.patch,
        )
        for name, (plain_blocks, channels_last, bfloat16) in switches.items()
    }
    operations = step_operations(chosen.batch, chosen.patch)
    seconds: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(ROUNDS + 1):
        for name, step in forms.items():
            began = time.perf_counter()
            for _ in range(3):
                step()
            if turn:  # the first round warms up
                seconds[name].append((time.perf_counter() - began) / 3)
    rates = {False: matrix_rate(torch.float32), True: matrix_rate(torch.bfloat16)}
    print(
        f"{chosen.batch} patches of {chosen.patch} x {chosen.patch}, {chosen.threads} thread(s); "
        f"matrix products {rates[False] / 1e9:.0f} GFLOP/s in float32 and {rates[True] / 1e9:.0f} "
        f"in bfloat16; a step is {operations / 1e9:.0f} GFLOP.\n"
    )
    print("| form | patches/s | ratio | share of the matrix rate |\n|---|---|---|---|")
    base = statistics.median(seconds["plain blocks, float32"])
    for name, values in seconds.items():
        middle = statistics.median(values)
        share = operations / middle / rates[switches[name][2]]
        print(f"| {name} | {chosen.batch / middle:.1f} | {base / middle:.2f} | {share:.0%} |")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nPeak memory of the process, all four networks in it: {peak:.1f} GiB")


if __name__ == "__main__":
    main()
