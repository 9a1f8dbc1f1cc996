"""A card: one finding of a sweep as plain data, from which text, JSON and pictures are drawn.

A card knows no terminal, no file and no library that draws. `render_text` and `render_json` draw every card,
`plots` its picture; a report or a notebook draws the same cards its own way.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sweeper.drawing.looks import INK, Appearance

Style = Literal["", "dim", "good", "command"]


@dataclass(frozen=True, slots=True)
class Words:
    """A line of a card: what `text` says about `label`. Without a label it goes on with the line above."""

    label: str
    text: str
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a card; its cells are text, with their units. The columns in `left` are not to the right.

    `folded` names the column that is folded to the width of the page; without one a table is as wide as its
    content. `aside` stands beside the title and `below` under the rows; `gap` blanks are between columns.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""
    left: Container[str] = ()
    folded: str = ""
    aside: str = ""
    below: str = ""
    gap: int = 2


@dataclass(frozen=True, slots=True)
class Mark:
    """A symbol that speaks on hovering; `reach` is half of the interval around `y`."""

    x: float
    y: float
    said: str
    color: str
    symbol: str = "circle"
    reach: float | None = None


@dataclass(frozen=True, slots=True)
class Stairs:
    """A line that stays level until the next place. `symbol` is that of its marks, for the legend."""

    places: Sequence[tuple[float, float]]
    name: str = ""
    color: str = INK
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """Words beside a place: above it and to its side, or below, where a front leaves room."""

    x: float
    y: float
    text: str
    is_above: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of scores (`metric`, upwards) over what they cost; `across` names the unit of cost.

    `kinds` are the marks that the legend explains, and `shade` is a span of costs with words for it.
    """

    title: str
    metric: str
    across: str
    is_log: bool
    marks: Sequence[Mark] = ()
    stairs: Sequence[Stairs] = ()
    names: Sequence[Name] = ()
    kinds: Sequence[Appearance] = ()
    shade: tuple[float, float, str] | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One finding. `facts` are its part of the JSON document; `picture` is computed only where it is drawn.

    A card about one trial names it in `trial`: its first two lines then are that trial's figures and its
    configuration, which a page need not repeat.
    """

    title: str
    facts: Mapping[str, Any]
    subtitle: str = ""
    trial: int | None = None
    lines: Sequence[Words] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    picture: Callable[[], Picture] | None = None


@dataclass(frozen=True, slots=True)
class NotYet:
    """The reason why there is no card, and what the JSON document has in its place."""

    reason: str
    facts: Mapping[str, Any]
