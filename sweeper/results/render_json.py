"""This module makes one JSON document of cards: their facts, in the order of the cards."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sweeper.results.card import Card, NotYet
from sweeper.wording import escaped


def merged(cards: Iterable[Card | NotYet]) -> dict[str, Any]:
    """Return the facts of all cards, side by side."""
    return {key: value for card in cards for key, value in card.facts.items()}


def json_text(value: Any) -> str:
    """Return one document. JSON knows neither NaN nor infinity: such numbers are null.

    What could repaint a terminal is escaped, so that the text is the same and cannot.
    """
    return escaped(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
