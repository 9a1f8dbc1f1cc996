"""The answer in plain words: the cards that a launch ends with."""

from collections.abc import Iterator

from sweeper.report.section import Section
from sweeper.results.answer import Cards
from sweeper.results.card import Card, Table

_CARDS = (
    "overview", "best", "repeat", "certainty", "efficiency", "knee", "target", "spending", "anytime",
    "earlier", "advise",
)  # fmt: skip


def in_words(cards: Cards) -> Section:
    """Say what is best, what is worth its cost, how sure that is, and whether more is worth it."""
    found = [card for name in _CARDS if isinstance(card := cards[name], Card)]
    best = cards["best"]
    absent = "" if isinstance(best, Card) else best.reason
    lines = [line for card in found for line in card.lines]
    notes = [note for card in found for note in card.notes]
    return Section(
        "answer",
        "The answer",
        lines=lines,
        tables=list(_tables(cards["budgets"])),
        notes=notes,
        absent=absent,
    )


def published(cards: Cards) -> Section | None:
    """Show published beside measured, where points carry what a study printed."""
    card = cards["published"]
    if not isinstance(card, Card):
        return None
    return Section("published", "Published and measured", tables=card.tables, notes=card.notes)


def _tables(card: object) -> Iterator[Table]:
    if isinstance(card, Card):
        yield from (table for table in card.tables if table.rows)
