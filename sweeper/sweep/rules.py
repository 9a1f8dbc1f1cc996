"""By which rules a sweep decides, where they have changed: its record keeps them, and it goes on as it
began."""

from collections.abc import Mapping

from sweeper.store.account import COVERED, EVERYTHING

_LOOKS, _CORRECTED = "stop_when_looks", "corrected"

NEWEST: Mapping[str, str] = {COVERED: EVERYTHING, _LOOKS: _CORRECTED}
"""Entries of the `meta` of a new record."""


def corrects_looks(meta: Mapping[str, str]) -> bool:
    """Whether `stop_when` asks for more each time that it looks."""
    return meta.get(_LOOKS) == _CORRECTED
