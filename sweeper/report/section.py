"""A section of a report: what a figure shows in a sentence, the figure, and its numbers as a table."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from sweeper.results.card import Table, Words
from sweeper.wording import plain

LISTED = 300
"""Configurations in a table of the page; `sweeper best` and `--format csv` have all."""
LONGEST = 60
"""Characters of a name in a figure; the table beside it has the whole name."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with the sentence that stands for it where it cannot be seen."""

    said: str
    figure: go.Figure
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What a report says under one heading. `code` is text as it stands in a file; `absent` says why there is
    nothing to draw."""

    key: str
    title: str
    lines: Sequence[Words] = ()
    drawings: Sequence[Drawing] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    images: Sequence["Thumbnail"] = ()
    code: str = ""
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture as a `data:` address, and what it shows."""

    address: str
    said: str


@dataclass(frozen=True, slots=True)
class Page:
    """All sections, in the order in which they are read. `facts` are the same as plain data."""

    title: str
    subtitle: str
    sections: Sequence[Section]
    facts: dict[str, Any]
    dated: str


def spoken(text: str, longest: int = LONGEST) -> str:
    """Return a name for a figure: at most so many characters, none of them control, nothing that is HTML."""
    short = plain(text)
    if len(short) > longest:
        short = f"{short[: longest - 1]}…"
    return html.escape(short, quote=False)


def drawn(across: str, up: str, *, height: int = 420, is_share: bool = False) -> go.Figure:
    """Return an empty figure with named axes; the page gives it the colors of day or night."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 64, "r": 16, "t": 16, "b": 56},
        xaxis={"title": {"text": across}, "automargin": True},
        yaxis={"title": {"text": up}, "automargin": True, "tickformat": ".0%" if is_share else None},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        template="none",
    )
    return figure


def by_name(figure: go.Figure, *axes: str) -> None:
    """Give each name of an axis a place: Plotly takes `1` and `2 8` for numbers, and some names for dates."""
    for axis in axes:
        figure.update_layout({f"{axis}axis": {"type": "category"}})
