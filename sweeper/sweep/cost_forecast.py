"""What a trial will still cost before somebody judges it again, in device-seconds: what a budget reserves."""

import math
from collections.abc import Iterable

from sweeper.config.spec import SweepSpec
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.cost.foresight import foresight
from sweeper.cost.learned import PaceModel
from sweeper.schedulers import Scheduler
from sweeper.store.attempt import Attempt
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.trial import Config, Report


class Forecast:
    """Learns the pace of configurations from the trials of the sweep, as a correction of the quote's.

    A trial that runs is foreseen by its own pace, one that does not by those of others. Before the first
    report the quote's pace is taken, and that cautiously; without a quote nothing is expected then.
    """

    def __init__(self, spec: SweepSpec, scheduler: Scheduler, quote: CostEstimate | None = None) -> None:
        self._spec = spec
        self._scheduler = scheduler
        self._quote = quote if quote and quote.samples else None
        self._foreseen = foresight(self._quote, spec.space) if self._quote else None
        self._model = PaceModel(spec.space)
        self._ratios = _Mean(self._quote.caution if self._quote else 0.0)
        self._overhead = _Mean(self._quote.start_seconds * self._quote.share if self._quote else 0.0)
        self._known: set[str] = set()
        self._settled = 0

    @property
    def is_blind(self) -> bool:
        """Whether nobody knows yet what an epoch takes."""
        return self._quote is None and not self._known

    @property
    def doubt(self) -> float:
        """By what to divide a figure for its fastest reading, which one of ten cases takes less than: 1 as
        soon as a trial has reported."""
        return self._quote.caution**2 if self._quote and not self._known else 1.0

    def learn(self, trial: TrialHistory) -> None:
        """The trial's first report tells its pace; later ones add little."""
        last = trial.last
        if trial.id in self._known or last is None or last.epoch < 1 or not last.device_seconds > 0:
            return
        self._known.add(trial.id)
        ratio = last.device_seconds / last.epoch / self._expected(trial.config)
        self._model.learn(trial.config, ratio)
        self._ratios.add(ratio)

    def look(self, history: SweepHistory) -> None:
        """Take the attempts into account that have ended since the last look."""
        for attempt in history.settled[self._settled :]:
            self._overhead.add(_idle(attempt))
        self._settled = len(history.settled)

    def start(self, config: Config, trial: TrialHistory | None = None) -> float:
        """Device-seconds of a new attempt until it is judged: set-up, and training to the next milestone."""
        return self._overhead.value + self.onwards(config, trial)

    def first_epoch(self, config: Config, trial: TrialHistory | None = None) -> float:
        """The same until its first report."""
        return self._overhead.value + self.pace(config, trial.last if trial else None)

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
        """Device-seconds an epoch; 0 as long as nobody knows."""
        if last is not None and last.epoch > 0 and last.device_seconds > 0:
            return last.device_seconds / last.epoch
        ratio = self._model.seconds_per_epoch(config) or self._ratios.value
        return ratio * self._expected(config)

    def has_trained_enough(self, trial: TrialHistory) -> bool:
        """Whether its newest report is the last one: its epochs are done, or `train.patience` is over."""
        last, patience = trial.last, trial.config.get("patience", self._spec.train.patience)
        if last is None or last.epoch >= self._epochs(trial.config):
            return last is not None
        best = trial.best(self._spec.objective.goal)
        return patience is not None and best is not None and last.epoch - best.epoch >= patience

    def _expected(self, config: Config) -> float:
        """The quote's pace, which the observed ones are held against; 1 without a quote."""
        if self._quote is None or self._foreseen is None:
            return 1.0
        seconds = [seconds for _, seconds in self._quote.samples]
        return self._foreseen(config) or self._quote.share * sum(seconds) / len(seconds)

    def _epochs(self, config: Config) -> int:
        return int(config.get("epochs", self._spec.train.epochs))


class _Mean:
    """A running mean; before the first value what was expected."""

    def __init__(self, expected: float = 0.0) -> None:
        self._expected = expected
        self._sum, self._count = 0.0, 0

    def add(self, value: float) -> None:
        self._sum, self._count = self._sum + value, self._count + 1

    @property
    def value(self) -> float:
        return self._sum / self._count if self._count else self._expected


def _idle(attempt: Attempt) -> float:
    return max(0.0, attempt.device_seconds - attempt.productive_device_seconds)
