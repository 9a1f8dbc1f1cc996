"""Chooses the next configuration: the file's points, then a portfolio's members, then what search draws."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sweeper.config.spec import SweepSpec
from sweeper.search import Searcher
from sweeper.search.points import complete
from sweeper.search.random import draw
from sweeper.store.events import EarlierTrial, KnownResult, TrialAsked
from sweeper.store.history import TrialHistory
from sweeper.trial import Config, Report, State, canonical, derive

REDRAWS = 20
"""How often a configuration that was run already, or cannot be, is drawn anew."""

LISTED = 10_000
"""The largest space whose last configurations are looked up where drawing does not find them."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A configuration to run. `repeat` counts its seeds from 0, and `point` is its name in the sweep file.

    `redrawn` are configurations that the search drew before this one; their results were known, so they cost
    nothing.
    """

    config: Config
    repeat: int = 0
    point: str | None = None
    is_final_run: bool = False
    redrawn: tuple[KnownResult, ...] = ()


class Suggestions:
    """Hands out each configuration once, times `search.repeats`.

    `validate_config` says why a configuration cannot be trained, and returns "" where it can be. When the
    search draws a configuration again, it hears the known result and nothing is trained. `value` turns a
    trial's reports into what the search hears.
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
        self._members = deque(spec.search.members)
        self._drawn_for: int | None = None

    def on_known(self, number: int, earlier: EarlierTrial) -> None:
        """Enter a trial of an earlier sweep, under a number below zero."""
        self._searcher.register(number, earlier.config)
        for report in earlier.reports:
            self._searcher.on_report(number, report.epoch, self._value([report]) or 0.0)
        value = self._value(list(earlier.reports))
        cost = earlier.reports[-1].device_seconds if earlier.reports else 0.0
        known = KnownResult(earlier.config, earlier.state, value, cost)
        self._tell(number, known)
        if self._spec.search.reuse:
            self._earlier[canonical(earlier.config)] = known
            self._seen.add(canonical(earlier.config))

    def on_asked(self, asked: TrialAsked) -> None:
        """Note that a suggestion became a trial; the search hears of it unless it drew it itself."""
        if asked.is_final_run:
            return
        if self._drawn_for != asked.number:
            for known in asked.redrawn:
                self._searcher.register(asked.number, known.config)
                self._tell(asked.number, known)
            self._searcher.register(asked.number, asked.config)
        self._drawn_for = None
        if asked.repeat:
            if self._repeats:
                self._repeats.popleft()
            return
        self._points += self._is_from_points()
        self._first.setdefault(canonical(asked.config), asked.trial)
        self._seen.add(canonical(asked.config))
        seeds = range(1, self._spec.search.repeats)
        self._repeats.extend(Suggestion(asked.config, seed, asked.point) for seed in seeds)

    def next(self, number: int, trials: Mapping[str, TrialHistory]) -> Suggestion | None:
        """Return what trial `number` is to run; None when the space has nothing new."""
        if self._repeats:
            return self._repeats[0]
        if self._is_from_points():
            point = self._spec.points[self._points]
            config = complete(point, self._spec.space, self._spec.search.seed, self._points)
            return Suggestion(config, point=point.get("name"))
        while self._members and canonical(self._members[0]) in self._seen:
            self._members.popleft()
        if self._members:
            return Suggestion(self._members[0])
        drawn = self._draw(number, trials)
        self._drawn_for = number if drawn else None
        return drawn

    def _is_from_points(self) -> bool:
        return self._points < len(self._spec.points)

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
        """Draw a random configuration, where the search gave only known ones; None after very many draws."""
        generator = np.random.default_rng(derive(self._spec.search.seed, "by lot", number))
        for _ in range(LISTED):
            config = self._spec.space.sample(lambda _, parameter: draw(parameter, generator))
            if canonical(config) not in self._seen and not self._validate_config(config):
                self._searcher.register(number, config)
                return Suggestion(config, redrawn=tuple(redrawn))
        return None

    def _left_over(self, number: int, redrawn: list[KnownResult]) -> Suggestion | None:
        """Return a random one of the configurations that nobody has drawn yet."""
        unseen = [config for config in self._spec.space.grid() if canonical(config) not in self._seen]
        generator = np.random.default_rng(derive(self._spec.search.seed, "left over", number))
        for place in generator.permutation(len(unseen)):
            if not self._validate_config(unseen[place]):
                self._searcher.register(number, unseen[place])
                return Suggestion(unseen[place], redrawn=tuple(redrawn))
        return None

    def _known(self, config: Config, trials: Mapping[str, TrialHistory]) -> KnownResult | None:
        """Return the known result of a configuration, or INFEASIBLE; None for one that is still to be run."""
        key = canonical(config)
        if key in self._first:
            return self._result(trials[self._first[key]])
        if key in self._earlier:
            return self._earlier[key]
        return KnownResult(config, State.INFEASIBLE) if self._validate_config(config) else None

    def _result(self, trial: TrialHistory) -> KnownResult:
        """Return what the search hears of a trial of this sweep; a running one has no result yet."""
        if trial.is_over_limit:
            return KnownResult(trial.config, State.INFEASIBLE, cost=trial.device_seconds)
        value = self._value(trial.reports) if trial.state.is_final else None
        state = State.CANCELLED if value is None else trial.state
        return KnownResult(trial.config, state, value, trial.device_seconds)

    def _tell(self, number: int, known: KnownResult) -> None:
        self._searcher.on_complete(number, known.state, known.value, known.cost)
