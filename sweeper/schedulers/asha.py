"""ASHA, asynchronous successive halving (Li et al., MLSys 2020), by epochs or by device-seconds.

Rungs lie at `grace * reduction_factor**k` of the resource, below `max`. At each rung a trial is
compared with all that reached it; the best 1/`reduction_factor` go on, of equals those that came
earlier: where a metric is saturated, or every network still guesses, all would go on. Two kinds:

- `stop` (what Ray Tune calls ASHA): a trial runs until it falls short at a rung. One that arrives
  before `reduction_factor` results exist goes on for now and is judged as soon as they do, so that
  arriving early is no free pass.
- `promote` (the paper's): a trial pauses at each rung, and goes on from its checkpoint when its
  result is among the best 1/`reduction_factor` of its rung. When nobody else will come, the best paused one
  goes on to the end, so that few trials do not end with none that is trained in full.

With `ties: together` those that miss the cut by no more than the noise of the validation images explains go
on too, at most half as many as there are places: which of them is better is not known yet.

`rule: ray` decides as `ray.tune.schedulers.ASHAScheduler` does: stop below the percentile of the
results that came before, the first arrival passes. It exists to be compared with.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from sweeper.errors import SpecError
from sweeper.schedulers import Milestone, Resource, scheduler
from sweeper.schedulers.parts.near_ties import NearTies
from sweeper.schedulers.parts.rung import Rung
from sweeper.trial import Decision, Goal, Report, Verdict

Kind = Literal["stop", "promote"]
Rule = Literal["sweeper", "ray"]
Ties = Literal["rank", "together"]


SHORT = "lower grace, raise train.epochs, or stop nothing: -o 'scheduler={type: none}'"


class Asha:
    """One or more brackets of rungs; a decision costs log n of the results at its rung.

    Bracket `b` leaves out the first `b` rungs. Trials take turns in the order of their first report.
    """

    def __init__(
        self,
        goal: Goal,
        levels: Sequence[float],
        factor: float,
        resource: Resource,
        brackets: int = 1,
        ties: Ties = "rank",
    ) -> None:
        self._sign = goal.sign
        self._factor = factor
        self._resource: Resource = resource
        self._brackets = [[Rung(level) for level in levels[skipped:]] for skipped in range(brackets)]
        self._bracket_of: dict[str, int] = {}
        self._is_together = ties == "together"
        self._near = NearTies()

    def validated_on(self, images: int) -> None:
        """Let near-ties go on together from now on, if the file says so."""
        self._near.images = images if self._is_together else None

    def on_report(self, trial_id: str, report: Report) -> Verdict:
        """Judge the trial at the highest rung that it reached.

        A report that jumps over rungs counts in each.
        """
        if not math.isfinite(report.score):
            return Verdict(Decision.STOP, f"the score is {report.score}")
        rungs = self._rungs(trial_id)
        amount = report.epoch if self._resource == "epoch" else report.device_seconds
        reached = [rung for rung in rungs if amount >= rung.level]
        if not reached:
            return Verdict(Decision.CONTINUE, f"below the first rung at {rungs[0].level:g} {self._resource}")
        return self._at(reached, trial_id, self._sign * report.score)

    def next_rung(self, trial_id: str, last: Report | None) -> Milestone | None:
        """Return the next rung; a trial without a report may come into the bracket with the lowest."""
        amount = 0.0
        if last is not None:
            amount = last.epoch if self._resource == "epoch" else last.device_seconds
        rungs = self._brackets[self._bracket_of.get(trial_id, 0)]
        level = next((rung.level for rung in rungs if rung.level > amount), None)
        return None if level is None else Milestone(self._resource, level)

    def next_promotion(self) -> str | None:
        """Return None: this kind never pauses a trial."""
        return None

    def last_promotion(self) -> str | None:
        """Nothing is ever paused by this kind."""
        return None

    def _at(self, reached: Sequence[Rung], trial_id: str, score: float) -> Verdict:
        for rung in reached:
            rung.add(trial_id, score)
        rung = reached[-1]
        if trial_id in rung.judged:
            return Verdict(Decision.CONTINUE, f"on its way from rung {rung.level:g} {self._resource}")
        rank, of = rung.place(trial_id), len(rung)
        places = self._places(rung)
        if places == 0:
            reason = f"{of} of the {math.ceil(self._factor)} results that rung {rung.level:g} needs to decide"
            return Verdict(Decision.CONTINUE, reason, rung.level, rank, of)
        rung.judged.add(trial_id)
        numbers = (rung.level, rank, of, self._sign * rung.threshold(places))
        best = f"the best {places} of {of} at rung {rung.level:g} {self._resource}"
        if rank <= places:
            return Verdict(Decision.CONTINUE, f"among {best}", *numbers)
        if self._near.has(rung, trial_id, places):
            return Verdict(Decision.CONTINUE, f"within the noise of the last of {best}", *numbers)
        if score == rung.threshold(places):
            return Verdict(Decision.STOP, f"a tie with the last of {best}, which came earlier", *numbers)
        return Verdict(Decision.STOP, f"not among {best}", *numbers)

    def _places(self, rung: Rung) -> int:
        return int(len(rung) / self._factor + 1e-9)  # 11 / 1.1 is 9.999999999999998

    def _rungs(self, trial_id: str) -> list[Rung]:
        bracket = self._bracket_of.setdefault(trial_id, len(self._bracket_of) % len(self._brackets))
        return self._brackets[bracket]


class PromotingAsha(Asha):
    """Pauses every trial at every rung, and names those that may go on."""

    def next_promotion(self) -> str | None:
        """Return the best paused trial of the highest rung that has room for one more."""
        for rungs in self._brackets:
            for rung in reversed(rungs):
                best = rung.best_waiting()
                if best is None:
                    continue
                places = self._places(rung)
                if rung.place(best) <= places or self._near.has(rung, best, places):
                    rung.judged.add(best)
                    return best
        return None

    def last_promotion(self) -> str | None:
        """The best paused trial of the highest rung, until one of each bracket has passed its last rung."""
        for rungs in self._brackets:
            if rungs[-1].judged:
                continue
            for rung in reversed(rungs):
                if (best := rung.best_waiting()) is not None:
                    rung.judged.add(best)
                    return best
        return None

    def _at(self, reached: Sequence[Rung], trial_id: str, score: float) -> Verdict:
        rung = reached[-1]
        is_new = trial_id not in rung
        for each in reached:
            each.add(trial_id, score)
            if each is not rung:
                each.judged.add(trial_id)  # it has gone beyond: nothing is left to promote there
        if not is_new:
            rung.judged.add(trial_id)
            return Verdict(Decision.CONTINUE, f"promoted at rung {rung.level:g} {self._resource}")
        reason = f"waits at rung {rung.level:g} {self._resource} for promotion"
        return Verdict(Decision.PAUSE, reason, rung.level, rung.place(trial_id), len(rung))


class RayAsha(Asha):
    """Ray Tune's rule: below the percentile of the earlier results at the highest rung not yet passed."""

    def _at(self, reached: Sequence[Rung], trial_id: str, score: float) -> Verdict:
        unseen = [rung for rung in reached if trial_id not in rung]
        if not unseen:
            return Verdict(Decision.CONTINUE, f"on its way from rung {reached[-1].level:g} {self._resource}")
        rung = unseen[-1]
        earlier = len(rung)
        cutoff = rung.percentile(1 - 1 / self._factor) if earlier else -math.inf
        rung.add(trial_id, score)
        numbers = (rung.level, rung.rank(trial_id), earlier + 1)
        if not earlier:
            return Verdict(Decision.CONTINUE, f"the first at rung {rung.level:g} {self._resource}", *numbers)
        verb, decision = ("below", Decision.STOP) if score < cutoff else ("not below", Decision.CONTINUE)
        reason = f"{verb} the percentile of {earlier} results at rung {rung.level:g} {self._resource}"
        return Verdict(decision, reason, *numbers, self._sign * cutoff)


@scheduler("asha")
def asha(
    goal: Goal,
    epochs: int,
    *,
    resource: Resource = "epoch",
    kind: Kind = "stop",
    grace: Annotated[float, Field(gt=0)] = 1,
    max: Annotated[float, Field(gt=0)] | None = None,
    reduction_factor: Annotated[float, Field(gt=1)] = 3,
    brackets: Annotated[int, Field(ge=1)] = 1,
    ties: Ties = "rank",
    rule: Rule = "sweeper",
) -> Asha:
    """Rungs from `grace` to below `max` (the sweep's epochs where it is not given)."""
    if max is None and resource == "device_seconds":
        problem = "scheduler 'asha' with resource device_seconds needs max"
        raise SpecError(problem, path="max", hint="add max: 3600")
    build = {"stop": RayAsha if rule == "ray" else Asha, "promote": PromotingAsha}[kind]
    if rule == "ray" and build is PromotingAsha:
        problem = "scheduler 'asha': rule ray stops and never promotes"
        raise SpecError(problem, path="rule", hint="leave kind: promote out")
    if rule == "ray" and ties == "together":
        raise SpecError("scheduler 'asha': rule ray knows no ties", path="ties", hint="leave ties out")
    top = float(epochs if max is None else max)
    # a rung at the last epoch would call a trial stopped that was trained in full
    top = min(top, float(epochs)) if resource == "epoch" else top
    levels = _levels(float(grace), top, reduction_factor)
    if brackets > len(levels):
        problem = f"scheduler 'asha': {len(levels)} rungs cannot serve {brackets} brackets"
        raise SpecError(problem, path="brackets", hint=f"{len(levels)} at most, or a lower grace")
    return build(goal, levels, reduction_factor, resource, brackets, ties)


def _levels(grace: float, top: float, factor: float) -> list[float]:
    levels: list[float] = []
    while grace < top:
        levels.append(grace)
        grace *= factor
    if not levels:
        raise SpecError(
            f"scheduler 'asha': grace {grace:g} leaves no rung below {top:g}", hint=SHORT, path="grace"
        )
    return levels
