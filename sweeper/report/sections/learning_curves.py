"""Learning curves by epoch and by device-seconds, with what was stopped at which rung."""

import math
from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from sweeper.drawing.looks import look_of
from sweeper.report.section import Drawing, Section, drawn
from sweeper.results.card import Table
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.rung_ranks import rungs_of
from sweeper.store.history import TrialHistory
from sweeper.trial import State
from sweeper.wording import counted, is_accuracy, score_text

MOST = 300
"""Curves that are drawn; of more, the best hundred and a sample of the others."""
_BEST = 100


def learning_curves(board: Leaderboard) -> Section:
    """Draw the score of every trial after each epoch, over epochs and over what it had cost until then."""
    metric = board.objective.metric
    known = [trial for trial in board.sweep.history.trials.values() if _finite(trial)]
    if not known:
        return Section("curves", "Learning curves", absent="no trial has reported yet")
    shown = _thinned(board, known)
    notes = []
    if len(shown) < len(known):
        notes.append(
            f"Thinned: {len(shown)} of {len(known)} curves are drawn, the best {_BEST} and a sample."
        )
    by_epoch = drawn("epoch", metric, is_share=is_accuracy(metric))
    by_time = drawn("device-seconds trained", metric, is_share=is_accuracy(metric))
    for figure, is_epoch in ((by_epoch, True), (by_time, False)):
        for trace in _traces(shown, is_epoch):
            figure.add_trace(trace)
    for resource, level in rungs_of(board.sweep):
        figure = by_epoch if resource == "epoch" else by_time
        figure.add_vline(x=level, line={"dash": "dot", "width": 1}, annotation_text="rung")
    table = _stopped_table(board, known)
    said = f"{metric} of {counted(len(shown), 'trial')} over epochs. {_stopped_text(known)}"
    same = f"The same curves over device-seconds, which is what is paid for: {_steepest(board)}"
    drawings = [Drawing(said, by_epoch, table), Drawing(same, by_time, _spent_table(board, shown))]
    return Section("curves", "Learning curves", drawings=drawings, notes=notes)


def _finite(trial: TrialHistory) -> bool:
    return any(math.isfinite(report.score) for report in trial.reports)


def _thinned(board: Leaderboard, known: Sequence[TrialHistory]) -> list[TrialHistory]:
    if len(known) <= MOST:
        return list(known)
    goal = board.objective.goal
    ranked = sorted(
        known, key=lambda trial: -goal.sign * (found.score if (found := trial.best(goal)) else math.nan)
    )
    rest = ranked[_BEST:]
    step = len(rest) / (MOST - _BEST)
    sample = [rest[int(place * step)] for place in range(MOST - _BEST)]
    return sorted([*ranked[:_BEST], *sample], key=lambda trial: trial.number)


def _traces(shown: Sequence[TrialHistory], is_epoch: bool) -> Iterator[go.Scatter]:
    """Yield one trace a state, whose curves are apart by gaps: thousands of traces would be slow."""
    states = dict.fromkeys(trial.state for trial in shown)
    for state in states:
        across: list[float | None] = []
        up: list[float | None] = []
        numbers: list[int | None] = []
        ends: list[bool] = []
        those = [trial for trial in shown if trial.state == state]
        for trial in those:
            finite = [report for report in trial.reports if math.isfinite(report.score)]
            across += [report.epoch if is_epoch else round(report.device_seconds, 3) for report in finite] + [
                None
            ]
            up += [round(report.score, 5) for report in finite] + [None]
            numbers += [trial.number] * len(finite) + [None]
            ends += [False] * (len(finite) - 1) + [True, False]
        look = look_of(state)
        yield go.Scatter(
            x=across,
            y=up,
            mode="lines+markers",
            name=f"{look.name} ({len(those)})",
            line={"color": look.color, "width": 1},
            marker={"color": look.color, "symbol": look.symbol, "size": [7 if end else 3 for end in ends]},
            opacity=0.7,
            customdata=numbers,
            hovertemplate="trial %{customdata}<br>%{x}: %{y}<extra></extra>",
        )


def _stopped_text(known: Sequence[TrialHistory]) -> str:
    stopped = sum(trial.state is State.STOPPED for trial in known)
    return (
        f"{stopped} were stopped early, at the large marks at their ends."
        if stopped
        else "None was stopped early."
    )


def _stopped_table(board: Leaderboard, known: Sequence[TrialHistory]) -> Table:
    """How many trials ended at which epoch, and the best score there."""
    metric, goal = board.objective.metric, board.objective.goal
    rows: list[tuple[str, ...]] = []
    for epoch in sorted({trial.last.epoch for trial in known if trial.last}):
        those = [trial for trial in known if trial.last and trial.last.epoch == epoch]
        scores = [goal.sign * found.score for trial in those if (found := trial.best(goal))]
        stopped = sum(trial.state is State.STOPPED for trial in those)
        rows.append(
            (
                str(epoch),
                str(len(those)),
                str(stopped),
                score_text(metric, goal.sign * max(scores) if scores else None),
            )
        )
    return Table(("last epoch", "trials", "of them stopped early", f"best {metric}"), rows)


def _spent_table(board: Leaderboard, shown: Sequence[TrialHistory]) -> Table:
    """Where each curve ends: what it had cost by then, and the best score on the way."""
    metric, goal = board.objective.metric, board.objective.goal
    rows = [
        (
            str(trial.number),
            str(trial.last.epoch),
            f"{trial.last.device_seconds:.4g}",
            score_text(metric, found.score if (found := trial.best(goal)) else None),
            str(trial.state),
        )
        for trial in shown
        if trial.last
    ]
    return Table(("trial", "epochs", "device-seconds", f"best {metric}", "state"), rows, left=("state",))


def _steepest(board: Leaderboard) -> str:
    best = board.best
    if best is None:
        return "no trial has a score."
    return f"trial {best.number}, the best, took {best.device_seconds:.0f} for {best.epochs} epochs."
