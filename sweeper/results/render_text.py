"""This module prints cards as a page, on a terminal or in a log: the same words, folded to its width."""

from collections.abc import Mapping

from rich import table as rich_table
from rich.console import Console, RenderableType
from rich.text import Text

from sweeper.config.objective_section import ObjectiveSpec
from sweeper.results.answer import Cards
from sweeper.results.card import Card, NotYet, Style, Table, Words

STYLES: Mapping[Style, str] = {"": "", "dim": "dim", "good": "bold green", "command": "cyan"}
WINNERS = {
    "budget": ("best", "repeat", "earlier", "certainty"),
    "efficiency": ("efficiency",),
    "target": ("target",),
    "pareto": ("knee",),
}
"""The cards about one trial, by the mode that asks for them."""


def print_answer(cards: Cards, objective: ObjectiveSpec, console: Console) -> None:
    """Print the answer: what `objective.mode` asks for first, the commands to type next last.

    No line ends in blanks.
    """
    best = cards["best"]
    sections = [_heading(cards)]
    if isinstance(best, NotYet):
        sections.append(Text(f"\n{best.reason}"))
    else:
        sections += _sections(cards, objective.mode)
    sections += [
        *_tables(cards, "published"),
        _pairs(cards, "spending", "anytime"),
        _pairs(cards, "advise"),
        _pairs(cards, "places"),
    ]
    _print(sections, console)


def print_tables(card: Card, console: Console) -> None:
    """Print the card's tables, as wide as the console at most; no line ends in blanks."""
    _print([_rich(table) for table in card.tables], console)


def _print(sections: list[RenderableType], console: Console) -> None:
    with console.capture() as capture:
        for section in sections:
            console.print(section)
    console.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))


def _heading(cards: Cards) -> Text:
    (card,) = _of(cards, "overview")
    text = "".join(f"\n{line.text}" for line in card.lines)
    return Text(f"\n{card.title}", style="bold").append(f": {card.subtitle}{text}", style="not bold")


def _sections(cards: Cards, mode: str) -> list[RenderableType]:
    """Yield the winners, first what `objective.mode` asks for, and the tables about them."""
    others = (name for asked, names in WINNERS.items() if asked != mode for name in names)
    winners = _pairs(cards, *WINNERS[mode], *others)
    budgets, front = _tables(cards, "budgets"), _tables(cards, "front")
    match mode:
        case "pareto":
            return [*front, winners, *budgets]
        case "budget":
            return [winners, *budgets, *front]
        case _:
            return [winners, *front, *budgets]


def _of(cards: Cards, *names: str) -> list[Card]:
    return [card for name in names if isinstance(card := cards[name], Card)]


def _pairs(cards: Cards, *names: str) -> rich_table.Table:
    """Make a grid with titles on the left, their text on the right, and an empty line above.

    Figures of a trial that an earlier card was about are not repeated.
    """
    grid = rich_table.Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("", "")
    seen: set[int] = set()
    found = _of(cards, *names)
    for card in found:
        lines = list(card.lines)
        if card.trial is not None:
            if card.trial in seen:
                lines[:2] = [Words(card.title, f"trial {card.trial} too")]
            seen.add(card.trial)
        for line in lines:
            grid.add_row(Text(line.label, style="bold"), Text(line.text, style=STYLES[line.style]))
    for note in (note for card in found for note in card.notes):
        grid.add_row("", Text(note, style="dim"))
    return grid


def _tables(cards: Cards, name: str) -> list[RenderableType]:
    found: list[RenderableType] = []
    for table in (table for card in _of(cards, name) for table in card.tables):
        found += [_rich(table), *([Text(table.below, style="dim")] if table.below else [])]
    return found


def _rich(table: Table) -> rich_table.Table:
    """Make rich's table; its cells are Text, so that no name is taken for markup."""
    made = rich_table.Table(
        title=Text(f"\n{table.title}") if table.title else None,
        title_justify="left",
        box=None,
        padding=(0, table.gap, 0, 0),
        header_style="dim",
    )
    vertical = "bottom" if any("\n" in name for name in table.columns) else "top"
    for name in table.columns:
        justify = "left" if name in table.left else "right"
        is_folded = name == table.folded
        overflow = "fold" if is_folded else "ellipsis"
        heading = Text(name)
        made.add_column(heading, justify=justify, no_wrap=not is_folded, overflow=overflow, vertical=vertical)
    for row in table.rows:
        made.add_row(*map(Text, row))
    return made
