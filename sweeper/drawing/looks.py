"""Colors and symbols of every picture. A color never speaks alone: a symbol or a word says the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweeper.trial import State

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GRAY = (
    "#0072b2", "#d55e00", "#009e73", "#b2182b", "#aa4499", "#56b4e9", "#e69f00", "#7f7f7f",
)  # fmt: skip
"""Colors that the color-blind tell apart (Okabe and Ito, 2008), and a red for what failed."""
INK, SOFT, GRID, BAND = "#1f2933", "#64748b", "#e2e8f0", "#f1f5f9"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, RED, GRAY)
SYMBOLS = ("circle", "square", "diamond", "cross", "triangle-up", "star", "x", "pentagon")
"""Of Plotly; `canvas` knows what matplotlib calls them."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """How trials of one state, or of one sweep, are called and drawn."""

    name: str
    color: str
    symbol: str


FULL = Appearance("trained in full", BLUE, "circle")
EARLY = Appearance("stopped early", ORANGE, "square")
OTHER = Appearance("other", GRAY, "pentagon")
_LOOKS = {
    State.COMPLETED: FULL,
    State.STOPPED: EARLY,
    State.RUNNING: Appearance("running", GRAY, "diamond"),
    State.PAUSED: Appearance("paused", GRAY, "triangle-up"),
    State.FAILED: Appearance("failed", RED, "x"),
}


def look_of(state: State) -> Appearance:
    """Return how a trial in that state is drawn, in every picture alike."""
    return _LOOKS.get(state, OTHER)


def looks_of(names: Sequence[str]) -> list[Appearance]:
    """Return a look for each of several sweeps; from the ninth on they begin anew."""
    places = [number % len(PALETTE) for number in range(len(names))]
    return [Appearance(name, PALETTE[at], SYMBOLS[at]) for name, at in zip(names, places, strict=True)]
