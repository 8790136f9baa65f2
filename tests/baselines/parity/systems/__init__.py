"""Every compared system, with what its parity test must know."""

from tests.baselines.parity.system import ParitySystem
from tests.baselines.parity.systems.adair import ADAIR
from tests.baselines.parity.systems.ahmf import AHMF_SYSTEM
from tests.baselines.parity.systems.awfln import AWFLN_SYSTEM
from tests.baselines.parity.systems.captnet import CAPTNET
from tests.baselines.parity.systems.dagf import DAGF_SYSTEM
from tests.baselines.parity.systems.dctnet import DCTNET
from tests.baselines.parity.systems.difpan import DIFPAN
from tests.baselines.parity.systems.dispnet import DISPNET
from tests.baselines.parity.systems.dkn import DKN_SYSTEM
from tests.baselines.parity.systems.dudonet import DUDONET
from tests.baselines.parity.systems.fusionmamba import FUSIONMAMBA
from tests.baselines.parity.systems.geodsr import GEODSR
from tests.baselines.parity.systems.gridformer import GRIDFORMER
from tests.baselines.parity.systems.lagconv import LAGCONV
from tests.baselines.parity.systems.m3dnet import M3DNET
from tests.baselines.parity.systems.masa import MASA_SYSTEM
from tests.baselines.parity.systems.mcmrsr import MCMRSR
from tests.baselines.parity.systems.mgdun import MGDUN_SYSTEM
from tests.baselines.parity.systems.minet import MINET
from tests.baselines.parity.systems.promptir import PROMPTIR
from tests.baselines.parity.systems.sanet import SANET
from tests.baselines.parity.systems.sgnet import SGNET
from tests.baselines.parity.systems.transweather import TRANSWEATHER

SYSTEMS: dict[str, ParitySystem] = {
    "adair": ADAIR,
    "ahmf": AHMF_SYSTEM,
    "awfln": AWFLN_SYSTEM,
    "captnet": CAPTNET,
    "dagf": DAGF_SYSTEM,
    "dctnet": DCTNET,
    "difpan": DIFPAN,
    "dispnet": DISPNET,
    "dkn": DKN_SYSTEM,
    "dudonet": DUDONET,
    "fusionmamba": FUSIONMAMBA,
    "geodsr": GEODSR,
    "gridformer": GRIDFORMER,
    "lagconv": LAGCONV,
    "m3dnet": M3DNET,
    "masa": MASA_SYSTEM,
    "mcmrsr": MCMRSR,
    "mgdun": MGDUN_SYSTEM,
    "minet": MINET,
    "promptir": PROMPTIR,
    "sanet": SANET,
    "sgnet": SGNET,
    "transweather": TRANSWEATHER,
}
"""By the name of the module and of the golden file."""
