"""The answer on a terminal or in a log: text drawn with rich, the same words on both."""

from collections.abc import Callable, Mapping

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from sweeper.results.answer import Answer, Efficient, Mode
from sweeper.results.leaderboard import LeaderboardRow
from sweeper.results.phrases import (
    advice_text,
    certainty_text,
    cost_text,
    earlier_text,
    figures_text,
    label_text,
    last_tenth_text,
    mean_text,
    trials_text,
    unit_text,
)
from sweeper.results.published_comparison import LEGEND, published_table
from sweeper.wording import device_text, duration_text, plain, score_text

ENDINGS = {
    "done": "done",
    "budget": "done, its budget is spent",
    "": "not closed",
    "SIGINT": "stopped (Ctrl-C)",
}
STAND_IN = "CPU slot hours stand in for device-hours: no GPU was used."


def print_answer(answer: Answer, console: Console) -> None:
    """All of it, the question of `objective.mode` first, the commands to type next last.

    No line ends in blanks.
    """
    with console.capture() as capture:
        console.print(_title(answer))
        if answer.best is None:
            console.print(Text(f"\nNo trial reported a finite {answer.metric}: `sweeper logs` says why."))
        else:
            for section in _SECTIONS[answer.mode]:
                console.print(section(answer))
        if answer.published:
            console.print(published_table(answer.published))
            console.print(Text(LEGEND, style="dim"))
        console.print(_spending(answer))
        console.print(_places(answer))
    _write(console, capture.get())


def print_leaderboard(answer: Answer, limit: int, console: Console) -> None:
    """The first so many rows by rank; no line ends in blanks."""
    with console.capture() as capture:
        console.print(leaderboard_table(answer, limit))
    _write(console, capture.get())


def _write(console: Console, text: str) -> None:
    console.file.write("".join(f"{line.rstrip()}\n" for line in text.splitlines()))


def front_table(answer: Answer) -> Table:
    """The Pareto front, cheapest first; the knee is marked."""
    way = "up" if answer.is_maximized else "down"
    title = Text(f"\nPareto front: {answer.metric} {way}, {unit_text(answer)} down")
    table = _table(title, "trial", answer.metric, unit_text(answer), "epochs")
    table.add_column("")
    table.add_column("configuration", overflow="fold")
    for row in answer.front:
        mark = "knee" if answer.knee and answer.knee.number == row.number else ""
        _add(table, *_cells(answer, row), mark, label_text(answer, row))
    return table


def budgets_table(answer: Answer) -> Table:
    """The best for a few budgets of one trial."""
    table = _table(Text("\nBest per budget of a trial"), f"{unit_text(answer)} up to", "trial", answer.metric)
    table.add_column(Text(unit_text(answer)), justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    for number, within in enumerate(answer.within):
        row, is_again = within.row, number > 0 and within.row is answer.within[number - 1].row
        figures = (str(row.number), mean_text(answer.metric, row), cost_text(answer, row))
        _add(table, f"{within.budget:.4g}", *figures, "the same" if is_again else label_text(answer, row))
    return table


def leaderboard_table(answer: Answer, limit: int) -> Table:
    """The first so many rows by rank."""
    has_repeats = any(row.runs > 1 for row in answer.rows[:limit])
    names = ("rank", "trial", answer.metric, unit_text(answer), "epochs", "state")
    table = _table(None, *names, *(("runs",) if has_repeats else ()))
    table.add_column("configuration", overflow="fold")
    for row in answer.rows[:limit]:
        final = " final" if row.is_final else ""
        runs = (f"{row.runs}{final}",) if has_repeats else ()
        cells = (str(row.rank or "-"), *_cells(answer, row), str(row.state), *runs)
        _add(table, *cells, label_text(answer, row))
    return table


def _title(answer: Answer) -> Text:
    count = sum(answer.states.values())
    parts = ", ".join(f"{number} {state}" for state, number in answer.states.items())
    ended = ENDINGS.get(answer.why, f"stopped ({plain(answer.why)})")
    text = Text(f"\n{plain(answer.sweep)}", style="bold")
    text.append(f": {ended} in {duration_text(answer.wall_seconds)}\n", style="not bold")
    text.append(f"{trials_text(count)}: {parts}", style="not bold")
    if answer.enough:
        text.append(f"\nsearch ended: {plain(answer.enough)}", style="not bold")
    return text


Entry = tuple[str, LeaderboardRow | None, list[str | Text]]
"""A title, the row that earns it, and what there is to say below."""


def _winners(answer: Answer) -> Table:
    """Best, most efficient, cheapest at the target and knee: first what `objective.mode` asks for."""
    table = _pairs()
    seen: set[int] = set()
    for title, row, more in _entries(answer):
        if row is None:
            if more:
                _add(table, Text(title, style="bold"), *more)
            continue
        if row.number in seen:
            _add(table, Text(title, style="bold"), f"trial {row.number} too")
        else:
            _add(table, Text(title, style="bold"), figures_text(answer, row))
            _add(table, "", Text(label_text(answer, row), style="dim"))
        for line in more:
            _add(table, "", line)
        seen.add(row.number)
    return table


def _entries(answer: Answer) -> list[Entry]:
    test = answer.best.test if answer.best else None
    below: list[str | Text] = (
        [Text(f"{_metrics(test)} ({_opened(answer)})", style="bold green")] if test else []
    )
    if answer.earlier is not None:
        below.append(Text(earlier_text(answer, answer.earlier), style="dim"))
    below.append(Text(f"Really the best: {certainty_text(answer)}", style="dim"))
    efficient = answer.efficient
    ratio: list[str | Text] = [_reason(answer, efficient)] if efficient else []
    missed: list[str | Text] = []
    if answer.target is not None and answer.reaching is None:
        missed.append(f"none reached {score_text(answer.metric, answer.target)}")
    entries: dict[Mode, Entry] = {
        "budget": (f"Best {answer.metric}", answer.best, below),
        "efficiency": ("Most efficient", efficient.row if efficient else None, ratio),
        "target": ("Cheapest at the target", answer.reaching, missed),
        "pareto": ("Knee of the front", answer.knee, []),
    }
    return [entries[answer.mode], *(entry for mode, entry in entries.items() if mode != answer.mode)]


def _opened(answer: Answer) -> str:
    count = sum(row.test is not None for row in answer.trials)
    return "opened once, for this trial" if count == 1 else f"opened once for each of {count} trials"


def _reason(answer: Answer, efficient: Efficient) -> Text:
    points = 100 * efficient.ratio
    floor = score_text("valid/top5" if efficient.is_floor_given else answer.metric, efficient.floor)
    set_by = (
        "valid/top5: min_top5" if efficient.is_floor_given else "nine tenths of the best gain over chance"
    )
    ratio = f"{points:.4g} points above chance per {unit_text(answer, one=True)}"
    return Text(f"{ratio}, among trials from {floor} up ({set_by})", style="dim")


def _spending(answer: Answer) -> Table:
    table = _pairs()
    billed, productive = answer.billed_device_seconds, answer.productive_device_seconds
    share = f" ({100 * productive / billed:.0f} %)" if billed > 0 else ""
    money = "" if answer.usd is None else f", {answer.usd:.2f} USD"
    trained = f"{device_text(productive, answer.has_gpu)} productive{share}"
    said = f"{device_text(billed, answer.has_gpu)} billed{money}, {trained}"
    _add(table, Text("Device time", style="bold"), said)
    if answer.stopped_early:
        saved = device_text(answer.saved_device_seconds, answer.has_gpu)
        why = "their missing epochs, at their own pace"
        said = f"{trials_text(answer.stopped_early)}, which saved about {saved} ({why})"
        _add(table, Text("Stopped early", style="bold"), said)
    if answer.best is not None:
        _add(table, Text("Last 10 %", style="bold"), last_tenth_text(answer.metric, answer.anytime))
        _add(table, Text("Enough?", style="bold"), advice_text(answer.metric, answer.anytime))
    if not answer.has_gpu:
        _add(table, "", Text(STAND_IN, style="dim"))
    return table


def _places(answer: Answer) -> Table:
    table = _pairs()
    places = answer.places
    if places.tracking:
        _add(table, Text("MLflow", style="bold"), f"{places.tracking}, experiment {places.experiment}")
    if places.record:
        _add(table, Text("Record", style="bold"), places.record)
    for number, picture in enumerate(places.pictures):
        _add(table, Text("" if number else "Pictures", style="bold"), picture)
    for number, command in enumerate(places.commands):
        _add(table, Text("" if number else "Next", style="bold"), Text(command, style="cyan"))
    return table


_SECTIONS: Mapping[Mode, tuple[Callable[[Answer], RenderableType], ...]] = {
    "budget": (_winners, budgets_table, front_table),
    "pareto": (front_table, _winners, budgets_table),
    "efficiency": (_winners, front_table, budgets_table),
    "target": (_winners, front_table, budgets_table),
}


def _table(title: Text | None, *names: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        table.add_column(Text(name), justify="right", no_wrap=True)
    return table


def _pairs() -> Table:
    """Titles on the left, what there is to say on the right, an empty line above."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("", "")
    return table


def _add(table: Table, *cells: str | Text) -> None:
    """As Text, so that no name is taken for rich's markup."""
    table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in cells))


def _cells(answer: Answer, row: LeaderboardRow) -> tuple[str, str, str, str]:
    return str(row.number), mean_text(answer.metric, row), cost_text(answer, row), str(row.epochs)


def _metrics(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {score_text(name, value)}" for name, value in sorted(metrics.items()))
