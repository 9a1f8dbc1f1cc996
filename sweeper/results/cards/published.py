"""Published beside measured: what a study printed of its points, and what they reach here."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.config.published_figures import Figures, Published, published_of
from sweeper.config.spec import SweepSpec
from sweeper.results.card import Card, NotYet, Table
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow, Measure
from sweeper.search.points import configurations
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Config, State, canonical
from sweeper.wording import plain

LEGEND = (
    "printed: by the study; v: of its validation split, else of its test split; *: follows from its layers; "
    "=: the same here; seconds here are device-seconds"
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A point with published figures and a trial of it; `row` is None before there is one."""

    point: str
    published: Published
    row: LeaderboardRow | None = None
    parameters: int | None = None

    @property
    def seconds_per_epoch(self) -> float | None:
        """Device-seconds billed, for each epoch run."""
        return self.row.device_seconds / self.row.epochs if self.row and self.row.epochs else None

    def measured(self, split: str, figure: str) -> float | None:
        """`top1`, `top5` or `loss` of the trial's best epoch; of the test split where it was opened."""
        if self.row is None:
            return None
        metrics = self.row.test or {} if split == "test" else self.row.metrics
        return metrics.get(f"{split}/{figure}")

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, both sides in the same shape."""
        row = self.row
        return {
            "point": self.point,
            "trial": row.number if row else None,
            "state": str(row.state) if row else None,
            "published": self.published.model_dump(exclude_defaults=True),
            "measured": {
                "valid": _known({name: self.measured("valid", name) for name in Figures.model_fields}),
                "test": _known({name: self.measured("test", name) for name in Figures.model_fields}),
                "parameters": self.parameters,
                "epochs": row.epochs if row else None,
                "seconds": row.device_seconds if row else None,
                "seconds_per_epoch": self.seconds_per_epoch,
            },
        }


def published(board: Leaderboard) -> Card | NotYet:
    """Only the figures that the study gave for some point; accuracies in per cent."""
    lines = compare(board.sweep.spec, board.trials, board.measure)
    if not lines:
        return NotYet("no point of the sweep file has published figures", {"published": []})
    title, columns = "Published beside measured", _columns(lines)
    header = ("point", *(heading for heading, _ in columns))
    rows = [(plain(line.point), *(cell(line) for _, cell in columns)) for line in lines]
    table = Table(header, rows, title, left=("point",), below=LEGEND, gap=1)
    return Card(title, {"published": [line.as_dict() for line in lines]}, tables=[table])


def published_trials(spec: SweepSpec, history: SweepHistory) -> list[TrialHistory]:
    """The completed trials of points that carry figures of a test split."""
    wanted = {_key(name, config) for _, name, config, published in _points(spec) if published.has_test}
    done = [trial for trial in history.trials.values() if trial.state is State.COMPLETED]
    return [trial for trial in done if _key(trial.point, trial.config) in wanted]


def compare(
    spec: SweepSpec, rows: Iterable[LeaderboardRow], measure: Measure | None = None
) -> list[Compared]:
    """A line for each trial of a point with published figures, in the order of the points."""
    by_point: dict[str, list[LeaderboardRow]] = {}
    for row in sorted(rows, key=lambda row: row.number):
        by_point.setdefault(_key(row.point, row.config), []).append(row)
    lines: list[Compared] = []
    for number, name, config, published in _points(spec):
        parameters = measure(config) if measure else None
        found = by_point.get(_key(name, config), [])
        lines += [Compared(name or f"point {number}", published, row, parameters) for row in found or [None]]
    return lines


Column = tuple[str, Callable[[Compared], str]]


def _columns(lines: Sequence[Compared]) -> list[Column]:
    columns: list[Column] = [("trial", _trial), ("epochs", _epochs)]
    if any(line.published.parameters or line.published.counted for line in lines):
        columns += [("parameters\nprinted", _parameters), ("here", _parameters_here)]
    for figure, heading in (("top1", "top-1 %"), ("top5", "top-5 %"), ("loss", "loss")):
        if any(_printed(line.published, figure)[0] is not None for line in lines):
            columns += [
                (f"{heading}\nprinted", lambda line, f=figure: _printed_text(line.published, f)),
                ("valid", lambda line, f=figure: _number(f, line.measured("valid", f))),
                ("test", lambda line, f=figure: _number(f, line.measured("test", f))),
            ]
    if any(line.published.seconds or line.published.seconds_per_epoch for line in lines):
        columns += [("seconds\nprinted", _seconds), ("here", _seconds_here)]
    return columns


def _points(spec: SweepSpec) -> list[tuple[int, str | None, Config, Published]]:
    """Place in the file (from 1), name, configuration and figures of each point that has any."""
    return [
        (number, point.get("name"), config, published)
        for number, (point, config) in enumerate(zip(spec.points, configurations(spec), strict=True), start=1)
        if (published := published_of(point)) is not None
    ]


def _key(name: str | None, config: Config) -> str:
    return f"{name or ''}\0{canonical(config)}"


def _known(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if value is not None and math.isfinite(value)}


def _trial(line: Compared) -> str:
    if line.row is None:
        return "-"
    done = line.row.state is State.COMPLETED
    return str(line.row.number) if done else f"{line.row.number} {line.row.state}"


def _epochs(line: Compared) -> str:
    return "-" if line.row is None else str(line.row.epochs)


def _parameters(line: Compared) -> str:
    if line.published.parameters:
        return f"{line.published.parameters:,}"
    return f"{line.published.counted:,}*" if line.published.counted else "-"


def _parameters_here(line: Compared) -> str:
    if line.parameters is None:
        return "-"
    expected = line.published.parameters or line.published.counted
    return "=" if line.parameters == expected else f"{line.parameters:,}"


def _printed(published: Published, figure: str) -> tuple[float | None, str]:
    """The figure and the split that it is of; test comes first."""
    test, valid = getattr(published.test, figure), getattr(published.valid, figure)
    return (valid, "valid") if test is None else (test, "test")


def _printed_text(published: Published, figure: str) -> str:
    value, split = _printed(published, figure)
    mark = " v" if split == "valid" and value is not None else ""
    return _number(figure, value) + mark


def _number(figure: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if figure == "loss" else f"{100 * value:.2f}"


def _seconds(line: Compared) -> str:
    if line.published.seconds:
        return f"{line.published.seconds:,.0f}"
    return f"{line.published.seconds_per_epoch:,.0f}/epoch" if line.published.seconds_per_epoch else "-"


def _seconds_here(line: Compared) -> str:
    if line.row is None:
        return "-"
    if line.published.seconds is None and line.published.seconds_per_epoch and line.seconds_per_epoch:
        return f"{line.seconds_per_epoch:,.1f}/epoch"
    return f"{line.row.device_seconds:,.0f}"
