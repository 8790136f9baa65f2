"""How a pair is sharpened, what comes of it, and what pairs that belong together share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
from jaxtyping import Float

from gisr.choices import check_choice, check_text
from gisr.estimation.registration import Align, Alignment
from gisr.estimation.volume_registration import VolumeAlignment
from gisr.inference.consistency.correction import Consistency, Corrected
from gisr.inference.consistency.kspace_projection import Floor
from gisr.inference.precision import Precision
from gisr.inference.survey import Survey
from gisr.notes import Note

if TYPE_CHECKING:
    from torch import Tensor

Progress = Callable[[int, int], None]
"""Called with (guide pixels done, guide pixels in all)."""
Check = Callable[[], None]
"""Called before every answer of a network; it raises where the run shall end."""


def unchecked() -> None:
    """Let a run go on."""


@dataclass(frozen=True)
class Settings:
    """How a pair is sharpened.

    Raises:
        InputError: There is no such choice.
    """

    description: str | None = None
    """Free text in place of the built-in description; systems that read no text ignore it."""
    align: Align = "auto"
    """Whether the shift of a guide is estimated and undone first."""
    spread: bool = False
    """Whether the result is the mean of the answers under the eight symmetries of the square,
    whose standard deviation is returned too: eight times the work."""
    consistent: Corrected = "default"
    """When the result is corrected so that degrading it gives the target."""
    precision: Precision = "auto"
    """What the network computes in; compared systems always compute in float32."""

    def __post_init__(self) -> None:
        """Refuse what is no choice and would be passed over.

        Raises:
            InputError: There is no such choice.
        """
        check_choice("align", self.align, get_args(Align))
        check_choice("consistent", self.consistent, get_args(Corrected))
        check_choice("precision", self.precision, get_args(Precision))
        check_choice("spread", self.spread, (True, False))
        check_text("description", self.description)


@dataclass(frozen=True, eq=False)
class Answer:
    """A sharpened image, and what else is known of it."""

    image: Float[np.ndarray, "H W bands"]
    """In the target's units."""
    spread: Float[np.ndarray, "H W bands"] | None = None
    """Standard deviation of the answers to the image turned in all eight ways."""
    consistency: Consistency | None = None
    """What degrading the result gives, before and after it was made consistent."""
    alignment: Alignment | VolumeAlignment | None = None
    """The estimated shift of the guide; None where none was estimated."""
    notes: tuple[Note, ...] = ()
    """What a user should know about the pair and choices that were made for them."""


@dataclass(frozen=True, eq=False)
class Shared:
    """What several pairs that belong together share: the slices of a volume."""

    survey: Survey
    """Value range of all of them."""
    prompt: "Float[Tensor, 's p'] | None"
    """P_mm of all of them, one row a symmetry; None for a network without MPGM."""
    floor: Floor | None = None
    """What no result of them is below, on k-space grids."""
