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
class KnownResult:
    """What a configuration that is not run again has reached, as the search is told; INFEASIBLE for one
    that cannot be trained. `cost` in device-seconds."""

    config: Config
    state: State
    value: float | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A configuration to run. `repeat` counts its seeds from 0; `point` is its name in the sweep file.

    `redrawn` are the configurations that the search drew before and that cost nothing: their results
    were known.
    """

    config: Config
    repeat: int = 0
    point: str | None = None
    is_final_run: bool = False
    redrawn: tuple[KnownResult, ...] = ()


class Suggestions:
    """Hands out each configuration once, times `search.repeats`.

    `validate_config` says why a configuration cannot be trained, and is empty where it can be. A
    configuration that is drawn again costs nothing: the search is told its known result. `value` is
    what the search is told of a trial's reports.
    """

    def __init__(
        self,
        spec: SweepSpec,
        searcher: Searcher,
        validate_config: Callable[[Config], str],
        value: Callable[[list[Report]], float | None],
    ) -> None:
        self._spec = spec
        self._searcher = searcher
        self._validate_config = validate_config
        self._value = value
        self._first: dict[str, str] = {}
        self._earlier: dict[str, KnownResult] = {}
        self._seen: set[str] = set()
        self._points = 0
        self._repeats: deque[Suggestion] = deque()

    def learned(self, number: int, body: Mapping[str, Any]) -> None:
        """A trial of an earlier sweep (the body of `known`), under a number below zero."""
        config, state = body["config"], State(body["state"])
        reports = [
            Report(epoch, score, cost, {"valid/top5": top5}) for epoch, score, cost, top5 in body["reports"]
        ]
        self._searcher.register(number, config)
        for report in reports:
            self._searcher.on_report(number, report.epoch, self._value([report]) or 0.0)
        known = KnownResult(
            config, state, self._value(reports), reports[-1].device_seconds if reports else 0.0
        )
        self._tell(number, known)
        if self._spec.search.reuse:
            self._earlier[canonical(config)] = known
            self._seen.add(canonical(config))

    def adopted(self, trial: TrialHistory, redrawn: Iterable[Mapping[str, Any]] = ()) -> None:
        """A trial of the record was asked for: draw from behind it."""
        for body in redrawn:
            known = KnownResult(body["config"], State(body["state"]), body["value"], body["cost"])
            self._searcher.register(trial.number, known.config)
            self._tell(trial.number, known)
        self._searcher.register(trial.number, trial.config)
        self._handed_out(trial.id, Suggestion(trial.config, trial.repeat, trial.point))

    def handed_out(self, trial_id: str, number: int, suggestion: Suggestion) -> None:
        """A suggestion became a trial."""
        if suggestion.repeat or self._is_from_points():
            self._searcher.register(number, suggestion.config)
        self._handed_out(trial_id, suggestion)

    def next(self, number: int, trials: Mapping[str, TrialHistory]) -> Suggestion | None:
        """What trial `number` shall run; None when the space has nothing new."""
        if self._repeats:
            return self._repeats[0]
        if self._is_from_points():
            point = self._spec.points[self._points]
            config = complete(point, self._spec.space, self._spec.search.seed, self._points)
            return Suggestion(config, point=point.get("name"))
        return self._draw(number, trials)

    def _is_from_points(self) -> bool:
        return self._points < len(self._spec.points)

    def _handed_out(self, trial_id: str, suggestion: Suggestion) -> None:
        if suggestion.repeat:
            if self._repeats:
                self._repeats.popleft()
            return
        self._points += self._is_from_points()
        self._first.setdefault(canonical(suggestion.config), trial_id)
        self._seen.add(canonical(suggestion.config))
        seeds = range(1, self._spec.search.repeats)
        self._repeats.extend(Suggestion(suggestion.config, seed, suggestion.point) for seed in seeds)

    def _draw(self, number: int, trials: Mapping[str, TrialHistory]) -> Suggestion | None:
        size = self._spec.space.size
        redrawn: list[KnownResult] = []
        for _ in range(REDRAWS):
            if size is not None and len(self._seen) >= size:
                return None
            config = self._searcher.suggest(number)
            if config is None:
                return None
            known = self._known(config, trials)
            if known is None:
                return Suggestion(config, redrawn=tuple(redrawn))
            self._tell(number, known)
            redrawn.append(known)
        if size is not None and size <= LISTED:
            return self._left_over(number, redrawn)
        return self._by_lot(number, redrawn)

    def _by_lot(self, number: int, redrawn: list[KnownResult]) -> Suggestion | None:
        """A configuration drawn without the search, which kept to known ones; None after very many draws."""
        generator = np.random.default_rng(derive(self._spec.search.seed, "by lot", number))
        for _ in range(LISTED):
            config = self._spec.space.sample(lambda _, parameter: draw(parameter, generator))
            if canonical(config) not in self._seen and not self._validate_config(config):
                self._searcher.register(number, config)
                return Suggestion(config, redrawn=tuple(redrawn))
        return None

    def _left_over(self, number: int, redrawn: list[KnownResult]) -> Suggestion | None:
        """One of the configurations that nobody has drawn yet, by lot."""
        unseen = [config for config in self._spec.space.grid() if canonical(config) not in self._seen]
        generator = np.random.default_rng(derive(self._spec.search.seed, "left over", number))
        for place in generator.permutation(len(unseen)):
            if not self._validate_config(unseen[place]):
                self._searcher.register(number, unseen[place])
                return Suggestion(unseen[place], redrawn=tuple(redrawn))
        return None

    def _known(self, config: Config, trials: Mapping[str, TrialHistory]) -> KnownResult | None:
        """The result of a configuration that was run before, or cannot be; None for one that shall be run."""
        key = canonical(config)
        if key in self._first:
            return self._result(trials[self._first[key]])
        if key in self._earlier:
            return self._earlier[key]
        return KnownResult(config, State.INFEASIBLE) if self._validate_config(config) else None

    def _result(self, trial: TrialHistory) -> KnownResult:
        """What the search is told of a trial of this sweep; of one that still runs, nothing yet."""
        value = self._value(trial.reports) if trial.state.is_final else None
        state = State.CANCELLED if value is None else trial.state
        return KnownResult(trial.config, state, value, trial.device_seconds)

    def _tell(self, number: int, known: KnownResult) -> None:
        self._searcher.on_complete(number, known.state, known.value, known.cost)
