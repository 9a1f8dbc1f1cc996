"""This module holds what a sweep knows when it decides: one reducer for a live sweep and for a replay."""

import math
from collections.abc import Callable, Mapping
from typing import assert_never

from sweeper.config.spec import SweepSpec
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.schedulers import KnowsNoise, scheduler
from sweeper.search.parts.built_search import built_search
from sweeper.store import events
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.sweep.chance import chance_level, images_behind, images_per_class
from sweeper.sweep.cost_forecast import Forecast
from sweeper.sweep.objective import Objective
from sweeper.sweep.retries import as_told
from sweeper.sweep.stop_criterion import StopCriterion
from sweeper.sweep.suggestions import Suggestions
from sweeper.sweep.trial_queue import TrialQueue
from sweeper.trial import Cause, Config, Decision, Report, State, Verdict

IN_FULL = Verdict(Decision.CONTINUE, "a run of the final, trained in full", cause=Cause.FINAL)


class DecidingState:
    """The history, search, scheduler, queue and forecast after all events so far.

    Only `apply` changes them, with two exceptions: `queue.next` draws suggestions, and `queue.recover` ends a
    replay. `is_look_due` says that the last event ended an attempt after which `stop_criterion` is to be
    asked.
    """

    def __init__(
        self, spec: SweepSpec, meta: Mapping[str, str], validate_config: Callable[[Config], str]
    ) -> None:
        """`meta` is what the record fixed when the sweep was created: its images, its quote, its limits."""
        self.history = SweepHistory()
        self.quote = CostEstimate.from_json(meta.get("quote", ""))
        self.meta = meta
        chance = chance_level(spec.objective.metric, images_per_class(meta))
        self.objective = Objective(spec.objective, chance or 0.0)
        self._searcher = built_search(spec, self.objective.goal, counts_cost=self.objective.counts_cost)
        self._scheduler = scheduler[spec.scheduler.type](
            spec.objective.goal, spec.train.epochs, **spec.scheduler.options
        )
        images = images_behind(spec.objective.metric, meta)
        if images and isinstance(self._scheduler, KnowsNoise):
            self._scheduler.validated_on(images)
        self.forecast = Forecast(spec, self._scheduler, self.quote)
        self._suggestions = Suggestions(spec, self._searcher, validate_config, self.objective.best)
        self.queue = TrialQueue(spec, self.history, self._suggestions, self._scheduler, meta)
        self.stop_criterion = StopCriterion(spec, meta)
        self.is_look_due = False

    def apply(self, event: events.Event) -> Verdict | None:
        """Take the event into account.

        For a report the scheduler's verdict is returned, before any budget is asked.
        """
        self.history.apply(event)
        self.is_look_due = False
        if isinstance(event, events.TrialEvent):
            return self._apply_to_trial(self.history.trials[event.trial], event)
        self._apply_to_sweep(event)
        return None

    def _apply_to_trial(self, trial: TrialHistory, event: events.TrialEvent) -> Verdict | None:
        match event:
            case events.TrialAsked():
                self._suggestions.on_asked(event)
                self.queue.on_asked(trial)
            case events.AttemptStarted():
                self.queue.take(trial.id)
            case events.Reported(report=report):
                return self._hear(trial, report)
            case events.Decided():
                self.forecast.learn(trial)
            case events.AttemptEnded():
                self._end(trial)
            case events.TrialRetried():
                self._searcher.register(trial.number, trial.config)
            case events.TrialTested() | events.TrialWished():
                pass
            case _:
                assert_never(event)
        return None

    def _apply_to_sweep(self, event: events.SweepEvent) -> None:
        match event:
            case events.EarlierTrial():
                self._suggestions.on_known(-len(self.history.known), event)
            case events.FinalBegun(configs=configs):
                self.queue.begin_final(configs)
            case events.SweepExtended():
                self.queue.end_final()
            case events.SweepLaunched() | events.SweepClosed() | events.Heartbeat():
                pass
            case events.WorkBooked() | events.SearchEnded():
                pass  # the history alone remembers them
            case _:
                assert_never(event)

    def _hear(self, trial: TrialHistory, report: Report) -> Verdict:
        """Pass the report to search and scheduler."""
        if trial.is_final_run:
            reason = f"the score is {report.score}"
            is_finite = math.isfinite(report.score)
            return IN_FULL if is_finite else Verdict(Decision.STOP, reason, cause=Cause.FINAL)
        if beyond := self.objective.limit_verdict(report):
            return beyond
        verdict = self._scheduler.on_report(trial.id, report)
        if not math.isfinite(report.score):
            return verdict
        self._searcher.on_report(trial.number, report.epoch, self.objective.value(report))
        return self.objective.verdict(report) or verdict

    def _end(self, trial: TrialHistory) -> None:
        """Tell the search of a trial that is over or pauses, and put a waiting trial back into the queue."""
        self.forecast.look(self.history)
        self.queue.take(trial.id)
        if trial.state is State.WAITING:
            self.queue.put_back(trial.id)
        elif not trial.is_final_run:
            value = None if trial.is_over_limit else self.objective.best(trial.reports)
            self._searcher.on_complete(trial.number, as_told(trial), value, trial.device_seconds)
        self.is_look_due = self.stop_criterion.is_due(self.history, trial)
