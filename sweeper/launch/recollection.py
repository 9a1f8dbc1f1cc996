"""What earlier sweeps of this folder tell a new one (`search.memory`): results, and ranges that were good."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeper.config.space import Constant
from sweeper.config.spec import SweepSpec
from sweeper.errors import SpecError, SweeperError
from sweeper.launch.warm_start import events_of
from sweeper.results.stored_sweep import StoredSweep, stored, sweep_names
from sweeper.search.parts.remembering import MATTERING, OPTIMIZER
from sweeper.store.events import EarlierTrial
from sweeper.store.paths import SweepPaths
from sweeper.sweep.ranking import ranked_configs
from sweeper.wording import counted

LOOKED_AT = 20
"""Sweeps that `auto` reads, the newest: a folder may hold hundreds, and each takes up to a second."""
FEWEST = 8
"""Configurations with a score below which a sweep of other images tells nothing."""
MOST = 8
"""Configurations that a sweep of other images gives: at most its best quarter."""


@dataclass(frozen=True)
class Recollection:
    """`known` are results on the same images, `prior` good values on others, `said` how both came about."""

    known: Sequence[EarlierTrial] = ()
    prior: Sequence[Mapping[str, Any]] = ()
    said: Sequence[str] = field(default_factory=tuple[str, ...])


def recollected(spec: SweepSpec, data_digest: str) -> Recollection:
    """Look for earlier sweeps; a record that cannot be read is skipped with a line, and never an error.

    The launch writes what is found into the record, so that a resumed sweep does not look again.
    """
    memory = spec.search.memory
    if memory == "none" or spec.search.prior:
        return Recollection()
    names, said = _names(spec)
    known, prior = list[EarlierTrial](), list[Mapping[str, Any]]()
    for name in names:
        try:
            events, good, line = _told(spec, stored(name), data_digest)
        except (SweeperError, KeyError, TypeError, ValueError) as error:
            said.append(f"memory: {name} is skipped: {error}")
            continue
        known += events
        prior += good
        said.append(f"memory: {line}")
    if not names:
        said.append("memory: there is no earlier sweep in this folder")
    return Recollection(known, prior, said)


def with_prior(spec: SweepSpec, found: Recollection) -> SweepSpec:
    """Return the sweep with the good values in it: it means the same whatever becomes of the others."""
    if not found.prior:
        return spec
    prior = [dict(each) for each in found.prior]
    return spec.model_copy(update={"search": spec.search.model_copy(update={"prior": prior})})


def _names(spec: SweepSpec) -> tuple[list[str], list[str]]:
    """Return the sweeps to read, and what is to be said of those that are not; `search.from` has its own."""
    if isinstance(spec.search.memory, list):
        return list(dict.fromkeys(spec.search.memory)), []
    others = [name for name in sweep_names() if name not in (spec.name, *spec.search.warm_start)]
    others.sort(key=_age)
    left = len(others) - LOOKED_AT
    return others[:LOOKED_AT], [f"memory: {left} older sweeps are not looked at"] if left > 0 else []


def _age(name: str) -> float:
    """Return a key: the newest record first; one that cannot be looked at comes last."""
    try:
        return -SweepPaths.of(name).record.stat().st_mtime
    except (OSError, SpecError):
        return 0.0


def _told(
    spec: SweepSpec, sweep: StoredSweep, data_digest: str
) -> tuple[Sequence[EarlierTrial], Sequence[Mapping[str, Any]], str]:
    """Return results, good values, and a line about them."""
    why = "other images"
    if sweep.meta.get("data_digest") == data_digest:
        try:
            events = events_of(spec, sweep.name, data_digest)
        except SpecError as error:
            why = error.problem.removeprefix("search.from: ")
        else:
            return events, (), f"{counted(len(events), 'result')} of {sweep.name}, the same images"
    if sweep.spec.objective.goal is not spec.objective.goal:
        return (), (), f"nothing of {sweep.name}: it has another goal"
    ranked = ranked_configs(sweep.history, sweep.spec.objective.goal)
    if len(ranked) < FEWEST:
        scored = counted(len(ranked), "configuration")
        return (), (), f"nothing of {sweep.name}: {scored} with a score, {FEWEST} are needed"
    best = ranked[: min(MOST, len(ranked) // 4)]
    good = [found for each in best if (found := dict(_good(spec, sweep, each.config)))]
    names = ", ".join(sorted({key for each in good for key in each if key != OPTIMIZER}))
    if not names:
        return (), (), f"nothing of {sweep.name} ({why}): its good values lie outside this space"
    return (), good, f"{names} of the best {len(good)} of {sweep.name}, with less weight ({why})"


def _good(spec: SweepSpec, sweep: StoredSweep, config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of the parameters that matter which this space has too, and whose rates they are."""
    said = sweep.spec.train.model_dump()
    found = {
        name: value
        for name in MATTERING
        if (parameter := spec.space.parameters.get(name)) and not isinstance(parameter, Constant)
        if (value := config.get(name, said.get(name))) is not None
        and parameter.extremes()[0] <= value <= parameter.extremes()[-1]
    }
    if found:
        yield from found.items()
        yield OPTIMIZER, config.get(OPTIMIZER, said[OPTIMIZER])
