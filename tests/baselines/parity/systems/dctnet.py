from collections.abc import Mapping

from tests.baselines.parity.fill import uniform
from tests.baselines.parity.golden import Entry
from tests.baselines.parity.system import Block, Configuration, ParitySystem
from torch import Tensor

from gisr.baselines.blocks.residual import convolution
from gisr.baselines.depth import DCTNet
from gisr.baselines.depth.dctnet import (
    CoupledLayer,
    EdgeWeights,
    cosine_transform,
    eigenvalues,
    laplacian,
)


def run(network: DCTNet, entry: Entry) -> Mapping[str, Tensor]:
    size = entry.height, entry.width
    return {"": network(uniform(1, 1, 1, *size), uniform(2, 1, 3, *size))}


def coupled(layer: CoupledLayer) -> tuple[Tensor, Tensor]:
    outputs: tuple[Tensor, Tensor] = layer(uniform(3, 1, 64, 16, 24), uniform(4, 1, 64, 16, 24))
    return outputs


DCTNET = ParitySystem(
    kind=DCTNet,
    sheet="B",
    # Left out: a dilated convolution of the edge weights that the original never applies.
    configurations={"": Configuration(DCTNet, lambda: convolution(16, 16), params="all ratios")},
    run=run,
    blocks={
        "coupled layer, depth output, fill B, inputs depth rng3 (1,64,16,24), RGB rng4 "
        "(1,64,16,24)": Block(build=lambda: CoupledLayer(64), call=lambda layer: coupled(layer)[0]),
        "coupled layer, RGB output, same": Block(
            build=lambda: CoupledLayer(64), call=lambda layer: coupled(layer)[1]
        ),
        "edge-weight network, fill B, input rng3 (1,64,32,48)": Block(
            build=lambda: EdgeWeights(64), call=lambda block: block(uniform(3, 1, 64, 32, 48))
        ),
        "2-D DCT-II (unnormalised) of rng3 (1,1,16,24)": Block(
            call=lambda _: cosine_transform(uniform(3, 1, 1, 16, 24))
        ),
        "Laplacian of rng3 (1,1,16,24)": Block(call=lambda _: laplacian(uniform(3, 1, 1, 16, 24))),
        "eigenvalue map K for 16 x 24": Block(
            call=lambda _: eigenvalues(16, 24, like=uniform(3, 1))[None, None]
        ),
    },
    small=lambda target, guide, ratio: DCTNet(target, guide, width=8),
    channels=((1, 3), (4, 1)),
    gradient_size=(32, 32),
)
