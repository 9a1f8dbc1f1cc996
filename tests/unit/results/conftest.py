"""Sweeps whose trials are written down: a score an epoch, what they were billed, and how they ended."""

import io
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from rich.console import Console

from sweeper.config.spec import SweepSpec, parse_spec
from sweeper.results.answer import answer
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.render_text import print_answer
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import Attempt, SweepHistory, TrialHistory
from sweeper.store.paths import SweepPaths
from sweeper.trial import Report, State


def _trial(
    number: int,
    layers: int,
    scores: Sequence[float],
    seconds: float = 3600.0,
    *,
    state: State = State.COMPLETED,
    **more: Any,
) -> TrialHistory:
    price = more.pop("usd_per_hour", None)
    made = TrialHistory(f"{number:016x}", number, {"layers": layers}, seed=number, state=state, **more)
    for epoch, score in enumerate(scores, 1):
        metrics = {"valid/top1": score, "valid/top5": min(1.0, score + 0.05)}
        made.reports.append(Report(epoch, score, seconds * epoch / len(scores), metrics))
    ended = "" if state is State.RUNNING else str(state)
    made.attempts = [
        Attempt(made.id, 1, billed=seconds, productive=seconds, usd_per_hour=price, is_gpu=True, ended=ended)
    ]
    return made


def _history(*trials: TrialHistory) -> SweepHistory:
    """The trials ended in their order; those that run are not settled."""
    history = SweepHistory({t.id: t for t in trials}, launches=1, wall_seconds=200.0, closed="done")
    history.over = [trial for trial in trials if trial.state.is_final]
    ended = itertools.chain.from_iterable(trial.attempts for trial in trials)
    history.settled = [attempt for attempt in ended if attempt.ended]
    return history


def _spec(name: str = "digits", **objective: Any) -> SweepSpec:
    sections: dict[str, Any] = {
        "name": name,
        "dataset": {"source": "digits"},
        "parameters": {"layers": {"min": 1, "max": 99}},
        "objective": {"metric": "valid/top1", **objective},
        "budget": {"trials": 4},
    }
    return parse_spec(json.dumps(sections))


def _board(
    history: SweepHistory, spec: SweepSpec, classes: int | None = None, digest: str = "", **more: Any
) -> Leaderboard:
    meta = {"data_digest": digest} if digest else {}
    if classes is not None:
        meta["classes"] = json.dumps([str(number) for number in range(classes)])
    told = StoredSweep(SweepPaths.of(spec.name), meta, spec, history, None, 0, 0.0, {})
    return Leaderboard(told, **more)


def _printed(board: Leaderboard, width: int = 140) -> str:
    stream = io.StringIO()
    print_answer(answer(board), board.objective, Console(file=stream, width=width))
    return stream.getvalue()


@pytest.fixture
def board() -> Callable[..., Leaderboard]:
    """`board(history(...), spec(), 10)`: what the cards of a sweep with ten classes start from."""
    return _board


@pytest.fixture
def printed() -> Callable[..., str]:
    """`printed(board(...), width=140)`: the answer as a page."""
    return _printed


@pytest.fixture
def trial() -> Callable[..., TrialHistory]:
    """`trial(7, 3, [0.2, 0.5], 40)`: trial 7 with three layers, two epochs, billed 40 seconds of a GPU."""
    return _trial


@pytest.fixture
def history() -> Callable[..., SweepHistory]:
    """`history(trial(...), trial(...))`: a sweep of these."""
    return _history


@pytest.fixture
def spec() -> Callable[..., SweepSpec]:
    """`spec(mode="pareto")`: a sweep file that ranks by valid/top1."""
    return _spec
