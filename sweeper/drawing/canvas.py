"""Pictures as files, drawn by matplotlib without a display: every PNG and SVG that the product writes.

The report draws with Plotly, which answers the mouse, and cannot write a picture without a browser. Whoever
imports this loads matplotlib: 0.5 CPU-seconds.
"""

from pathlib import Path
from typing import IO, Any

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from sweeper.drawing.looks import GRID
from sweeper.files import writing

MARKERS = {
    "circle": "o", "square": "s", "diamond": "D", "cross": "P", "triangle-up": "^", "star": "*", "x": "X",
    "pentagon": "p",
}  # fmt: skip
"""What matplotlib calls the symbols."""
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "sweeper",  # ids are drawn by chance without it
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # a class called $x$ is no formula
    "axes.edgecolor": GRID,
    "axes.axisbelow": True,
    "axes.ymargin": 0.1,
}
_UNDATED = {"svg": dict.fromkeys(("Date", "Creator", "Format", "Type")), "png": {"Software": None}}

alike = rc_context(_SETTINGS)
"""Decorates what makes or changes a figure: texts and edges are then those of every picture."""


@alike
def figure(width: float, height: float, *, is_constrained: bool = True) -> Figure:
    """Return an empty figure of so many inches. With `is_constrained` its axes make room for their labels."""
    made = Figure(figsize=(width, height), layout="constrained" if is_constrained else None)
    FigureCanvasSVG(made)
    return made


def save(made: Figure, path: Path) -> Path:
    """Write a PNG or an SVG by the suffix; the same picture is the same file."""
    with writing(path) as file:
        save_to(made, file, path.suffix.removeprefix("."))
    return path


@alike
def save_to(made: Figure, stream: IO[bytes], kind: str) -> None:
    """Write the picture as `png` or `svg`."""
    made.savefig(stream, format=kind, dpi=120, metadata=_UNDATED[kind])
