"""ASHA, asynchronous successive halving (Li et al., MLSys 2020), by epochs or by device-seconds.

Rungs lie at `grace * reduction_factor**k` of the resource, below `max`. At each rung a trial is
compared with all that reached it; the best 1/`reduction_factor` go on. Two kinds:

- `stop` (what Ray Tune calls ASHA): a trial runs until it falls short at a rung. A trial that
  arrives before `reduction_factor` results exist goes on for now and is judged as soon as they do,
  so that arriving early is no free pass.
- `promote` (the paper's): a trial pauses at each rung, and goes on from its checkpoint when its
  result is among the best 1/`reduction_factor` of its rung.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from sweeper.errors import SpecError
from sweeper.schedulers import scheduler
from sweeper.trial import Decision, Goal, Report, Verdict

Resource = Literal["epoch", "device_seconds"]


@dataclass(slots=True)
class Rung:
    """The scores (larger is better here) of the trials that reached `level` of the resource."""

    level: float
    scores: dict[str, float] = field(default_factory=dict[str, float])
    judged: set[str] = field(default_factory=set[str])

    def rank(self, trial_id: str) -> int:
        """1 for the best; equals share the better rank."""
        own = self.scores[trial_id]
        return 1 + sum(score > own for score in self.scores.values())

    def threshold(self, places: int) -> float:
        """The score of the last place that goes on."""
        return sorted(self.scores.values(), reverse=True)[places - 1]


class Asha:
    """One bracket of rungs. A decision costs one pass over the results of one rung."""

    def __init__(self, goal: Goal, levels: list[float], factor: float, resource: Resource, kind: str) -> None:
        self._sign = 1.0 if goal == "maximize" else -1.0
        self._factor = factor
        self._resource = resource
        self._is_promoting = kind == "promote"
        self.rungs = [Rung(level) for level in levels]

    def decide(self, trial_id: str, report: Report) -> Verdict:
        """Judged at the highest rung reached; a report that jumps over rungs counts in each of them."""
        if not math.isfinite(report.score):
            return Verdict(Decision.STOP, f"the score is {report.score}")
        amount = report.epoch if self._resource == "epoch" else report.device_seconds
        reached = [rung for rung in self.rungs if amount >= rung.level]
        if not reached:
            return Verdict(
                Decision.CONTINUE, f"below the first rung at {self.rungs[0].level:g} {self._resource}"
            )
        is_new = trial_id not in reached[-1].scores
        for rung in reached:
            rung.scores.setdefault(trial_id, self._sign * report.score)
        if self._is_promoting:
            return self._pause(reached[-1], trial_id, is_new)
        return self._judge(reached[-1], trial_id)

    def promote(self) -> str | None:
        """The best paused trial of the highest rung that has room for one more."""
        if not self._is_promoting:
            return None
        for rung in reversed(self.rungs):
            places = int(len(rung.scores) / self._factor)
            best = sorted(rung.scores, key=lambda trial: -rung.scores[trial])[:places]
            waiting = [trial for trial in best if trial not in rung.judged]
            if waiting:
                rung.judged.add(waiting[0])
                return waiting[0]
        return None

    def _judge(self, rung: Rung, trial_id: str) -> Verdict:
        if trial_id in rung.judged:
            return Verdict(Decision.CONTINUE, f"on its way from rung {rung.level:g} {self._resource}")
        rank, of = rung.rank(trial_id), len(rung.scores)
        places = int(of / self._factor)
        if places == 0:
            reason = f"{of} of the {math.ceil(self._factor)} results that rung {rung.level:g} needs to decide"
            return Verdict(Decision.CONTINUE, reason, rung.level, rank, of)
        rung.judged.add(trial_id)
        threshold = self._sign * rung.threshold(places)
        decision = Decision.CONTINUE if rank <= places else Decision.STOP
        verb = "among" if rank <= places else "not among"
        reason = f"{verb} the best {places} of {of} at rung {rung.level:g} {self._resource}"
        return Verdict(decision, reason, rung.level, rank, of, threshold)

    def _pause(self, rung: Rung, trial_id: str, is_new: bool) -> Verdict:
        if not is_new:
            return Verdict(Decision.CONTINUE, f"promoted at rung {rung.level:g} {self._resource}")
        reason = f"waits at rung {rung.level:g} {self._resource} for promotion"
        return Verdict(Decision.PAUSE, reason, rung.level, rung.rank(trial_id), len(rung.scores))


@scheduler("asha")
def asha(
    goal: Goal,
    epochs: int,
    *,
    resource: Resource = "epoch",
    kind: Literal["stop", "promote"] = "stop",
    grace: Annotated[float, Field(gt=0)] = 1,
    max: Annotated[float, Field(gt=0)] | None = None,
    reduction_factor: Annotated[float, Field(gt=1)] = 3,
) -> Asha:
    """Rungs from `grace` to below `max` (the sweep's epochs where it is not given)."""
    if max is None and resource == "device_seconds":
        raise SpecError("scheduler 'asha' with resource device_seconds needs max", hint="add max: 3600")
    top = float(epochs if max is None else max)
    levels: list[float] = []
    level = float(grace)
    while level < top:
        levels.append(level)
        level *= reduction_factor
    if not levels:
        raise SpecError(f"scheduler 'asha': grace {grace:g} leaves no rung below {top:g}", hint="lower grace")
    return Asha(goal, levels, reduction_factor, resource, kind)
