"""This workload for simulations runs the curves of a record again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sweeper.config.space import Parameter, Space
from sweeper.runners.parts.synthetic_curves import place
from sweeper.store.history import TrialHistory
from sweeper.trial import Config, Report, State, Trial, canonical


@dataclass
class ReplayedCurves:
    """The recorded curve of a configuration, or of the nearest one that was recorded.

    The nearest is found by `distance`. A curve that was cut short (stopped early, paused, interrupted) goes
    on to `epochs` at its own pace, so that its cost is whole, and keeps its last score, because nobody can
    tell it.
    """

    space: Space
    recorded: Sequence[TrialHistory]
    epochs: int = 0
    _nearest: dict[str, TrialHistory] = field(default_factory=dict[str, TrialHistory])

    def __call__(self, trial: Trial) -> Iterator[Report]:
        """Yield the recorded reports after the trial's checkpoint."""
        first = int(trial.checkpoint or 0)
        for report in self._like(trial.config).reports:
            if report.epoch > first:
                seconds, metrics = report.device_seconds, report.metrics
                yield Report(report.epoch, report.score, seconds, metrics, str(report.epoch))
        yield from self._continued(self._like(trial.config), first)

    @property
    def cut(self) -> int:
        """How many of the recorded curves were cut short."""
        return sum(self._is_cut(trial) for trial in self.recorded)

    def _continued(self, like: TrialHistory, first: int) -> Iterator[Report]:
        last = like.last
        if last is None or not self._is_cut(like):
            return
        for epoch in range(max(first, last.epoch) + 1, self._length(like) + 1):
            seconds = last.device_seconds / last.epoch * epoch
            yield Report(epoch, last.score, seconds, last.metrics, str(epoch))

    def _is_cut(self, trial: TrialHistory) -> bool:
        has_ended = trial.state in (State.COMPLETED, State.FAILED)
        return not has_ended and trial.last is not None and 0 < trial.last.epoch < self._length(trial)

    def _length(self, trial: TrialHistory) -> int:
        return int(trial.config.get("epochs", self.epochs))

    def _like(self, config: Config) -> TrialHistory:
        key = canonical(config)
        if key not in self._nearest:
            recorded, space = self.recorded, self.space
            self._nearest[key] = min(recorded, key=lambda trial: distance(space, config, trial.config))
        return self._nearest[key]


def distance(space: Space, one: Config, other: Config) -> float:
    """Return the squared distance: numbers by their places from 0 to 1, different names 1 apart.

    A parameter that only one of the two has counts as 1.
    """
    total = 0.0
    for name, parameter in space.parameters.items():
        if (name in one) != (name in other):
            total += 1.0
        elif name in one and one[name] != other[name]:
            total += _apart(parameter, one[name], other[name])
    return total


def _apart(parameter: Parameter, one: object, other: object) -> float:
    if _is_name(one) or _is_name(other):
        return 1.0
    return (place(parameter, one) - place(parameter, other)) ** 2


def _is_name(value: object) -> bool:
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, bool) or not isinstance(item, int | float) for item in items)
