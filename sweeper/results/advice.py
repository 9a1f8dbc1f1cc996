"""What a sweep teaches about its own file, and the next file that follows from it."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeper.config.parameter import Choice, Constant, Parameter, is_same
from sweeper.results.edges import Edge, edges
from sweeper.results.foreseeable import Foreseeable, foreseeable
from sweeper.results.influence import Influence, influence
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.rung_ranks import RungRank, rung_ranks
from sweeper.search.parts.importance import Importance
from sweeper.wording import value_text

FIXING = 30
"""Trials below which no parameter is called without effect: seen too rarely is not unimportant."""


@dataclass(frozen=True, slots=True)
class NextFile:
    """Changes to the sweep file, each with its reason: parameters as they would be, a later first rung."""

    parameters: Mapping[str, Parameter] = field(default_factory=dict[str, Parameter])
    grace: float | None = None
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Advice:
    """Everything that `sweeper advise` says, as data."""

    influence: Influence
    edges: Sequence[Edge]
    rungs: Sequence[RungRank]
    wasted: Foreseeable
    without_effect: Sequence[Importance]
    next: NextFile


def advice(board: Leaderboard) -> Advice:
    """Draw all conclusions; it takes seconds, because each importance is set beside 100 shuffles."""
    sweep = board.sweep
    seen = influence(sweep)
    wasted = foreseeable(sweep, seen.judged, board.chance)
    at_edges, ranks = edges_of(board), rung_ranks(sweep)
    idle = without_effect(seen)
    return Advice(seen, at_edges, ranks, wasted, idle, _next(board, at_edges, ranks, wasted, idle))


def edges_of(board: Leaderboard) -> list[Edge]:
    """Return the parameters whose best values lie at an edge of the sweep's space."""
    ranked = [row.config for row in board.configurations if row.rank is not None]
    return edges(board.sweep.spec.space.parameters, ranked)


def without_effect(seen: Influence) -> list[Importance]:
    """Return the parameters that shuffled scores made as important, and that surely explain little.

    Little is less than an equal share of all. None is named with fewer than 30 trials, or where no parameter
    at all is told from chance.
    """
    found = seen.on_score
    if len(seen.judged) < FIXING or not any(each.is_told_from_chance for each in found):
        return []  # where nothing is told from chance, what matters would not have been either
    fair = 1 / len(found)
    return [each for each in found if not each.is_told_from_chance and each.high < fair]


def _next(
    board: Leaderboard,
    at_edges: Sequence[Edge],
    ranks: Sequence[RungRank],
    wasted: Foreseeable,
    idle: Sequence[Importance],
) -> NextFile:
    known = board.sweep.spec.space.parameters
    changed: dict[str, Parameter] = {}
    reasons: dict[str, str] = {}
    for losing in wasted.losing:
        kept = changed.get(losing.parameter, known[losing.parameter])
        if isinstance(kept, Choice) and not _is_condition(known, losing.parameter):
            values = tuple(value for value in kept.values if not is_same(value, losing.value))
            changed[losing.parameter] = kept.model_copy(update={"values": values})
            reasons[losing.parameter] = f"without {value_text(losing.value)}, which lost each time"
    for edge in at_edges:
        if edge.parameter not in changed:
            changed[edge.parameter] = edge.wider
            reasons[edge.parameter] = f"{'up' if edge.is_upper else 'down'} to {value_text(edge.beyond)}"
    best = board.best.config if board.best else {}
    for each in idle:
        parameter = known[each.parameter]
        if each.parameter in changed or each.parameter not in best or parameter.per:
            continue
        if not _is_condition(known, each.parameter):
            value = best[each.parameter]
            changed[each.parameter] = Constant(value=value, when=parameter.when)
            reasons[each.parameter] = f"fixed at {value_text(value)}, the best trial's: no effect was seen"
    pairs = itertools.pairwise(ranks)
    later = next((after.level for rank, after in pairs if rank.says_little), None)
    if later is not None:
        reasons["scheduler.grace"] = f"{later:g}: ranks at the first rung say little about the end"
    return NextFile(changed, later, reasons)


def _is_condition(known: Mapping[str, Parameter], name: str) -> bool:
    """Whether other parameters hang on its values, which fewer values would leave without a meaning."""
    return any(name in parameter.parents for parameter in known.values())


def as_facts(found: Advice) -> dict[str, Any]:
    """Return the advice as values for JSON."""
    return {
        "epoch": found.influence.epoch,
        "judged": len(found.influence.judged),
        "importance": {
            "evaluator": "PED-ANOVA (Optuna)",
            "score": list(map(_as_dict, found.influence.on_score)),
            "cost": list(map(_as_dict, found.influence.on_cost)),
        },
        "without_effect": [each.parameter for each in found.without_effect],
        "edges": [edge.as_dict() for edge in found.edges],
        "rungs": [rank.as_dict() for rank in found.rungs],
        "foreseeable": {
            "billed": found.wasted.billed,
            "failed": found.wasted.failed[1],
            "guessing": found.wasted.guessing[1],
            "losing": [each.as_dict() for each in found.wasted.losing],
        },
        "next": dict(found.next.reasons),
    }


def _as_dict(each: Importance) -> dict[str, Any]:
    return {
        "parameter": each.parameter,
        "share": each.share,
        "interval": [each.low, each.high],
        "chance": each.chance,
    }


def rung_lines(ranks: Sequence[RungRank]) -> Iterator[str]:
    """Say for each rung what its ranking is worth."""
    for rank in ranks:
        interval = f"{rank.low:.2f} to {rank.high:.2f}"
        where = f"epoch {rank.level:g}" if rank.resource == "epoch" else f"{rank.level:g} device-seconds"
        said = f"{where}: rank correlation with the end {rank.correlation:.2f}"
        little = ", which says little" if rank.says_little else ""
        yield f"{said} ({interval}, {rank.trials} trials){little}"
