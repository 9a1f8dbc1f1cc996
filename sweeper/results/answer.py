"""The answer that a sweep ends with, as data: the best network, the one worth its cost, what it took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sweeper.config.spec import SweepSpec
from sweeper.results.anytime import Anytime, anytime
from sweeper.results.certainty import Certainty, certainty
from sweeper.results.earlier import Earlier, earlier
from sweeper.results.leaderboard import Cost, LeaderboardRow, leaderboard, points, trial_rows, varied
from sweeper.results.pareto import (
    Point,
    cheapest_reaching,
    default_floor,
    efficiency,
    front,
    knee,
    most_efficient,
    per_budget,
)
from sweeper.results.published_comparison import Compared, Measure, compare
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import totals
from sweeper.sweep.objective import chance_level
from sweeper.sweep.ranking import ranked_configs
from sweeper.trial import State

Mode = Literal["pareto", "efficiency", "budget", "target"]
"""Which question the answer opens with."""


@dataclass(frozen=True, slots=True)
class Efficient:
    """The best ratio of score above chance to cost, among trials that reach the floor."""

    row: LeaderboardRow
    ratio: float
    chance: float
    floor: float
    is_floor_given: bool


@dataclass(frozen=True, slots=True)
class Within:
    """The best configuration that costs at most `budget`, in the sweep's own unit of cost."""

    budget: float
    row: LeaderboardRow


@dataclass(frozen=True, slots=True)
class Places:
    """Where the sweep left its traces, and the commands that lead on from here."""

    record: str = ""
    pictures: tuple[str, ...] = ()
    tracking: str = ""
    experiment: str = ""
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that the end of a sweep says; `sweeper best` says it again from the record.

    Device-seconds are those of CPU slots where `has_gpu` is false. `saved_device_seconds` is an
    estimate: the epochs that stopped trials did not run, at their own seconds an epoch. `rows` are the
    configurations, `trials` the single trials, each best first. `certainty` is None where runs are single.
    `enough` says why the search ended before its budget.
    """

    sweep: str
    metric: str
    mode: Mode
    is_maximized: bool
    cost: Cost
    why: str
    states: Mapping[State, int]
    rows: Sequence[LeaderboardRow]
    trials: Sequence[LeaderboardRow]
    best: LeaderboardRow | None
    efficient: Efficient | None
    target: float | None
    reaching: LeaderboardRow | None
    within: Sequence[Within]
    certainty: Certainty | None
    anytime: Anytime
    front: Sequence[LeaderboardRow]
    knee: LeaderboardRow | None
    varied: Sequence[str]
    billed_device_seconds: float
    productive_device_seconds: float
    usd: float | None
    wall_seconds: float
    has_gpu: bool
    stopped_early: int
    saved_device_seconds: float
    places: Places
    published: Sequence[Compared] = ()
    chance: float | None = None
    earlier: Earlier | None = None
    enough: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; rows of the front and the winners in full, every other trial by its number only."""
        return {
            "sweep": self.sweep,
            "metric": self.metric,
            "goal": "maximize" if self.is_maximized else "minimize",
            "cost": self.cost,
            "mode": self.mode,
            "ended": self.why,
            "trials": {str(state): count for state, count in self.states.items()},
            "best": self.best.as_dict() if self.best else None,
            "certainty": self.certainty.as_dict() if self.certainty else None,
            "efficient": _efficient_dict(self.efficient),
            "best_within": [{"budget": each.budget, "trial": each.row.as_dict()} for each in self.within],
            "target": self.target,
            "cheapest_reaching_target": self.reaching.as_dict() if self.reaching else None,
            "front": [row.as_dict() for row in self.front],
            "knee": self.knee.number if self.knee else None,
            "ranking": [row.number for row in self.rows if row.rank is not None],
            "billed_device_seconds": self.billed_device_seconds,
            "productive_device_seconds": self.productive_device_seconds,
            "device": "gpu" if self.has_gpu else "cpu_slot",
            "usd": self.usd,
            "wall_seconds": self.wall_seconds,
            "stopped_early": self.stopped_early,
            "saved_device_seconds": self.saved_device_seconds,
            "anytime": self.anytime.as_dict(),
            "search_ended": self.enough or None,
            "known_from_earlier_sweeps": self.earlier.as_dict() if self.earlier else None,
            "published": [line.as_dict() for line in self.published],
            "record": self.places.record,
            "pictures": list(self.places.pictures),
            "tracking": self.places.tracking,
            "experiment": self.places.experiment,
            "next": list(self.places.commands),
        }


def answer(
    history: SweepHistory,
    spec: SweepSpec,
    *,
    classes: int | None = None,
    places: Places | None = None,
    measure: Measure | None = None,
) -> Answer:
    """Draw the answer from the history. `classes` gives the chance level of a top-k accuracy.

    `measure` counts the parameters of points with published figures; left out, they stay unknown.
    """
    objective = spec.objective
    ranked = ranked_configs(history, objective.goal)
    trials = trial_rows(history, objective.goal)
    rows = leaderboard(history, objective.goal, ranked, trials)
    sums = totals(history)
    cost: Cost = objective.cost if objective.cost != "usd" or sums.usd else "gpu_hours"
    cloud = points(rows, objective.goal, cost)
    by_number = {row.number: row for row in rows}
    stopped = [t for t in history.trials.values() if t.state is State.STOPPED]
    chance = chance_level(objective.metric, classes)
    bend = knee(_worthwhile(cloud, chance))
    return Answer(
        sweep=spec.name,
        metric=objective.metric,
        mode=objective.mode,
        is_maximized=objective.goal == "maximize",
        cost=cost,
        why=history.closed,
        states={s: n for s in State if (n := sum(t.state is s for t in history.trials.values()))},
        rows=rows,
        trials=trials,
        best=rows[0] if rows and rows[0].rank == 1 else None,
        efficient=_efficient(rows, cloud, spec, chance),
        target=objective.target,
        reaching=_reaching(by_number, cloud, spec),
        within=[Within(limit, by_number[point.number]) for limit, point in per_budget(cloud)],
        certainty=certainty(ranked, objective.goal, spec.search.seed),
        anytime=anytime(history, objective, spec.stop_when, spec.search.seed),
        front=[by_number[point.number] for point in front(cloud)],
        knee=by_number[bend.number] if bend else None,
        varied=varied(rows),
        billed_device_seconds=sums.billed,
        productive_device_seconds=sums.productive,
        usd=sums.usd if sums.billed else None,
        wall_seconds=history.wall_seconds,
        has_gpu=sums.gpu_billed > 0,
        stopped_early=len(stopped),
        saved_device_seconds=sum(saved_device_seconds(trial, spec.train.epochs) for trial in stopped),
        places=places or Places(),
        published=compare(spec, trials, measure),
        chance=chance,
        earlier=earlier(history.known, objective.goal),
        enough=history.enough,
    )


def saved_device_seconds(trial: TrialHistory, epochs: int) -> float:
    """What the epochs that a trial did not run would have taken, at its own pace so far."""
    last = trial.last
    if last is None or last.epoch < 1:
        return 0.0
    return max(0, epochs - last.epoch) * last.device_seconds / last.epoch


def _efficient(
    rows: Sequence[LeaderboardRow], cloud: Sequence[Point], spec: SweepSpec, chance: float | None
) -> Efficient | None:
    """Only for an accuracy: a loss has no chance level, and so no gain over it."""
    if chance is None or spec.objective.goal != "maximize":
        return None
    given = spec.objective.min_top5
    allowed = {row.number for row in rows if given is None or top5_of(row, spec.objective.metric) >= given}
    competing = [point for point in cloud if point.number in allowed]
    floor = default_floor(cloud, chance) if given is None else given
    winner = most_efficient(competing, chance=chance, floor=floor if given is None else chance)
    if winner is None:
        return None
    row = next(row for row in rows if row.number == winner.number)
    return Efficient(row, efficiency(winner, chance), chance, floor, given is not None)


def top5_of(row: LeaderboardRow, metric: str) -> float:
    """The row's mean where `metric` is top-5, else the top-5 of its best trial's best epoch."""
    return (row.score or 0.0) if metric == "valid/top5" else row.metrics.get("valid/top5", 0.0)


def _worthwhile(cloud: Sequence[Point], chance: float | None) -> Sequence[Point]:
    """Points of at least half the best gain over chance: the bend among useless networks is no advice."""
    if chance is None:
        return cloud
    half = (chance + max((point.value for point in cloud), default=chance)) / 2
    return [point for point in cloud if point.value >= half]


def _reaching(
    rows: Mapping[int, LeaderboardRow], cloud: Sequence[Point], spec: SweepSpec
) -> LeaderboardRow | None:
    target = spec.objective.target
    if target is None:
        return None
    found = cheapest_reaching(cloud, target if spec.objective.goal == "maximize" else -target)
    return rows[found.number] if found else None


def _efficient_dict(efficient: Efficient | None) -> dict[str, Any] | None:
    if efficient is None:
        return None
    return {
        "trial": efficient.row.as_dict(),
        "ratio": efficient.ratio,
        "chance": efficient.chance,
        "floor": efficient.floor,
    }
