"""This module forecasts the device-seconds of a trial until the next decision about it.

The budget reserves them.
"""

import math
from collections.abc import Iterable

from sweeper.config.spec import SweepSpec
from sweeper.cost.learned import PaceModel
from sweeper.schedulers import Scheduler
from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Config, Report


class Forecast:
    """Learns the pace of configurations from the sweep's own trials.

    Before the first report it expects nothing. A running trial is forecast by its own pace, a new one by the
    paces of the others.
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
        """Learn the pace from the trial's first report; later reports would add little."""
        last = trial.last
        if trial.id in self._known or last is None or last.epoch < 1 or not last.device_seconds > 0:
            return
        self._known.add(trial.id)
        pace = last.device_seconds / last.epoch
        self._model.learn(trial.config, pace)
        self._paces.add(pace)

    def look(self, history: SweepHistory) -> None:
        """Learn the overhead from the attempts that have ended since the last call."""
        for attempt in history.settled[self._settled :]:
            self._overhead.add(_idle(attempt))
        self._settled = len(history.settled)

    def start(self, config: Config, trial: TrialHistory | None = None) -> float:
        """Return the device-seconds of a new attempt: its set-up, and its training until the next rung."""
        return self._overhead.value + self.onwards(config, trial)

    def onwards(
        self, config: Config, trial: TrialHistory | None = None, report: Report | None = None
    ) -> float:
        """Return the device-seconds of the trial's training until the next rung, without a set-up.

        `report` is newer than what the history holds.
        """
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
        """Return the device-seconds that one full-length trial of each configuration takes, all together."""
        return sum(self._overhead.value + self._epochs(c) * self.pace(c) for c in configs)

    def pace(self, config: Config, last: Report | None = None) -> float:
        """Return device-seconds for an epoch; 0 as long as no trial has reported."""
        if last is not None and last.epoch > 0 and last.device_seconds > 0:
            return last.device_seconds / last.epoch
        return self._model.seconds_per_epoch(config) or self._paces.value

    def _epochs(self, config: Config) -> int:
        return int(config.get("epochs", self._spec.train.epochs))


class _Mean:
    """A running mean; it is 0 before the first value."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float) -> None:
        self._sum, self._count = self._sum + value, self._count + 1

    @property
    def value(self) -> float:
        return self._sum / self._count if self._count else 0.0


def _idle(attempt: Attempt) -> float:
    return max(0.0, attempt.device_seconds - attempt.productive_device_seconds)
