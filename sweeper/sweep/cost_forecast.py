"""What a trial will still cost before somebody judges it again, in device-seconds: what a budget reserves."""

import math
from collections.abc import Iterable

from sweeper.config.spec import SweepSpec
from sweeper.cost.learned import PaceModel
from sweeper.schedulers import Scheduler
from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Config, Report


class Forecast:
    """Learns the pace of configurations from the trials of the sweep; before the first it expects nothing.

    A trial that runs is foreseen by its own pace, one that does not by those of others.
    """

    def __init__(self, spec: SweepSpec, scheduler: Scheduler) -> None:
        self._spec = spec
        self._scheduler = scheduler
        self._model = PaceModel(spec.space)
        self._paces = _Mean()
        self._overhead = _Mean()
        self._known: set[str] = set()
        self._settled = 0

    def learn(self, trial: TrialHistory) -> None:
        """The trial's first report tells its pace; later ones add little."""
        last = trial.last
        if trial.id in self._known or last is None or last.epoch < 1 or not last.device_seconds > 0:
            return
        self._known.add(trial.id)
        pace = last.device_seconds / last.epoch
        self._model.learn(trial.config, pace)
        self._paces.add(pace)

    def look(self, history: SweepHistory) -> None:
        """Take the attempts into account that have ended since the last look."""
        for attempt in history.settled[self._settled :]:
            self._overhead.add(_idle(attempt))
        self._settled = len(history.settled)

    def start(self, config: Config, trial: TrialHistory | None = None) -> float:
        """Device-seconds of a new attempt until it is judged: set-up, and training to the next milestone."""
        return self._overhead.value + self.onwards(config, trial)

    def onwards(
        self, config: Config, trial: TrialHistory | None = None, report: Report | None = None
    ) -> float:
        """The same of an attempt that runs already; `report` is newer than what the history holds."""
        last = report or (trial.last if trial else None)
        pace = self.pace(config, last)
        left = self._epochs(config) - (last.epoch if last else 0)
        if trial is not None and trial.is_final_run:
            return max(0.0, left * pace)
        milestone = self._scheduler.next_rung(trial.id if trial else "", last)
        if milestone is not None and milestone.resource == "epoch":
            left = min(left, math.ceil(milestone.level) - (last.epoch if last else 0))
        elif milestone is not None and pace > 0:
            # judged at the first report behind the level
            left = min(left, math.ceil((milestone.level - (last.device_seconds if last else 0.0)) / pace))
        return max(0.0, left * pace)

    def in_full(self, configs: Iterable[Config]) -> float:
        """Device-seconds of one full-length trial of each."""
        return sum(self._overhead.value + self._epochs(c) * self.pace(c) for c in configs)

    def pace(self, config: Config, last: Report | None = None) -> float:
        """Device-seconds an epoch; 0 as long as no trial has reported."""
        if last is not None and last.epoch > 0 and last.device_seconds > 0:
            return last.device_seconds / last.epoch
        return self._model.seconds_per_epoch(config) or self._paces.value

    def _epochs(self, config: Config) -> int:
        return int(config.get("epochs", self._spec.train.epochs))


class _Mean:
    """A running mean; 0 of nothing."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float) -> None:
        self._sum, self._count = self._sum + value, self._count + 1

    @property
    def value(self) -> float:
        return self._sum / self._count if self._count else 0.0


def _idle(attempt: Attempt) -> float:
    return max(0.0, attempt.device_seconds - attempt.productive_device_seconds)
