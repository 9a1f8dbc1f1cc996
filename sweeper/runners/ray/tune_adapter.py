"""Tune's searcher and scheduler, thin over one tracker: which attempt each Tune trial is."""

import json
from dataclasses import asdict
from typing import Any, cast

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from sweeper.errors import FailureKind
from sweeper.runners.parts.attempt_tracker import AttemptTracker
from sweeper.runners.parts.run_attempt import DONE
from sweeper.runners.ray.watchdog import error_of, kind_of_loss, reason_of
from sweeper.trial import Decision


class SweepSearcher(Searcher):
    """Tune asks for a configuration; the sweep answers."""

    def __init__(self, tracker: AttemptTracker) -> None:
        super().__init__()
        self._tracker = tracker

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """Return the next attempt as a Tune configuration; FINISHED when the sweep has nothing more to give.

        While nothing runs, Tune does nothing but ask, once a second: the driver's pulse must go on.
        """
        if not self._tracker.sweep.live:
            self._tracker.tick()
        trial = self._tracker.ask(trial_id)
        if trial is None:
            is_done = self._tracker.sweep.is_done or self._tracker.is_cancelled
            return cast("dict[str, Any] | None", Searcher.FINISHED if is_done else None)
        return {"trial": json.dumps(asdict(trial))}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """Do nothing: the scheduler has passed it on."""

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the record is the state."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing: the record is the state."""


class SweepScheduler(TrialScheduler):
    """Tune brings results; the sweep decides what becomes of the trial."""

    def __init__(self, tracker: AttemptTracker) -> None:
        super().__init__()
        self._tracker = tracker

    def on_trial_add(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Do nothing: the sweep was asked for the trial a moment ago."""

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Pass on what the worker said.

        Tune's STOP ends the attempt; the sweep knows whether the trial is over.
        """
        decision = self._tracker.result(trial.trial_id, json.loads(result["said"]))
        return TrialScheduler.CONTINUE if decision is Decision.CONTINUE else TrialScheduler.STOP

    def on_trial_complete(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> None:
        """Pass on that the worker is done."""
        self._tracker.result(trial.trial_id, DONE)

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Pass on that the worker died, or was replaced after a failure that it reported."""
        error = error_of(trial)
        self._tracker.lost(trial.trial_id, kind_of_loss(error), reason_of(error))

    def on_trial_remove(self, tune_controller: Any, trial: TuneTrial) -> None:
        """Pass on that the attempt ended before it started."""
        self._tracker.lost(trial.trial_id, FailureKind.INTERRUPTED, "removed before it started")

    def choose_trial_to_run(self, tune_controller: Any) -> TuneTrial | None:
        """Return the first pending trial: first come, first served."""
        pending = (trial for trial in tune_controller.get_trials() if trial.status == TuneTrial.PENDING)
        return next(pending, None)

    def debug_string(self) -> str:
        """Return a name, which is shown nowhere."""
        return "sweeper"
