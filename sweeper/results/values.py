"""This module says what each value of a parameter cost and brought: was it worth trying 96 pixels?"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sweeper.config.objective_section import ObjectiveSpec
from sweeper.sweep.chance import chance_level
from sweeper.trial import Config
from sweeper.wording import HOUR, value_text

VALUES = 8
"""Values that are told apart; of more, numbers are told by quarters of the trials, others by the dearest."""


@dataclass(frozen=True, slots=True)
class TrialCost:
    """One trial over all its attempts, in device-seconds; `waited` are plain seconds."""

    number: int
    label: str
    state: str
    attempts: int
    score: float | None
    billed: float
    productive: float
    set_up: float
    repeated: float
    waited: float | None
    usd: float | None
    joules: float | None


@dataclass(frozen=True, slots=True)
class ValueCost:
    """What the trials with one value of a parameter cost, and what they brought.

    `best` and `median` are over the trials with a score. `efficiency` is the median's gain over chance for
    one device-hour of a trial's mean cost, None where the metric has no chance level.
    """

    parameter: str
    value: str
    trials: int
    billed: float
    usd: float | None
    best: float | None
    median: float | None
    efficiency: float | None


def by_value(
    trials: Sequence[tuple[Config, TrialCost]], objective: ObjectiveSpec, images: Sequence[int] | None
) -> list[ValueCost]:
    """Every parameter that differs between trials; a trial that lacks a parameter counts in none of its rows.

    `images`, the validation images by class, give the chance level of an accuracy.
    """
    is_maximized = objective.goal == "maximize"
    chance = chance_level(objective.metric, images) if is_maximized else None
    found: list[ValueCost] = []
    for name in dict.fromkeys(name for config, _ in trials for name in config):
        groups = _groups([(config[name], cost) for config, cost in trials if name in config])
        if len(groups) > 1:
            found += [_value(name, value, those, chance, is_maximized) for value, those in groups.items()]
    return found


def _value(
    name: str, value: str, trials: Sequence[TrialCost], chance: float | None, is_maximized: bool
) -> ValueCost:
    scores = [trial.score for trial in trials if trial.score is not None]
    known = [trial.usd for trial in trials if trial.usd is not None]
    billed = sum(trial.billed for trial in trials)
    median = statistics.median(scores) if scores else None
    efficiency = None
    if chance is not None and median is not None and billed > 0:
        efficiency = (median - chance) / (billed / len(trials) / HOUR)
    return ValueCost(
        parameter=name,
        value=value,
        trials=len(trials),
        billed=billed,
        usd=sum(known) if known and len(known) == len(trials) else None,
        best=(max(scores) if is_maximized else min(scores)) if scores else None,
        median=median,
        efficiency=efficiency,
    )


Pair = tuple[Any, TrialCost]


def _groups(pairs: Sequence[Pair]) -> dict[str, list[TrialCost]]:
    """Group trials by value: a group for each of a few values, else numbers by quarters.

    Of many names the dearest have a group each, and the others share one.
    """
    distinct = {value_text(value): value for value, _ in pairs}
    are_numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in distinct.values())
    if are_numbers:
        pairs = sorted(pairs, key=lambda pair: pair[0])
        if len(distinct) > VALUES:
            return _quarters(pairs)
    groups: dict[str, list[TrialCost]] = {}
    for value, cost in pairs:
        groups.setdefault(value_text(value), []).append(cost)
    if len(groups) <= VALUES:
        return groups if are_numbers else dict(sorted(groups.items()))
    dearest = sorted(groups, key=lambda value: -sum(trial.billed for trial in groups[value]))
    others = [trial for value in dearest[VALUES - 1 :] for trial in groups[value]]
    kept = {value: groups[value] for value in dearest[: VALUES - 1]}
    return kept | {f"{len(groups) - len(kept)} others": others}


def _quarters(pairs: Sequence[Pair]) -> dict[str, list[TrialCost]]:
    groups: dict[str, list[TrialCost]] = {}
    for quarter in range(4):
        part = pairs[quarter * len(pairs) // 4 : (quarter + 1) * len(pairs) // 4]
        span = dict.fromkeys((value_text(part[0][0]), value_text(part[-1][0])))
        groups.setdefault(" to ".join(span), []).extend(cost for _, cost in part)
    return groups
