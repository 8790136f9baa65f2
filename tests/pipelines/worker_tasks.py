"""What the processes of tests do with a pair: in a module that imports no torch, to start soon."""

import os
import signal

from gisr.errors import InputError
from gisr.pipelines.batch import BatchItem, PairOutcome
from gisr.pipelines.execution import Execution


def dies(execution: Execution, item: BatchItem) -> PairOutcome:
    """Die of the second pair; give the id of the process for the others."""
    if item.target.name.startswith("1"):
        os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    return PairOutcome(item, None, str(os.getpid()))


def defect(execution: Execution, item: BatchItem) -> PairOutcome:
    """Fail in a way that is no user's error."""
    raise KeyError("a defect")


def refuses(execution: Execution, item: BatchItem) -> PairOutcome:
    """Fail in a way that is a user's error, of no pair alone."""
    raise InputError(f"device {execution.device!r} cannot be used here")
