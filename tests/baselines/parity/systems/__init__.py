"""Every compared system, with what its parity test must know."""

from tests.baselines.parity.system import ParitySystem
from tests.baselines.parity.systems.adair import ADAIR
from tests.baselines.parity.systems.captnet import CAPTNET
from tests.baselines.parity.systems.dudonet import DUDONET
from tests.baselines.parity.systems.gridformer import GRIDFORMER
from tests.baselines.parity.systems.masa import MASA_SYSTEM
from tests.baselines.parity.systems.mcmrsr import MCMRSR
from tests.baselines.parity.systems.mgdun import MGDUN_SYSTEM
from tests.baselines.parity.systems.minet import MINET
from tests.baselines.parity.systems.promptir import PROMPTIR
from tests.baselines.parity.systems.sanet import SANET
from tests.baselines.parity.systems.transweather import TRANSWEATHER

SYSTEMS: dict[str, ParitySystem] = {
    "adair": ADAIR,
    "captnet": CAPTNET,
    "dudonet": DUDONET,
    "gridformer": GRIDFORMER,
    "masa": MASA_SYSTEM,
    "mcmrsr": MCMRSR,
    "mgdun": MGDUN_SYSTEM,
    "minet": MINET,
    "promptir": PROMPTIR,
    "sanet": SANET,
    "transweather": TRANSWEATHER,
}
"""By the name of the module and of the golden file."""
