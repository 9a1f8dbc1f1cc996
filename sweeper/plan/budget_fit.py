"""This module says whether a sweep fits its budget, and names the smallest changes with which it would."""

import math
import statistics
from collections.abc import Iterator, Sequence

from sweeper.config.parameter import Choice
from sweeper.config.spec import SweepSpec
from sweeper.cost.cost_estimate import CostEstimate, Range
from sweeper.plan.rehearsal import Rehearsal, RehearsalResult
from sweeper.schedulers import scheduler
from sweeper.schedulers.parts.ladder import ladder_of
from sweeper.search.points import has_points_only
from sweeper.wording import counted

CHEAPEST = 0.1
"""A sweep is refused only where it does not fit even at this quantile of its pace."""

MATTERS = 0.75
"""A value is worth leaving out where the networks without it cost at most this share."""


def refused(rehearsal: Rehearsal, quote: CostEstimate) -> str:
    """Say why not even one trial can be trained in full; empty where one can, or might."""
    hours, wall = _least(rehearsal)
    unit = "GPU hours" if quote.is_gpu else "CPU slot hours"
    for name, limit, needed, what in _limits(rehearsal, hours, wall):
        if limit < needed:
            text = f"even at the fastest reading the cheapest takes {needed:.2g} {what or unit}"
            epochs = rehearsal.spec.train.epochs
            return f"budget.{name}: {limit:g} has no room for one trial of {epochs} epochs: {text}"
    return ""


def tightest(rehearsal: Rehearsal) -> str:
    """Return the limit that ends the sweep first."""
    return min(_in_hours(rehearsal), key=lambda pair: pair[1])[0]


def to_fit_one(rehearsal: Rehearsal) -> Iterator[str]:
    """Return the changes that make room for one trial: a larger limit, rounded up, or fewer epochs."""
    least, wall = _least(rehearsal, quantile=0.9)
    for name, limit, needed, _ in _limits(rehearsal, least, wall):
        if limit < needed:
            yield f"budget.{name}: {_up(needed)} would fit one trial"
            epochs = int(rehearsal.spec.train.epochs * limit / needed)
            if epochs >= 1:
                yield f"or train.epochs: {epochs}"
            return


def to_fit_all(rehearsal: Rehearsal, quote: CostEstimate) -> Iterator[str]:
    """Return the changes that make room for all trials: a larger limit, fewer trials, or a smaller space."""
    name = tightest(rehearsal)
    alone = rehearsal.unlimited()
    hours = Range.of([each.device_hours for each in alone])
    wall = Range.of([each.wall_hours for each in alone])
    price = rehearsal.where.usd_per_hour or 0.0
    usd = wall.p90 * _devices(rehearsal) * price
    needed = {"gpu_hours": hours.p90, "usd": usd, "wall_hours": wall.p90}[name]
    yield f"budget.{name}: {_up(needed)} would fit"
    fitting = int(quote.trials.p10)
    if fitting >= 1 and not has_points_only(rehearsal.spec):
        yield f"or budget.trials: {fitting}"
    limit = dict(_in_hours(rehearsal))[name]
    if narrower := _narrower(rehearsal, limit / max(hours.p50, 1e-12)):
        yield f"or {narrower}"


def notes_of(rehearsal: Rehearsal, outcomes: Sequence[RehearsalResult]) -> Iterator[str]:
    """What the rehearsals tell beside their figures: an end before the budget, a ladder that nobody
    climbs."""
    yield from _early_end(rehearsal, outcomes)
    yield from _ladder(rehearsal.spec, rehearsal.wanted)


def _least(rehearsal: Rehearsal, quantile: float = CHEAPEST) -> tuple[float, float]:
    """Return (device-hours, wall hours) of the cheapest configuration, trained in full."""
    seconds = min(seconds for _, seconds in rehearsal.foreseen.all) * rehearsal.factor(quantile)
    hours = rehearsal.full_hours(seconds)
    return hours, hours / rehearsal.where.share


def _limits(rehearsal: Rehearsal, hours: float, wall: float) -> Iterator[tuple[str, float, float, str]]:
    """Return (name, limit, need of one trial, unit) of each limit that is set and can be foreseen."""
    budget, price = rehearsal.spec.budget, rehearsal.where.usd_per_hour
    if budget.gpu_hours is not None:
        yield "gpu_hours", budget.gpu_hours, hours, ""
    if budget.usd is not None and price is not None:
        yield "usd", budget.usd, wall * _devices(rehearsal) * price, "USD"
    if budget.wall_hours is not None:
        yield "wall_hours", budget.wall_hours, wall, "hours"


def _devices(rehearsal: Rehearsal) -> float:
    """Whole devices, all of which are paid for as long as the sweep runs."""
    return rehearsal.where.slots * rehearsal.where.share


def _in_hours(rehearsal: Rehearsal) -> list[tuple[str, float]]:
    """Return each limit as device-hours."""
    price, where = rehearsal.where.usd_per_hour or math.inf, rehearsal.where
    per_hour = {"gpu_hours": 1.0, "usd": 1 / price, "wall_hours": where.slots * where.share}
    return [(name, limit * per_hour[name]) for name, limit, _, _ in _limits(rehearsal, 0.0, 0.0)]


def _narrower(rehearsal: Rehearsal, share: float) -> str:
    """Return the value without which the mean configuration is just cheap enough."""
    found: list[tuple[float, str]] = []
    for name, parameter in rehearsal.spec.parameters.items():
        if not isinstance(parameter, Choice) or parameter.per or len(parameter.values) < 2:
            continue
        for value in parameter.values:
            others = [other for other in parameter.values if other != value]
            left = _left_without(rehearsal, name, value, others)
            if left <= min(share, MATTERS):
                found.append((left, f"{name} without {value}"))
    return max(found, default=(0.0, ""))[1]


def _left_without(rehearsal: Rehearsal, name: str, value: object, others: Sequence[object]) -> float:
    """Return the mean cost of a configuration with another value in its place, as a share of what it was."""
    typical = rehearsal.foreseen.typical
    before = after = 0.0
    for config, _ in rehearsal.foreseen.pool:
        own = typical(config)
        before += own
        if config.get(name) == value:
            own = sum(typical({**config, name: other}) for other in others) / len(others)
        after += own
    return after / before


def _up(value: float) -> str:
    """Round up to two significant digits, because what is quoted must fit."""
    if not 0 < value < math.inf:
        return f"{value:g}"
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / unit - 1e-9) * unit:.2g}"


def _early_end(rehearsal: Rehearsal, outcomes: Sequence[RehearsalResult]) -> Iterator[str]:
    """What `stop_when` did in the rehearsals, whose curves are made up; a long sweep is rehearsed in part."""
    if rehearsal.spec.stop_when is None:
        return
    ended = [each.trials for each in outcomes if each.is_enough]
    if ended:
        after = f", after about {statistics.median(ended):.0f} trials"
        yield f"stop_when ended {len(ended)} of {len(outcomes)} rehearsals{after}; their curves are made up"
    elif rehearsal.length < (rehearsal.wanted or math.inf) and not any(each.is_cut for each in outcomes):
        yield f"stop_when may end it sooner: no more than {rehearsal.length} trials were rehearsed"


def _ladder(spec: SweepSpec, wanted: int | None) -> Iterator[str]:
    """Where the trials are too few for promotion to bring one to its end by its rank."""
    if spec.scheduler.options.get("kind") != "promote" or wanted is None or spec.final is not None:
        return
    ladder = scheduler[spec.scheduler.type](spec.objective.goal, spec.train.epochs, **spec.scheduler.options)
    rungs = len([*ladder_of(ladder)])
    needed = math.ceil(float(spec.scheduler.options.get("reduction_factor", 3)) ** rungs - 1e-9)
    if wanted < needed:
        text = f"kind: promote has {counted(rungs, 'rung')}: {needed} trials bring one to its end by rank"
        yield f"{text}, of {wanted} the best goes on alone"
