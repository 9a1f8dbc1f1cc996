"""Which configuration comes next: the points, then what the search draws, each with all its seeds."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweeper.config.spec import SweepSpec
from sweeper.search import Searcher
from sweeper.search.points import complete
from sweeper.search.random import draw
from sweeper.store.history import TrialHistory
from sweeper.trial import Config, Report, State, canonical, derive

REDRAWS = 20
"""How often a configuration that was run already, or cannot be, is drawn anew."""

LISTED = 10_000
"""The largest space whose last configurations are looked up where drawing does not find them."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a configuration that is not run again has reached, as the search is told; INFEASIBLE for one
    that cannot be trained. `cost` in device-seconds."""

    config: Config
    state: State
    value: float | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration to run. `repeat` counts its seeds from 0; `point` is its name in the sweep file.

    `redrawn` are the configurations that the search drew before and that cost nothing: their results
    were known.
    """

    config: Config
    repeat: int = 0
    point: str | None = None
    is_final_run: bool = False
    redrawn: tuple[Known, ...] = ()


class Proposals:
    """Hands out each configuration once, times `search.repeats`. `refuse` says why one cannot be trained.

    A configuration that is drawn again costs nothing: the search is told its known result. `value` is
    what the search is told of a trial's reports.
    """

    def __init__(
        self,
        spec: SweepSpec,
        searcher: Searcher,
        refuse: Callable[[Config], str],
        value: Callable[[list[Report]], float | None],
    ) -> None:
        self._spec = spec
        self._searcher = searcher
        self._refuse = refuse
        self._value = value
        self._first: dict[str, str] = {}
        self._earlier: dict[str, Known] = {}
        self._seen: set[str] = set()
        self._points = 0
        self._repeats: deque[Proposal] = deque()

    def learned(self, number: int, body: Mapping[str, Any]) -> None:
        """A trial of an earlier sweep (the body of `known`), under a number below zero."""
        config, state = body["config"], State(body["state"])
        reports = [
            Report(epoch, score, cost, {"valid/top5": top5}) for epoch, score, cost, top5 in body["reports"]
        ]
        self._searcher.adopt(number, config)
        for report in reports:
            self._searcher.observe(number, report.epoch, self._value([report]) or 0.0)
        known = Known(config, state, self._value(reports), reports[-1].device_seconds if reports else 0.0)
        self._tell(number, known)
        if self._spec.search.reuse:
            self._earlier[canonical(config)] = known
            self._seen.add(canonical(config))

    def adopted(self, trial: TrialHistory, redrawn: Iterable[Mapping[str, Any]] = ()) -> None:
        """A trial of the record was asked for: draw from behind it."""
        for body in redrawn:
            known = Known(body["config"], State(body["state"]), body["value"], body["cost"])
            self._searcher.adopt(trial.number, known.config)
            self._tell(trial.number, known)
        self._searcher.adopt(trial.number, trial.config)
        self._handed_out(trial.id, Proposal(trial.config, trial.repeat, trial.point))

    def handed_out(self, trial_id: str, number: int, proposal: Proposal) -> None:
        """A proposal became a trial."""
        if proposal.repeat or self._is_from_points():
            self._searcher.adopt(number, proposal.config)
        self._handed_out(trial_id, proposal)

    def next(self, number: int, trials: Mapping[str, TrialHistory]) -> Proposal | None:
        """What trial `number` shall run; None when the space has nothing new."""
        if self._repeats:
            return self._repeats[0]
        if self._is_from_points():
            point = self._spec.points[self._points]
            config = complete(point, self._spec.space, self._spec.search.seed, self._points)
            return Proposal(config, point=point.get("name"))
        return self._draw(number, trials)

    def _is_from_points(self) -> bool:
        return self._points < len(self._spec.points)

    def _handed_out(self, trial_id: str, proposal: Proposal) -> None:
        if proposal.repeat:
            if self._repeats:
                self._repeats.popleft()
            return
        self._points += self._is_from_points()
        self._first.setdefault(canonical(proposal.config), trial_id)
        self._seen.add(canonical(proposal.config))
        seeds = range(1, self._spec.search.repeats)
        self._repeats.extend(Proposal(proposal.config, seed, proposal.point) for seed in seeds)

    def _draw(self, number: int, trials: Mapping[str, TrialHistory]) -> Proposal | None:
        size = self._spec.space.size
        redrawn: list[Known] = []
        for _ in range(REDRAWS):
            if size is not None and len(self._seen) >= size:
                return None
            config = self._searcher.propose(number)
            if config is None:
                return None
            known = self._known(config, trials)
            if known is None:
                return Proposal(config, redrawn=tuple(redrawn))
            self._tell(number, known)
            redrawn.append(known)
        if size is not None and size <= LISTED:
            return self._left_over(number, redrawn)
        return self._by_lot(number, redrawn)

    def _by_lot(self, number: int, redrawn: list[Known]) -> Proposal | None:
        """A configuration drawn without the search, which kept to known ones; None after very many draws."""
        generator = np.random.default_rng(derive(self._spec.search.seed, "by lot", number))
        for _ in range(LISTED):
            config = self._spec.space.sample(lambda _, parameter: draw(parameter, generator))
            if canonical(config) not in self._seen and not self._refuse(config):
                self._searcher.adopt(number, config)
                return Proposal(config, redrawn=tuple(redrawn))
        return None

    def _left_over(self, number: int, redrawn: list[Known]) -> Proposal | None:
        """One of the configurations that nobody has drawn yet, by lot."""
        unseen = [config for config in self._spec.space.grid() if canonical(config) not in self._seen]
        generator = np.random.default_rng(derive(self._spec.search.seed, "left over", number))
        for place in generator.permutation(len(unseen)):
            if not self._refuse(unseen[place]):
                self._searcher.adopt(number, unseen[place])
                return Proposal(unseen[place], redrawn=tuple(redrawn))
        return None

    def _known(self, config: Config, trials: Mapping[str, TrialHistory]) -> Known | None:
        """The result of a configuration that was run before, or cannot be; None for one that shall be run."""
        key = canonical(config)
        if key in self._first:
            return self._result(trials[self._first[key]])
        if key in self._earlier:
            return self._earlier[key]
        return Known(config, State.INFEASIBLE) if self._refuse(config) else None

    def _result(self, trial: TrialHistory) -> Known:
        """What the search is told of a trial of this sweep; of one that still runs, nothing yet."""
        value = self._value(trial.reports) if trial.state.is_final else None
        state = State.CANCELLED if value is None else trial.state
        return Known(trial.config, state, value, trial.device_seconds)

    def _tell(self, number: int, known: Known) -> None:
        self._searcher.finish(number, known.state, known.value, known.cost)
