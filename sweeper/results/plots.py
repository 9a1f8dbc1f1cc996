"""Pictures of cards as SVG: text stays text, dots speak on hovering, and the same picture is the same file.

Whoever imports this loads matplotlib: only the end of a run and `compare --svg` do.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from xml.etree import ElementTree

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from sweeper.results.card import Mark, Name, Picture
from sweeper.wording import plain, score_text

INK, SOFT, GRID, BAND = "#1f2933", "#64748b", "#e2e8f0", "#f1f5f9"
SIZE = (7.6, 4.2)
"""Inches: 760 to 420 at a hundred dots an inch."""
MANY = 400
"""Marks from which they are small."""
SETTINGS = {
    "svg.hashsalt": "sweeper",  # or else ids are drawn by chance
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # a class called $x$ is no formula
    "axes.edgecolor": GRID,
}
UNDATED = {"Date": None, "Creator": None, "Format": None, "Type": None}
SVG = "http://www.w3.org/2000/svg"


def svg(picture: Picture) -> str:
    """The whole picture; nothing in it depends on when it was made."""
    stream = io.StringIO()
    with rc_context(SETTINGS):
        figure = Figure(figsize=SIZE, layout="constrained")
        FigureCanvasSVG(figure)
        _draw(picture, figure.add_subplot())
        figure.savefig(stream, format="svg", metadata=UNDATED)
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
    axes.set_axisbelow(True)
    axes.tick_params(labelcolor=SOFT, color=GRID)
    axes.set_ylim(*_range([mark.y for mark in picture.marks]))
    if picture.shade:
        left, right, words = picture.shade
        axes.axvspan(left, right, color=BAND)
        axes.annotate(
            words, (right, 0), (-2, 6), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="right", color=SOFT,
        )  # fmt: skip
    for stairs in picture.stairs:
        if len(stairs.places) > 1:
            costs, scores = zip(*stairs.places, strict=True)
            axes.step(costs, scores, where="post", color=stairs.color, linewidth=1.5, gid="stairs")
    _dots(axes, picture.marks)
    for name in picture.names:
        _name(axes, name)
    _above(axes, picture)


def _dots(axes: Axes, marks: Sequence[Mark]) -> None:
    for mark in marks:
        if mark.reach is not None:
            ends = (mark.y - mark.reach, mark.y + mark.reach)
            axes.plot((mark.x, mark.x), ends, color=SOFT, linewidth=1.5, scaley=False)
    is_one_of_many = len(marks) > MANY
    dots = axes.scatter(
        [mark.x for mark in marks],
        [mark.y for mark in marks],
        s=10 if is_one_of_many else 55,
        c=[mark.color for mark in marks],
        alpha=0.85,
        edgecolors="none" if is_one_of_many else "white",
        zorder=3,
    )
    dots.set_gid("marks")


def _name(axes: Axes, name: Name) -> None:
    low, high = axes.get_xlim()
    place = axes.transAxes.inverted().transform(axes.transData.transform((name.x, name.y)))[0]
    is_right = name.is_above and high > low and place > 0.5
    offset = (0, 8) if name.is_above else (7, -14)
    axes.annotate(
        _clean(name.text), (name.x, name.y), offset, textcoords="offset points",
        ha="right" if is_right else "left", color=INK, weight="bold", zorder=4,
    )  # fmt: skip


def _above(axes: Axes, picture: Picture) -> None:
    """The remark, or what the colors mean, in a line between title and axes."""
    if picture.remark:
        axes.annotate(
            picture.remark, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", color=SOFT
        )
    for name, color in picture.kinds.items():
        axes.scatter([], [], s=55, c=color, label=name)
    for stairs in picture.stairs:
        if stairs.name:
            axes.plot([], [], color=stairs.color, label=_clean(stairs.name))
    if axes.get_legend_handles_labels()[1]:
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=6, frameon=False, labelcolor=SOFT, borderpad=0.2
        )


def _range(scores: Iterable[float]) -> tuple[float, float]:
    known = list(scores) or [0.0, 1.0]
    margin = 0.06 * (max(known) - min(known)) or 0.05
    return min(known) - margin, max(known) + margin


def _spoken(text: str, picture: Picture) -> str:
    """With a title for the whole, and one for each dot: browsers show it on hovering, readers read it."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(text)
    root.set("role", "img")
    root.insert(0, _title(picture.title))
    for mark, dot in zip(picture.marks, _drawn_marks(root), strict=True):
        dot.append(_title(mark.said))
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _drawn_marks(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    for group in root.iter(f"{{{SVG}}}g"):
        if group.get("id") == "marks":
            yield from group.iter(f"{{{SVG}}}use")


def _title(said: str) -> ElementTree.Element:
    made = ElementTree.Element(f"{{{SVG}}}title")
    made.text = _clean(said)
    return made


def _clean(text: str) -> str:
    """Without what XML has no place for: control characters, and halves of characters."""
    return "".join(character for character in plain(text) if not "\ud800" <= character <= "\udfff")
