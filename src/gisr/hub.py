"""Hugging Face hub ids: written as one, ``hf:owner/name``, or never looked for in the network."""

import re

from gisr.errors import WeightsError, shortened

_SIGN = "hf:"
_HUB_ID = re.compile(r"\w[\w.-]*/\w[\w.-]*")
"""``owner/name``: no folder that could lie above, no address."""


def find_hub_id(name: str) -> tuple[str, str | None] | None:
    """Return repository and revision of a hub id that is written as one; None for any other name.

    Args:
        name: ``hf:owner/name`` or ``hf:owner/name@revision``, or anything else.

    Raises:
        WeightsError: It begins as a hub id and is none.
    """
    if not name.startswith(_SIGN):
        return None
    repository, _, revision = name.removeprefix(_SIGN).partition("@")
    if not _HUB_ID.fullmatch(repository):
        raise WeightsError(
            f"{shortened(repr(name))} is no hub id: it must be {_SIGN}owner/name or "
            f"{_SIGN}owner/name@revision"
        )
    return repository, revision or None


def as_hub_id(name: str) -> str:
    """Return how a name would be said as a hub id, for a message; an example where it is none."""
    like = _HUB_ID.fullmatch(name.partition("@")[0]) is not None
    return f"{_SIGN}{shortened(name)}" if like else f"{_SIGN}owner/name"
