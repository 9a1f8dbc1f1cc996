"""Pictures of cards as SVG, whose marks speak on hovering.

Whoever imports this loads matplotlib: only the end of a run and `compare --svg` do.
"""

import io
import itertools
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator

from sweeper.drawing.canvas import MARKERS, alike, figure, save_to
from sweeper.drawing.looks import BAND, GRID, INK, SOFT
from sweeper.results.card import Mark, Name, Picture
from sweeper.wording import plain, score_text

SIZE, FRAME = (7.6, 4.2), (0.09, 0.12, 0.88, 0.74)
"""Inches; left, bottom, width and height of the axes as shares of them."""
MANY = 400
"""Marks from which they are small."""
Place = tuple[float, float]
SVG = "{http://www.w3.org/2000/svg}"


@alike
def svg(picture: Picture) -> str:
    """Return the whole picture; nothing in it depends on when it was made."""
    made, stream = figure(*SIZE, is_constrained=False), io.BytesIO()
    _draw(picture, made.add_axes(FRAME))
    save_to(made, stream, "svg")
    return _spoken(stream.getvalue(), picture)


def _draw(picture: Picture, axes: Axes) -> None:
    axes.set_title(_clean(picture.title), loc="left", weight="bold", color=INK, pad=24)
    axes.set_xlabel(picture.across, color=SOFT)
    if picture.is_log:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(LogLocator(subs=()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda score, _: score_text(picture.metric, score)))
    axes.grid(color=GRID)
    axes.tick_params(labelcolor=SOFT, color=GRID)
    _dots(axes, picture.marks)
    if not picture.is_log:
        axes.set_xlim(left=0)
    for stairs in picture.stairs:
        if len(stairs.places) > 1:
            costs, scores = zip(*stairs.places, strict=True)
            axes.step(costs, scores, where="post", color=stairs.color, linewidth=1.5, gid="stairs")
    if picture.shade:
        left, right, words = picture.shade
        axes.axvspan(left, right, color=BAND)
        _say(axes, words, (right, 0), (-2, 6), ("data", "axes fraction"), ha="right", color=SOFT)
    for name in picture.names:
        _name(axes, name)
    _say(axes, picture.remark, (0, 1), (0, 6), "axes fraction", color=SOFT)
    _explain(axes, picture)


def _dots(axes: Axes, marks: Sequence[Mark]) -> None:
    size, rim = (10, "none") if len(marks) > MANY else (55, "white")
    for (color, symbol), those in _by_look(marks).items():
        places = [mark.x for mark in those], [mark.y for mark in those]
        marker = MARKERS[symbol]
        drawn = axes.scatter(
            *places, s=size, color=color, marker=marker, alpha=0.85, edgecolors=rim, zorder=3
        )
        drawn.set_gid("marks")
    axes.autoscale_view()
    axes.autoscale(False)  # intervals may reach beyond the picture
    for mark in marks:
        if mark.reach is not None:
            axes.vlines(mark.x, mark.y - mark.reach, mark.y + mark.reach, color=SOFT, linewidth=1.5)


def _by_look(marks: Sequence[Mark]) -> dict[tuple[str, str], list[Mark]]:
    """Return the marks by color and symbol: matplotlib draws those of one look in one go."""
    made: dict[tuple[str, str], list[Mark]] = {}
    for mark in marks:
        made.setdefault((mark.color, mark.symbol), []).append(mark)
    return made


def _name(axes: Axes, name: Name) -> None:
    """Write the words above the place, on the side with room, or below it, where a front leaves room."""
    place = axes.transAxes.inverted().transform(axes.transData.transform((name.x, name.y)))[0]
    side = "right" if name.is_above and place > 0.5 else "left"
    offset = (0, 8) if name.is_above else (7, -14)
    _say(axes, name.text, (name.x, name.y), offset, "data", ha=side, color=INK, weight="bold", zorder=4)


def _say(axes: Axes, text: str, place: Place, offset: Place, where: Any, **how: Any) -> None:
    axes.annotate(_clean(text), place, offset, xycoords=where, textcoords="offset points", **how)


def _explain(axes: Axes, picture: Picture) -> None:
    """Say what the colors mean, in a line between title and axes."""
    for kind in picture.kinds:
        axes.scatter([], [], s=55, color=kind.color, marker=MARKERS[kind.symbol], label=kind.name)
    for stairs in picture.stairs:
        if stairs.name:
            marker = MARKERS.get(stairs.symbol, "")
            axes.plot([], [], color=stairs.color, marker=marker, label=_clean(stairs.name))
    if axes.get_legend_handles_labels()[1]:
        legend = axes.legend(loc="lower left", ncols=6, frameon=False, labelcolor=SOFT, borderpad=0.2)
        legend.set_bbox_to_anchor((0, 1))


def _spoken(text: bytes, picture: Picture) -> str:
    """Add titles to the whole and to each dot, which browsers show on hovering and screen readers read."""
    ElementTree.register_namespace("", SVG[1:-1])
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(text)
    root.set("role", "img")
    root.insert(0, _title(picture.title))
    groups = root.iterfind(f".//{SVG}g[@id='marks']")
    dots = itertools.chain.from_iterable(map(_drawn, groups))
    marks = itertools.chain.from_iterable(_by_look(picture.marks).values())
    for mark, dot in zip(marks, dots, strict=True):
        dot.append(_title(mark.said))
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _drawn(group: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the dots of one look: matplotlib refers to a common path, but writes out a few short ones."""
    return list(group.iter(f"{SVG}use")) or list(group.iter(f"{SVG}path"))


def _title(said: str) -> ElementTree.Element:
    made = ElementTree.Element(f"{SVG}title")
    made.text = _clean(said)
    return made


def _clean(text: str) -> str:
    """Remove what XML has no place for: control characters, and halves of characters."""
    return plain(text).encode("utf-8", "ignore").decode()
