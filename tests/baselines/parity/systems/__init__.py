"""Every compared system, with what its parity test must know."""

from tests.baselines.parity.system import ParitySystem
from tests.baselines.parity.systems.adair import ADAIR
from tests.baselines.parity.systems.captnet import CAPTNET
from tests.baselines.parity.systems.gridformer import GRIDFORMER
from tests.baselines.parity.systems.promptir import PROMPTIR
from tests.baselines.parity.systems.transweather import TRANSWEATHER

SYSTEMS: dict[str, ParitySystem] = {
    "adair": ADAIR,
    "captnet": CAPTNET,
    "gridformer": GRIDFORMER,
    "promptir": PROMPTIR,
    "transweather": TRANSWEATHER,
}
"""By the name of the module and of the golden file."""
