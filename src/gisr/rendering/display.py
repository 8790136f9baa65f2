"""The kinds of display, where everything may name them: nothing is imported for it."""

from typing import Literal

Display = Literal["bands", "grey", "coloured"]
"""Three bands as red, green and blue; one band in grey; one band in the colours of a map."""
