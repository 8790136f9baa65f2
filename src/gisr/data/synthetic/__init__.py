"""Generated training data: drawn by a program from a random generator, never stored.

What is drawn is a function of the generator's state alone, so a sample of a seeded mixture is the
same in every process and after every resumption. Nothing of it was taken from any data set: it may
be used by anyone for anything (CC0). Benchmarks and validation never see it.
"""

from gisr.tasks import TaskName
from gisr.tasks.depth import DEPTH
from gisr.tasks.multiband import MULTIBAND
from gisr.tasks.pansharpening import PANSHARPENING

GENERATED = "generated"
"""Name of the data set, in recipes."""
GENERATED_TASKS: tuple[TaskName, ...] = (DEPTH.name, PANSHARPENING.name, MULTIBAND.name)
"""Tasks for which images are generated."""
