"""Which configuration comes next: the points, then what the search draws, each with all its seeds."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sweeper.history import TrialHistory
from sweeper.search import Searcher
from sweeper.search.points import complete
from sweeper.spec import SweepSpec
from sweeper.trial import Config, State, canonical, derive

REDRAWS = 20
"""How often a configuration that was run already, or cannot be, is drawn anew."""

LISTED = 10_000
"""The largest space whose last configurations are looked up where drawing does not find them."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration to run. `repeat` counts its seeds from 0; `point` is its name in the sweep file."""

    config: Config
    repeat: int = 0
    point: str | None = None


class Proposals:
    """Hands out each configuration once, times `search.repeats`. `refuse` says why one cannot be trained.

    A configuration that is drawn again costs nothing: the search is told its known result.
    """

    def __init__(self, spec: SweepSpec, searcher: Searcher, refuse: Callable[[Config], str]) -> None:
        self._spec = spec
        self._searcher = searcher
        self._refuse = refuse
        self._first: dict[str, str] = {}
        self._points = 0
        self._repeats: deque[Proposal] = deque()

    def adopted(self, trial: TrialHistory) -> None:
        """A trial of the record was asked for: draw from behind it."""
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
        config = self._draw(number, trials)
        return None if config is None else Proposal(config)

    def _is_from_points(self) -> bool:
        return self._points < len(self._spec.points)

    def _handed_out(self, trial_id: str, proposal: Proposal) -> None:
        if proposal.repeat:
            if self._repeats:
                self._repeats.popleft()
            return
        self._points += self._is_from_points()
        self._first.setdefault(canonical(proposal.config), trial_id)
        seeds = range(1, self._spec.search.repeats)
        self._repeats.extend(Proposal(proposal.config, seed, proposal.point) for seed in seeds)

    def _draw(self, number: int, trials: Mapping[str, TrialHistory]) -> Config | None:
        size = self._spec.space.size
        for _ in range(REDRAWS):
            if size is not None and len(self._first) >= size:
                return None
            config = self._searcher.propose(number)
            if config is None:
                return None
            known = self._first.get(canonical(config))
            if known is None and not self._refuse(config):
                return config
            self._tell_known(number, trials[known] if known else None)
        return self._left_over(number) if size is not None and size <= LISTED else None

    def _left_over(self, number: int) -> Config | None:
        """One of the configurations that nobody has drawn yet, by lot."""
        unseen = [config for config in self._spec.space.grid() if canonical(config) not in self._first]
        generator = np.random.default_rng(derive(self._spec.search.seed, "left over", number))
        for place in generator.permutation(len(unseen)):
            if not self._refuse(unseen[place]):
                self._searcher.adopt(number, unseen[place])
                return unseen[place]
        return None

    def _tell_known(self, number: int, trial: TrialHistory | None) -> None:
        """What a configuration that will not be run has reached before; None for one that cannot be."""
        if trial is None:
            self._searcher.finish(number, State.INFEASIBLE, None)
            return
        best = trial.best(self._spec.objective.goal)
        is_over = trial.state.is_final and best is not None
        state, score = (trial.state, best.score) if is_over and best else (State.CANCELLED, None)
        self._searcher.finish(number, state, score, trial.device_seconds)
