"""Device time that went where a sweep could have known better: failures, guesses, values that lose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweeper.config.parameter import Choice, Parameter, is_same
from sweeper.results.influence import Judged
from sweeper.results.stored_sweep import StoredSweep
from sweeper.trial import State
from sweeper.wording import counted, value_text

_FEWEST = 5  # trials with a value: if it were as good as the others, all would be below the median once in 32
_UNLUCKY = 8  # trials in all below which a median says nothing


@dataclass(frozen=True, slots=True)
class Losing:
    """A value of a choice whose every trial was below the median of all at the common epoch."""

    parameter: str
    value: Any
    trials: int
    device_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Foreseeable:
    """What was billed to no use, in device-seconds of `billed`; one trial may count under several heads."""

    billed: float
    failed: tuple[int, float]
    guessing: tuple[int, float]
    losing: Sequence[Losing]

    def lines(self) -> Iterator[str]:
        """Yield a sentence for each head that cost anything."""
        for (trials, seconds), what in ((self.failed, "failed"), (self.guessing, "never beat a guess")):
            if trials:
                yield f"{self._share(seconds)} went to {counted(trials, 'trial')} that {what}"
        for each in self.losing:
            value = f"{each.parameter} {value_text(each.value)}"
            below = f"all {each.trials} were below the median"
            yield f"{self._share(each.device_seconds)} went to trials with {value}: {below}"

    def _share(self, seconds: float) -> str:
        return f"{100 * seconds / self.billed:.0f} % of the device time" if self.billed else "no device time"


def foreseeable(sweep: StoredSweep, judged: Sequence[Judged], chance: float | None) -> Foreseeable:
    """Add up what was billed to no use; `chance` is the score of guessing, where the metric has one."""
    trials, goal = list(sweep.history.trials.values()), sweep.spec.objective.goal
    seconds = {trial.number: trial.device_seconds for trial in trials}
    failed = [trial.number for trial in trials if trial.state is State.FAILED]
    guessing: list[int] = []
    if chance is not None:
        bests = [(trial.number, trial.best(goal)) for trial in trials if trial.state is not State.RUNNING]
        guessing = [number for number, best in bests if best and best.score <= chance]
    return Foreseeable(
        billed=sum(seconds.values()),
        failed=(len(failed), sum(seconds[number] for number in failed)),
        guessing=(len(guessing), sum(seconds[number] for number in guessing)),
        losing=list(_losing(sweep.spec.space.parameters, judged, seconds)),
    )


def _losing(
    parameters: Mapping[str, Parameter], judged: Sequence[Judged], seconds: Mapping[int, float]
) -> Iterator[Losing]:
    if len(judged) < _UNLUCKY:
        return
    middle = sorted(each.score for each in judged)[len(judged) // 2]
    for name, parameter in parameters.items():
        if not isinstance(parameter, Choice) or parameter.per:
            continue
        losers: list[Losing] = []
        for value in parameter.values:
            those = [each for each in judged if name in each.config and is_same(each.config[name], value)]
            if len(those) >= _FEWEST and all(each.score < middle for each in those):
                cost = sum(seconds[each.number] for each in those)
                losers.append(Losing(name, value, len(those), cost))
        if len(losers) < len(parameter.values):
            yield from losers
