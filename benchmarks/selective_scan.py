"""FusionMamba's scan, chunk beside chunk, against a loop over the tokens: times and difference.

    python benchmarks/selective_scan.py

The sequences are those of a PAN image of 128 x 128 at the three levels of the network, with the
number of scans that it makes of each. Both forms share how states are made of the inputs and read;
the loop keeps every state, as the chunks do.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from gisr.baselines.pansharpening.selective_scan import selective_scan

LEVELS = ((16_384, 32, 32), (4_096, 64, 32), (1_024, 128, 16))
"""Tokens, channels, and scans of an image."""
STATES = 8


def inputs(tokens: int, channels: int, batch: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    x, pace = (torch.rand(tokens, batch, channels, generator=generator) for _ in range(2))
    write, read = (torch.rand(tokens, batch, STATES, generator=generator) for _ in range(2))
    decay = -torch.arange(1.0, STATES + 1)[:, None].expand(-1, channels).contiguous()
    return x, pace * 0.1, decay, write, read


def loop(x: Tensor, pace: Tensor, decay: Tensor, write: Tensor, read: Tensor) -> Tensor:
    kept = (pace[:, :, None] * decay).exp()
    written = (pace * x)[:, :, None] * write[..., None]
    states, state = torch.empty_like(written), torch.zeros_like(written[0])
    for token in range(len(x)):
        state = torch.addcmul(written[token], kept[token], state, out=states[token])
    return torch.einsum("n b s c, n b s -> n b c", states, read)


def best(run: Callable[[], Tensor], repeats: int) -> tuple[float, Tensor]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        answer = run()
        times.append(time.perf_counter() - start)
    return min(times), answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    print("| tokens | channels | loop (ms) | chunks (ms) | ratio | largest difference |")
    print("|---|---|---|---|---|---|")
    totals = [0.0, 0.0]
    with torch.inference_mode():
        for tokens, channels, scans in LEVELS:
            given = inputs(tokens, channels, chosen.batch)
            slow, expected = best(partial(loop, *given), chosen.repeats)
            fast, answer = best(partial(selective_scan, *given), chosen.repeats)
            totals[0], totals[1] = totals[0] + scans * slow, totals[1] + scans * fast
            print(
                f"| {tokens} | {channels} | {1e3 * slow:.1f} | {1e3 * fast:.1f} "
                f"| {slow / fast:.1f} | {(answer - expected).abs().max():.0e} |",
                flush=True,
            )
    print(
        f"all scans of an image: {totals[0]:.2f} s, {totals[1]:.2f} s, {totals[0] / totals[1]:.1f}"
    )


if __name__ == "__main__":
    main()
