"""What every pansharpening network asks of the pair it is built for."""

from gisr.baselines.network import PublishedSystem


def check_build(
    published: PublishedSystem, target_channels: int, guide_channels: int, ratio: int
) -> None:
    """Refuse a network without bands, and a ratio it is not built for.

    Raises:
        ValueError: One of the three; the message says which values can be built.
    """
    for name, count in (("target", target_channels), ("guide", guide_channels)):
        if count < 1:
            raise ValueError(
                f"{published.title} cannot be built for {count} {name} channels: "
                "it takes 1 or more MS bands and 1 or more channels of the guide (PAN has 1)"
            )
    if ratio not in published.ratios:
        known = ", ".join(map(str, published.ratios))
        raise ValueError(f"{published.title} cannot be built for ratio {ratio}: it can for {known}")


def check_width(published: PublishedSystem, width: int, multiple: int) -> None:
    """Refuse a width that the layers cannot divide.

    Raises:
        ValueError: The width is no positive multiple; the message names the multiple.
    """
    if width < 1 or width % multiple:
        raise ValueError(
            f"{published.title} cannot be built with width {width}: use a multiple of {multiple}"
        )
