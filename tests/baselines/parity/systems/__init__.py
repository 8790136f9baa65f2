"""Every compared system, with what its parity test must know."""

from tests.baselines.parity.system import ParitySystem
from tests.baselines.parity.systems.promptir import PROMPTIR

SYSTEMS: dict[str, ParitySystem] = {
    "promptir": PROMPTIR,
}
"""By the name of the module and of the golden file."""
