"""The answer on a terminal or in a log: text drawn with rich, the same words on both."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweeper.results.answer import Answer, Efficient
from sweeper.results.leaderboard import Row
from sweeper.results.published import LEGEND, published_table
from sweeper.trackers.wording import device_text, duration_text, plain, score_text
from sweeper.view import config_text

ENDINGS = {
    "done": "done",
    "budget": "done, its budget is spent",
    "": "not closed",
    "SIGINT": "stopped (Ctrl-C)",
}
STAND_IN = "CPU slot hours stand in for device-hours: no GPU was used."


def print_answer(answer: Answer, console: Console) -> None:
    """All of it, the winner first, the commands to type next last; no line ends in blanks."""
    with console.capture() as capture:
        console.print(_title(answer))
        if answer.best is None:
            console.print(Text(f"\nNo trial reported a finite {answer.metric}: `sweeper logs` says why."))
        else:
            console.print(_winners(answer))
            console.print(front_table(answer))
        if answer.published:
            console.print(published_table(answer.published))
            console.print(Text(LEGEND, style="dim"))
        console.print(_spending(answer))
        console.print(_places(answer))
    _write(console, capture.get())


def print_leaderboard(answer: Answer, limit: int, console: Console) -> None:
    """The first so many trials by rank; no line ends in blanks."""
    with console.capture() as capture:
        console.print(leaderboard_table(answer, limit))
    _write(console, capture.get())


def _write(console: Console, text: str) -> None:
    console.file.write("".join(f"{line.rstrip()}\n" for line in text.splitlines()))


def front_table(answer: Answer) -> Table:
    """The Pareto front, cheapest first; the knee is marked."""
    way = "up" if answer.is_maximized else "down"
    title = Text(f"\nPareto front: {answer.metric} {way}, {_unit(answer)} down")
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("trial", answer.metric, _unit(answer), "epochs"):
        table.add_column(Text(name), justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("configuration", overflow="fold")
    for row in answer.front:
        _add(table, *_cells(answer, row))
    return table


def leaderboard_table(answer: Answer, limit: int) -> Table:
    """The first so many trials by rank."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("rank", "trial", answer.metric, _unit(answer), "epochs", "state"):
        table.add_column(Text(name), justify="right", no_wrap=True)
    table.add_column("configuration", overflow="fold")
    for row in answer.rows[:limit]:
        trial, score, cost, epochs, _, label = _cells(answer, row)
        _add(table, str(row.rank or "-"), trial, score, cost, epochs, str(row.state), label)
    return table


def _title(answer: Answer) -> Text:
    count = sum(answer.states.values())
    parts = ", ".join(f"{number} {state}" for state, number in answer.states.items())
    ended = ENDINGS.get(answer.why, f"stopped ({plain(answer.why)})")
    text = Text(f"\n{plain(answer.sweep)}", style="bold")
    text.append(f": {ended} in {duration_text(answer.wall_seconds)}\n", style="not bold")
    return text.append(f"{_trials(count)}: {parts}", style="not bold")


def _winners(answer: Answer) -> Table:
    table = _pairs()
    test = answer.best.test if answer.best else None
    tested = Text(f"{_metrics(test)} ({_opened(answer)})", style="bold green") if test else None
    efficient = answer.efficient
    entries = [
        (f"Best {answer.metric}", answer.best, tested),
        ("Most efficient", efficient.row if efficient else None, efficient and _reason(answer, efficient)),
        ("Cheapest at the target", answer.reaching, None),
        ("Knee of the front", answer.knee, None),
    ]
    seen: set[int] = set()
    for title, row, more in entries:
        if row is None:
            continue
        if row.number in seen:
            _add(table, Text(title, style="bold"), f"trial {row.number} too")
        else:
            _add(table, Text(title, style="bold"), _figures(answer, row))
            _add(table, "", Text(_label(answer, row), style="dim"))
        if more:
            _add(table, "", more)
        seen.add(row.number)
    return table


def _opened(answer: Answer) -> str:
    count = sum(row.test is not None for row in answer.rows)
    return "opened once, for this trial" if count == 1 else f"opened once for each of {count} trials"


def _figures(answer: Answer, row: Row) -> str:
    score = score_text(answer.metric, row.score)
    spent = device_text(row.device_seconds, answer.has_gpu)
    money = "" if row.usd is None else f", {row.usd:.4g} USD"
    return f"trial {row.number}  {score}  epoch {row.epoch} of {row.epochs}  {spent}{money}"


def _reason(answer: Answer, efficient: Efficient) -> Text:
    points = 100 * efficient.ratio
    floor = score_text(answer.metric, efficient.floor)
    set_by = "min_top5" if efficient.is_floor_given else "nine tenths of the best gain over chance"
    ratio = f"{points:.4g} points above chance per {_unit(answer, one=True)}"
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
        said = f"{_trials(answer.stopped_early)}, which saved about {saved} ({why})"
        _add(table, Text("Stopped early", style="bold"), said)
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
    if places.picture:
        _add(table, Text("Picture", style="bold"), places.picture)
    for number, command in enumerate(places.commands):
        _add(table, Text("" if number else "Next", style="bold"), Text(command, style="cyan"))
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


def _cells(answer: Answer, row: Row) -> tuple[str, str, str, str, str, str]:
    cost = "-" if row.cost(answer.cost) != row.cost(answer.cost) else f"{row.cost(answer.cost):.4g}"
    mark = "knee" if answer.knee and answer.knee.number == row.number else ""
    score = score_text(answer.metric, row.score)
    return str(row.number), score, cost, str(row.epochs), mark, _label(answer, row)


def _label(answer: Answer, row: Row) -> str:
    config = {name: row.config[name] for name in answer.varied if name in row.config} or row.config
    name = f"{plain(row.point)}: " if row.point else ""
    return name + plain(config_text(config))


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"


def _metrics(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {score_text(name, value)}" for name, value in sorted(metrics.items()))


def _unit(answer: Answer, *, one: bool = False) -> str:
    if answer.cost == "usd":
        return "USD"
    kind = "second" if answer.cost == "device_seconds" else "hour"
    return f"{'GPU' if answer.has_gpu else 'CPU slot'} {kind}{'' if one else 's'}"
