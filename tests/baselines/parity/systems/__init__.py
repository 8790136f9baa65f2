"""Every compared system, with what its parity test must know."""

from tests.baselines.parity.system import ParitySystem
from tests.baselines.parity.systems.dudonet import DUDONET
from tests.baselines.parity.systems.masa import MASA_SYSTEM
from tests.baselines.parity.systems.mcmrsr import MCMRSR
from tests.baselines.parity.systems.mgdun import MGDUN_SYSTEM
from tests.baselines.parity.systems.minet import MINET
from tests.baselines.parity.systems.promptir import PROMPTIR
from tests.baselines.parity.systems.sanet import SANET

SYSTEMS: dict[str, ParitySystem] = {
    "dudonet": DUDONET,
    "masa": MASA_SYSTEM,
    "mcmrsr": MCMRSR,
    "mgdun": MGDUN_SYSTEM,
    "minet": MINET,
    "promptir": PROMPTIR,
    "sanet": SANET,
}
"""By the name of the module and of the golden file."""
