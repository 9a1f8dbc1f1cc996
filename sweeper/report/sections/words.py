"""The answer in plain words: the cards that a launch ends with."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sweeper.report.section import Section
from sweeper.results.answer import Cards
from sweeper.results.card import Card, Table, Words
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.stored_sweep import standing_text
from sweeper.wording import counted

_CARDS = (
    "overview", "best", "repeat", "certainty", "efficiency", "knee", "target", "spending", "anytime",
    "earlier", "advise",
)  # fmt: skip


def in_words(cards: Cards) -> Section:
    """Say what is best, what is worth its cost, how sure that is, and whether more is worth it."""
    found = [card for name in _CARDS if isinstance(card := cards[name], Card)]
    best = cards["best"]
    absent = "" if isinstance(best, Card) else best.reason
    lines = [_apart(line) for card in found for line in card.lines]
    notes = [note for card in found for note in card.notes]
    return Section(
        "answer",
        "The answer",
        lines=lines,
        tables=list(_tables(cards["budgets"])),
        notes=notes,
        absent=absent,
    )


def subtitle(boards: Sequence[Leaderboard]) -> str:
    """Say how many trials there are and how the sweep stands, or how many sweeps are compared."""
    if len(boards) > 1:
        return f"{len(boards)} sweeps side by side"
    sweep = boards[0].sweep
    return f"{counted(len(sweep.history.trials), 'trial')}, {standing_text(sweep)}"


def _apart(line: Words) -> Words:
    """Put commas where a terminal has blanks: a page makes one of them."""
    return line if line.style == "command" else replace(line, text=re.sub(r" {2,}", ", ", line.text.strip()))


def _tables(card: object) -> Iterator[Table]:
    if isinstance(card, Card):
        yield from (table for table in card.tables if table.rows)
