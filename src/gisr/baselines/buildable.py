"""What networks of several tasks check before they are built."""

from gisr.baselines.network import PublishedSystem


def require_ratio(system: PublishedSystem, ratio: int) -> None:
    """Refuse a ratio for which a network cannot be built.

    Raises:
        ValueError: It is none of the system's ratios; the message lists them.
    """
    if ratio not in system.ratios:
        known = ", ".join(map(str, system.ratios))
        raise ValueError(f"{system.title} cannot be built for ratio {ratio}: use one of {known}")


def require_channels(system: PublishedSystem, target: int, guide: int) -> None:
    """Refuse images without a channel.

    Raises:
        ValueError: Either count is below 1.
    """
    if min(target, guide) < 1:
        raise ValueError(
            f"{system.title} cannot be built for {target} target and {guide} guide channels: "
            "use 1 or more of each"
        )


def require_buildable(
    system: PublishedSystem, target_channels: int, guide_channels: int, ratio: int
) -> None:
    """Refuse what a network for any number of channels cannot be built for.

    Raises:
        ValueError: A number of channels below 1, or a ratio that is not listed; the message names
            what can be built.
    """
    require_channels(system, target_channels, guide_channels)
    require_ratio(system, ratio)
