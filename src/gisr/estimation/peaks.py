"""Peaks between samples."""


def vertex(left: float, here: float, right: float) -> float:
    """Return where a parabola through three neighbouring samples is highest, in steps from here.

    0 where they have no maximum.
    """
    bend = left - 2 * here + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0
