"""By which rules a sweep decides, where they have changed: its record keeps them, and it goes on as it
began."""

from collections.abc import Mapping

from sweeper.store.account import COVERED, EVERYTHING

_LOOKS, _CORRECTED = "stop_when_looks", "corrected"
_FINAL, _ROUNDS = "final_order", "rounds"

NEWEST: Mapping[str, str] = {COVERED: EVERYTHING, _LOOKS: _CORRECTED, _FINAL: _ROUNDS}
"""Entries of the `meta` of a new record."""


def corrects_looks(meta: Mapping[str, str]) -> bool:
    """Whether `stop_when` asks for more each time that it looks."""
    return meta.get(_LOOKS) == _CORRECTED


def has_rounds(meta: Mapping[str, str]) -> bool:
    """Whether the final gives each configuration a seed before any gets its second, and may race."""
    return meta.get(_FINAL) == _ROUNDS
