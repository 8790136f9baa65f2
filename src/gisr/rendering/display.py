"""The kinds of display, where everything may name them: nothing is imported for it."""

from typing import Literal

Display = Literal["bands", "grey", "depth"]
"""How values become colours: three bands as red, green and blue; one band grey; a depth map."""
