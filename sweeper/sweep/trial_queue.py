"""This module names what runs next: lost attempts, promoted trials, new configurations, then the final."""

import functools
import itertools
import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sweeper.config.spec import SweepSpec
from sweeper.schedulers import Scheduler
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.sweep.chance import images_behind
from sweeper.sweep.race import outraced
from sweeper.sweep.ranking import ranked_configs
from sweeper.sweep.rules import has_rounds
from sweeper.sweep.suggestions import Suggestion, Suggestions
from sweeper.trial import Config, State, canonical

LOOKED_AT = 32
"""Trials of one kind that are tried against the budget at a time: each costs a look at all that runs."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trial that could go on, or a suggestion that could become one; then `trial` is None."""

    suggestion: Suggestion
    trial: TrialHistory | None = None

    @classmethod
    def of(cls, trial: TrialHistory) -> "Candidate":
        """Make a candidate of a trial that could go on."""
        return cls(
            Suggestion(trial.config, trial.repeat, trial.point, is_final_run=trial.is_final_run), trial
        )

    @property
    def config(self) -> Config:
        """The configuration that it would train."""
        return self.suggestion.config

    @property
    def is_final_run(self) -> bool:
        """Whether it belongs to the final, for which the budget keeps something back."""
        return self.suggestion.is_final_run


class TrialQueue:
    """Names one candidate at a time, and the same one until an event says that it was taken.

    A candidate that does not fit the budget does not hold back a later one that fits.
    """

    def __init__(
        self,
        spec: SweepSpec,
        history: SweepHistory,
        suggestions: Suggestions,
        scheduler: Scheduler,
        meta: Mapping[str, str],
    ) -> None:
        """`meta` is what the record fixed: its images, and by which rules the final goes on."""
        self._spec = spec
        self._images = images_behind(spec.objective.metric, meta)
        self._has_rounds = has_rounds(meta)
        self._history = history
        self._suggestions = suggestions
        self._scheduler = scheduler
        self._waiting: deque[str] = deque()
        self._promoted = self._climbing = ""
        self._drawn: Suggestion | None = None
        self._final: list[Suggestion] = []
        self._is_exhausted = False
        self._likely: list[Config] = []
        self._guess_at = 0.0

    @property
    def is_waiting(self) -> bool:
        """Whether a trial that lost its attempt still waits to go on, and nobody holds it."""
        return any(not self._history.trials[trial_id].is_held for trial_id in self._waiting)

    def next(self, fits: Callable[[Candidate], bool], live: Collection[str]) -> Candidate | None:
        """Return the first candidate that fits; None where none does or none is left.

        `live` are the running trials. Candidates are tried one by one, so that a configuration is drawn only
        when nothing before it can run.
        """
        for find in (*self._known_ones(live), self._new_one, functools.partial(self._last_climb, live)):
            for candidate in itertools.islice(find(), LOOKED_AT):
                if fits(candidate):
                    return candidate
        return None

    def has_next(self, fits: Callable[[Candidate], bool]) -> bool:
        """Say whether `next` may name a candidate while nothing runs.

        It draws nothing: as long as `next` has not tried to draw, there may be a new configuration.
        """
        if any(fits(each) for find in self._known_ones(()) for each in itertools.islice(find(), LOOKED_AT)):
            return True
        if self._may_draw and (self._drawn is None or fits(Candidate(self._drawn))):
            return True
        return any(fits(each) for each in self._last_climb(()))

    def take(self, trial_id: str) -> None:
        """Note that the trial no longer waits: an attempt of it began, or its last attempt ended."""
        if trial_id in self._waiting:
            self._waiting.remove(trial_id)
        self._promoted = "" if trial_id == self._promoted else self._promoted
        self._climbing = "" if trial_id == self._climbing else self._climbing

    def on_asked(self, trial: TrialHistory) -> None:
        """Note that a suggestion became this trial."""
        if not trial.is_final_run:
            self._drawn = None
            return
        ran = (trial.repeat, canonical(trial.config))
        self._final = [each for each in self._final if (each.repeat, canonical(each.config)) != ran]

    def put_back(self, trial_id: str) -> None:
        """Let the trial wait for another attempt, after all that wait already."""
        self._waiting.append(trial_id)

    def recover(self) -> None:
        """Take up the trials that an earlier driver left waiting, in the order in which they came to wait."""
        for trial in self._history.trials.values():
            if trial.state is State.WAITING and trial.id not in self._waiting:
                self.put_back(trial.id)
        states = {trial_id: self._history.trials[trial_id].state for trial_id in self._waiting}
        self._waiting = deque(trial for trial, state in states.items() if state is State.WAITING)

    def begin_final(self, configs: Iterable[Config]) -> None:
        """Queue further seeds of the best configurations: one of each, the best one first, then a second."""
        seeds = self._spec.final.seeds if self._spec.final else 0
        left = (self._spec.budget.trials or math.inf) - len(self._history.trials)
        rounds: list[tuple[int, Suggestion]] = []
        for config in configs:
            alike = [t for t in self._history.trials.values() if canonical(t.config) == canonical(config)]
            first = 1 + max((trial.repeat for trial in alike), default=0)
            missing = seeds - sum(trial.is_final_run for trial in alike)
            rounds += [(n, Suggestion(config, first + n, is_final_run=True)) for n in range(missing)]
        if self._has_rounds:
            rounds.sort(key=lambda each: each[0])
        self._final += [each for place, (_, each) in enumerate(rounds) if place < left]

    def end_final(self) -> None:
        """Go back to the search, because the sweep was extended; another final follows it."""
        self._final.clear()
        self._is_exhausted = False

    def is_final_due(self) -> bool:
        """Say whether the search has found something for a final.

        It is asked when the search can run nothing more.
        """
        if self._spec.final is None or self._history.finalists:
            return False
        return any(trial.best(self._spec.objective.goal) for trial in self._history.trials.values())

    def finalists(self) -> list[Config]:
        """Return the configurations for the final: the best `final.top`, as the search alone ranks them."""
        top = self._spec.final.top if self._spec.final else 0
        searched = {t.id: t for t in self._history.trials.values() if not t.is_final_run}
        standing = ranked_configs(SweepHistory(trials=searched), self._spec.objective.goal)
        return [each.config for each in standing[:top]]

    def final_to_come(self) -> list[Config]:
        """Return what the final has yet to train: one configuration for each run.

        Before the final its configurations are a guess, which is made again when 5 % more attempts have
        ended.
        """
        if self._history.finalists:
            return [each.config for each in self._still_racing()]
        ended = len(self._history.settled)
        if ended >= self._guess_at or not self._likely:
            self._likely, self._guess_at = self.finalists(), 1.05 * ended + 1
        return self._likely * (self._spec.final.seeds if self._spec.final else 0)

    def _waiting_ones(self, live: Collection[str]) -> Iterator[Candidate]:
        """Yield the trials that wait; once the final has begun, only those that belong to it."""
        for trial_id in self._waiting:
            trial = self._history.trials[trial_id]
            may_run = trial_id not in live and not trial.is_held
            if may_run and (trial.is_final_run or not self._history.finalists):
                yield Candidate.of(trial)

    def _known_ones(self, live: Collection[str]) -> tuple[Callable[[], Iterator[Candidate]], ...]:
        """Return the sources of candidates that need no new configuration, in the order of their turns."""
        return (
            functools.partial(self._waiting_ones, live),
            functools.partial(self._promoted_one, live),
            self._final_ones,
        )

    def _promoted_one(self, live: Collection[str]) -> Iterator[Candidate]:
        """Yield the promoted trial, the same until it is taken.

        A trial that is no longer paused has gone on already.
        """
        if self._is_search_over:
            return
        self._promoted = "" if self._promoted in live else self._promoted
        while not self._promoted and (trial_id := self._scheduler.next_promotion()):
            is_paused = self._history.trials[trial_id].state is State.PAUSED
            self._promoted = trial_id if is_paused and trial_id not in live else ""
        if self._promoted:
            yield Candidate.of(self._history.trials[self._promoted])

    def _final_ones(self) -> Iterator[Candidate]:
        return (Candidate(each) for each in self._still_racing())

    def _still_racing(self) -> list[Suggestion]:
        """Return the final's runs that are worth their cost yet."""
        may_race = self._has_rounds and self._spec.final is not None and self._spec.final.race
        if not self._final or not may_race:
            return self._final
        out = outraced(self._history, self._spec.objective.goal, self._images)
        return [each for each in self._final if canonical(each.config) not in out]

    def _new_one(self) -> Iterator[Candidate]:
        if not self._may_draw:
            return
        if self._drawn is None:
            self._drawn = self._suggestions.next(len(self._history.trials), self._history.trials)
            self._is_exhausted = self._drawn is None
        if self._drawn is not None:
            yield Candidate(self._drawn)

    def _last_climb(self, live: Collection[str]) -> Iterator[Candidate]:
        """The best paused trial goes on to its end when nothing runs and nobody else can come, unless a final
        trains the best in full anyway."""
        if live or self._spec.final is not None:
            return
        while not self._climbing and (trial_id := self._scheduler.last_promotion()):
            is_paused = self._history.trials[trial_id].state is State.PAUSED
            self._climbing = trial_id if is_paused else ""
        if self._climbing:
            yield Candidate.of(self._history.trials[self._climbing])

    @property
    def _may_draw(self) -> bool:
        is_full = len(self._history.trials) >= self._allowed
        return not (self._is_search_over or self._is_exhausted or is_full)

    @property
    def _is_search_over(self) -> bool:
        return bool(self._history.enough or self._history.finalists)

    @property
    def _allowed(self) -> float:
        final = self._spec.final
        kept = final.top * final.seeds if final else 0
        return (self._spec.budget.trials or math.inf) - kept
