"""What a satellite pair's own measurements make doubtful: a negative, noise, JPEG, no detail."""

from gisr.errors import percentage
from gisr.estimation.sensor_model import SensorModel
from gisr.tasks import Task

_NEGATIVE = -0.6
"""Correlation of fine detail below which a guide is likely a negative. The near infrared over
visible bands of 68 real scenes, the most unlike pairs that are right, has -0.4 at worst."""
_NEGATIVE_BAND = -0.85
"""The same of a target of one band: bare ground that is bright is cool, so a thermal band may well
be dark where its guide is bright."""
_NOISY, _NOISE_ALONE = 0.11, 0.6
"""Shares of a target's contrast, and of its finest detail, from which noise is told. Of 54 real
scenes none reaches both (at most 0.16 and 0.59); with white noise of 15 % of the contrast all do.
It takes 20 to 30 % for results to be no better than interpolation."""


def satellite_doubts(
    found: SensorModel, task: Task, *, enlarged: bool = False, blown_up: bool = False
) -> list[str]:
    """Return in words what the measurements of a pair say against its result.

    Args:
        found: What was estimated.
        task: Has the words for target and guide.
        enlarged: Whether the guide was made of pixels as coarse as the target's.
        blown_up: Whether the target was made of pixels two to four times as large as its own.
    """
    bands, signs, doubts = len(found.noise), found.signs, list[str]()
    if signs.likeness <= (_NEGATIVE if bands > 1 else _NEGATIVE_BAND):
        doubts.append(
            f"the {task.guide_word} is dark where the {task.target_word} is bright (correlation "
            f"{signs.likeness:.2f}): if it is a negative, the result is worse than it could be: "
            "invert it first (gdal_translate -scale 0 255 255 0, with the range of its values)"
        )
    if enlarged:
        doubts.append(
            f"the {task.guide_word} shows nothing finer than the {task.target_word} does, as one "
            "that was enlarged, or computed from it: the result is hardly sharper than "
            "interpolation: give one that was taken at its own resolution"
        )
    if blown_up:
        doubts.append(
            f"the {task.target_word} shows nothing finer than pixels two to four times as large "
            "would, as one that was enlarged, to the grid of its guide for example: the result is "
            "less sharp than from the image as it was delivered: give that"
        )
    # Of one band alone, noise cannot be told from what it shows.
    if bands > 1 and signs.noise_share >= _NOISY and signs.noise_in_detail >= _NOISE_ALONE:
        doubts.append(
            f"the {task.target_word} is noisy (by {percentage(signs.noise_share)} of its contrast "
            "or more): noise is sharpened with it, and from 20 to 30 % the result is no better "
            "than interpolation: denoise it first"
        )
    if signs.blocky:
        doubts.append(
            f"the {task.target_word} shows blocks of 8 x 8 pixels, as strong JPEG compression "
            "leaves them: they are sharpened with it, the result is not made to agree with them "
            "unless that is requested, and may be no better than interpolation: use the image "
            "before it was compressed"
        )
    return doubts
