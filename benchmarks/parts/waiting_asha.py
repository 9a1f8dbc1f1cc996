"""ASHA that stops, but where whoever comes to a rung before there are enough results waits for them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from sweeper.schedulers import scheduler
from sweeper.schedulers.asha import Asha, PromotingAsha
from sweeper.schedulers.parts.ladder import ladder_of
from sweeper.schedulers.parts.rung import Rung
from sweeper.trial import Decision, Goal, Verdict

NAME = "waiting"


class WaitingAsha(PromotingAsha):
    """Pauses the first at the lowest `waits` rungs, and promotes those of them that are among the best."""

    waits = 0

    def _at(self, reached: Sequence[Rung], trial_id: str, score: float) -> Verdict:
        for passed in reached[:-1]:
            passed.judged.add(trial_id)  # it has gone beyond: nothing is left to promote there
        said = Asha._at(self, reached, trial_id, score)
        is_judged = said.decision is not Decision.CONTINUE or trial_id in reached[-1].judged
        if is_judged or len(reached) > self.waits:
            return said
        return replace(said, decision=Decision.PAUSE, reason=f"waits: {said.reason}")


@scheduler(NAME)
def waiting(
    goal: Goal,
    epochs: int,
    *,
    grace: Annotated[float, Field(gt=0)] = 1,
    reduction_factor: Annotated[float, Field(gt=1)] = 3,
    waits: int = 100,
) -> WaitingAsha:
    """Rungs in epochs, as `asha` has them."""
    like = scheduler["asha"](goal, epochs, grace=grace, reduction_factor=reduction_factor)
    built = WaitingAsha(goal, [each.level for each in ladder_of(like)], reduction_factor, "epoch")
    built.waits = waits
    return built
