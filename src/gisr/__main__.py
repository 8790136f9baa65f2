"""``python -m gisr`` is the ``gisr`` command, for launchers that want a module (torchrun)."""

import sys

from gisr.apps.cli import main

sys.exit(main())
