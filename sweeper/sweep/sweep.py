"""The sweep decides and runs nothing: ask it for a trial, report to it, tell it how the trial ended.

Every call is written to the record before it returns, so that a sweep built from the same record
goes on where this one stopped. Whoever drives it (`sweeper.runners`) decides nothing.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sweeper.config.spec import SweepSpec
from sweeper.schedulers import scheduler
from sweeper.search import Searcher, searcher
from sweeper.store.history import UNPROMOTED, SweepHistory, TrialHistory
from sweeper.store.ledger import Clock, Grant, Meter, Reading, Totals, totals
from sweeper.store.outbox import again_row, closed_row, ended_row, left_row, metrics_row, run_row, tested_row
from sweeper.store.record import Event, OutboxRow, Record
from sweeper.sweep.budget import Budget
from sweeper.sweep.cost_forecast import Forecast
from sweeper.sweep.objective import Objective, chance_level
from sweeper.sweep.retries import all_failed, as_told, lost_with_driver, settled
from sweeper.sweep.stop_criterion import StopCriterion
from sweeper.sweep.suggestions import Suggestion, Suggestions
from sweeper.sweep.trial_queue import Candidate, TrialQueue
from sweeper.trial import Config, Decision, Outcome, Report, State, Trial, Verdict, derive, trial_key

IN_FULL = Verdict(Decision.CONTINUE, "a run of the final, trained in full")

Listener = Callable[[Event, SweepHistory], None]


class Sweep:
    """Search, early stopping, budget and failures of one sweep; passive, single-threaded.

    `clock` is monotonic. `validate_config` says why a configuration cannot be trained; the search is told so,
    and proposes another.
    """

    def __init__(
        self,
        spec: SweepSpec,
        record: Record,
        *,
        clock: Clock = time.monotonic,
        validate_config: Callable[[Config], str] = lambda config: "",
    ) -> None:
        self.spec = spec
        self.record = record
        self.history = SweepHistory()
        self.stopping = ""
        self.held = ""  # why nothing is started for the moment: the driver sets and clears it
        self._listeners: list[Listener] = []
        self._objective = Objective(spec.objective, _chance(spec, record))
        self._searcher = _searcher(spec, self._objective)
        self._scheduler = scheduler[spec.scheduler.type](
            spec.objective.goal, spec.train.epochs, **spec.scheduler.options
        )
        self._forecast = Forecast(spec, self._scheduler)
        self._suggestions = Suggestions(spec, self._searcher, validate_config, self._objective.best)
        self._live: dict[str, int] = {}
        self._queue = TrialQueue(
            spec, self.history, self._suggestions, self._scheduler, self._live, self._fits
        )
        self._stop_criterion = StopCriterion(spec)
        is_look_missed = False
        for event in record.events():
            self._replay(event)
            ended = self.history.trials[event.trial] if event.kind == "ended" else None
            is_look_missed = ended is not None and self._stop_criterion.is_due(self.history, ended)
        before = self.history
        self.meter = Meter(
            clock, before.wall_seconds, before.capacity_device_seconds, before.capacity_by_node
        )
        self._budget = Budget(spec.budget, self.history, self.meter)
        self._write(Event("launched"))
        if is_look_missed:
            self._look_ahead()
        self._recover()

    # what a runner calls ------------------------------------------------------------------------

    def ask(self) -> Trial | None:
        """The next attempt to run, None where there is nothing to start now (or at all: `is_done`).

        Trials that lost an attempt come first, then paused ones that have earned more, then new ones;
        when the search is over, the final. What does not fit the budget is passed over.
        """
        if self.held or self.stopping or self.has_failed or self._budget.shortage():
            return None
        candidate = self._queue.next()
        if candidate is None and not self._live and self._queue.is_final_due():
            self._write(Event("final", body={"configs": [dict(c) for c in self._queue.finalists()]}))
            self._queue.begin_final(self.history.finalists)
            candidate = self._queue.next()
        return None if candidate is None else self._start(candidate)

    def on_start(self, trial_id: str, grant: Grant, *, seconds_ago: float = 0.0) -> None:
        """The attempt received its device, and is billed from then on."""
        waited = self.meter.start(trial_id, seconds_ago)
        self._budget.started(trial_id, grant, seconds_ago)
        body = asdict(grant) | {"granted": max(0.0, self.meter.wall() - seconds_ago), "waited": waited}
        self._write(Event("granted", trial_id, self._live[trial_id], body))

    def report(self, trial_id: str, report: Report, attempt: int | None = None) -> Decision:
        """Whether the trial goes on. A report of an attempt that is over is refused with STOP."""
        if trial_id not in self._live or attempt not in (None, self._live[trial_id]):
            return Decision.STOP
        trial = self.history.trials[trial_id]
        self.meter.trained(trial_id, _seconds_since(trial, report))
        verdict = self._verdict(trial, report)
        decided = {"epoch": report.epoch, **{k: v for k, v in asdict(verdict).items() if v is not None}}
        decided |= self.meter.reading(trial_id)._asdict()
        self._write(
            Event("reported", trial_id, self._live[trial_id], asdict(report)),
            Event("decided", trial_id, self._live[trial_id], decided),
            outbox=[metrics_row(trial, report, self._usd(trial))],
        )
        self._forecast.learn(trial)
        return verdict.decision

    def tell(self, trial_id: str, outcome: Outcome, attempt: int | None = None) -> None:
        """The attempt is over and has released its device; a second word on it is ignored."""
        if trial_id not in self._live or attempt not in (None, self._live[trial_id]):
            return
        number = self._live.pop(trial_id)
        self._budget.ended(trial_id)
        self._end(self.history.trials[trial_id], number, outcome, self.meter.stop(trial_id))

    def beat(self) -> None:
        """Write down what running attempts have cost so far; a killed driver loses what came after."""
        attempts = {trial: [number, *self.meter.reading(trial)] for trial, number in self._live.items()}
        self._write(Event("beat", body=self._clocks() | {"attempts": attempts}))

    def stop(self, why: str) -> None:
        """Start nothing more; running trials pause at their next report and can be resumed."""
        self.stopping = self.stopping or why

    def tested(self, trial_id: str, metrics: dict[str, float]) -> None:
        """The test split was opened for this trial; the record says when."""
        trial = self.history.trials[trial_id]
        told = [tested_row(trial, metrics)]
        self._write(Event("tested", trial_id, body={"metrics": metrics}), outbox=told)

    def book(self, what: str, device_seconds: float) -> None:
        """One-off work that serves all trials: image stores, statistics, the final test."""
        self._write(Event("booked", body={"what": what, "device_seconds": device_seconds}))

    def close(self) -> None:
        """The driver leaves. Trials that were paused for good are told as stopped when all is done."""
        why = self._why_closed()
        if self._live:
            self.beat()
        if why == "done":
            for trial in self.history.trials.values():
                if trial.state is State.PAUSED:
                    self._conclude(trial)
        sums = self.totals
        figures = {
            "gpu_hours": sums.gpu_hours,
            "device_seconds": sums.billed,
            "trials": len(self.history.trials),
        }
        closed = Event("closed", body=self._clocks() | {"why": why})
        left = [left_row(trial) for trial in self.history.trials.values() if not trial.state.is_final]
        self._write(closed, outbox=[*left, closed_row(why, figures)])

    def _why_closed(self) -> str:
        if self.stopping or self.has_failed:
            return self.stopping or "broken"
        if not self.is_done:
            return "error"
        return "budget" if self._queue.is_waiting else "done"

    def listen(self, listener: Listener) -> None:
        """Let it hear of each further event, after it was written."""
        self._listeners.append(listener)

    # what others may know -----------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Nothing runs, and `ask` will have nothing more to give."""
        if self._live:
            return False
        if self.stopping or self.has_failed or self._budget.shortage():
            return True
        return self._queue.next() is None and not self._queue.is_final_due()

    @property
    def is_complete(self) -> bool:
        """All that the budget allows was done, and nobody interrupted it."""
        return self.is_done and not self.stopping and not self.has_failed

    @property
    def has_failed(self) -> bool:
        """Every one of the first `budget.max_failed` trials failed: something is wrong with all of them.

        A diverged trial does not count: a wide range of learning rates has many.
        """
        return all_failed(self.history.trials.values(), self.spec.budget.max_failed)

    @property
    def live(self) -> int:
        """How many attempts were handed out and have not ended."""
        return len(self._live)

    @property
    def totals(self) -> Totals:
        """The ledger's sums, running attempts as of their last beat."""
        return totals(self.history)

    # deciding -----------------------------------------------------------------------------------

    def _verdict(self, trial: TrialHistory, report: Report) -> Verdict:
        verdict = self._judged(trial, report)
        is_trained = report.epoch >= trial.config.get("epochs", self.spec.train.epochs)
        if verdict.decision is not Decision.CONTINUE or is_trained:
            return verdict
        if self.stopping:
            return Verdict(Decision.PAUSE, f"interrupted: {self.stopping}")
        kept = 0.0 if trial.is_final_run else self._kept()
        if shortage := self._budget.shortage(kept=kept) or self._reserved(trial, report, verdict):
            return Verdict(Decision.PAUSE, f"budget: {shortage}")
        return verdict

    def _reserved(self, trial: TrialHistory, report: Report, verdict: Verdict) -> str:
        """Behind a rung the way to the next one is set aside; why not, where it does not fit the budget."""
        if verdict.rung is None:
            return ""
        need = self._forecast.onwards(trial.config, trial, report)
        shortage = self._budget.shortage(need, besides=trial.id, kept=self._kept())
        if not shortage:
            self._budget.reserve(trial.id, need)
        return shortage

    def _judged(self, trial: TrialHistory, report: Report) -> Verdict:
        """Search and scheduler hear of the report; the same in a replay."""
        if trial.is_final_run:
            reason = f"the score is {report.score}"
            return IN_FULL if math.isfinite(report.score) else Verdict(Decision.STOP, reason)
        verdict = self._scheduler.on_report(trial.id, report)
        if not math.isfinite(report.score):
            return verdict
        self._searcher.on_report(trial.number, report.epoch, self._objective.value(report))
        return self._objective.verdict(report) or verdict

    def _fits(self, candidate: Candidate) -> bool:
        need = self._forecast.start(candidate.config, candidate.trial)
        return not self._budget.shortage(need, kept=0.0 if candidate.is_final_run else self._kept())

    def _kept(self) -> float:
        """Device-seconds that the search leaves to the final."""
        limits = self.spec.budget
        if self.spec.final is None or (limits.gpu_hours is None and limits.usd is None):
            return 0.0
        return self._forecast.in_full(self._queue.final_to_come())

    def _start(self, candidate: Candidate) -> Trial:
        self._queue.taken(candidate)
        trial = candidate.trial or self._adopted(candidate.suggestion or Suggestion({}))
        self._budget.reserve(trial.id, self._forecast.start(trial.config, trial))
        return self._attempt(trial)

    def _adopted(self, suggestion: Suggestion) -> TrialHistory:
        """The suggestion becomes a trial."""
        number = len(self.history.trials)
        seed = derive(self.spec.search.seed, "trial", number)
        trial_id = trial_key(self.record.meta["sweep_id"], suggestion.config, seed, suggestion.repeat)
        if not suggestion.is_final_run:
            self._suggestions.handed_out(trial_id, number, suggestion)
        body = {"number": number, "seed": seed, **asdict(suggestion)}
        self._write(Event("asked", trial_id, body=body), outbox=[run_row(trial_id, body, self.spec)])
        self._queue.asked(self.history.trials[trial_id])
        return self.history.trials[trial_id]

    def _attempt(self, trial: TrialHistory) -> Trial:
        number = len(trial.ends) + 1
        self._live[trial.id] = number
        self.meter.ask(trial.id)
        if number > 1:
            self._write(outbox=[again_row(trial, self.spec)])
        checkpoint = trial.last.checkpoint if trial.last else None
        return Trial(
            trial.id, trial.number, trial.config, trial.seed, number, trial.repeat, checkpoint, trial.point
        )

    def _end(self, trial: TrialHistory, number: int, outcome: Outcome, cost: Reading) -> None:
        outcome = settled(trial, outcome)
        body = asdict(outcome) | cost._asdict()
        event = Event("ended", trial.id, number, body)
        told = [ended_row(trial, outcome, self.spec.objective.goal)] if outcome.state.is_final else []
        self._write(event, outbox=told)
        self._learn_end(event)
        if self._stop_criterion.is_due(self.history, trial):
            self._look_ahead()

    def _usd(self, trial: TrialHistory) -> float | None:
        if not trial.attempts or trial.attempts[-1].usd_per_hour is None:
            return None
        earlier = sum(attempt.usd or 0.0 for attempt in trial.attempts[:-1])
        price = trial.attempts[-1].usd_per_hour
        return earlier + self._budget.device_seconds(trial.id) * price / 3600

    # the record ---------------------------------------------------------------------------------

    def _write(self, *events: Event, outbox: Sequence[OutboxRow] = ()) -> None:
        self.record.append(*events, outbox=outbox)
        for event in events:
            self.history.apply(event)
            for listener in self._listeners:
                listener(event, self.history)

    def _clocks(self) -> dict[str, Any]:
        return self.meter.clocks()

    def _replay(self, event: Event) -> None:
        """Bring history, search, scheduler and queue to where they were behind this event."""
        self.history.apply(event)
        match event.kind:
            case "known":
                self._suggestions.learned(-len(self.history.known), event.body)
            case "asked":
                self._replay_asked(event)
            case "reported":
                trial = self.history.trials[event.trial]
                self._forecast.learn(trial)
                self._judged(trial, trial.reports[-1])
            case "granted":
                self._queue.on_start(event.trial)
            case "ended":
                self._learn_end(event)
            case "retried":
                trial = self.history.trials[event.trial]
                self._searcher.register(trial.number, trial.config)
            case "final":
                self._queue.begin_final(self.history.finalists)
            case "extended":
                self._queue.end_final()
            case _:
                pass

    def _replay_asked(self, event: Event) -> None:
        trial = self.history.trials[event.trial]
        if not trial.is_final_run:
            self._suggestions.adopted(trial, event.body.get("redrawn", ()))
        self._queue.asked(trial)

    def _learn_end(self, event: Event) -> None:
        """Tell the search of a trial that is over or pauses; put one that waits back into the queue."""
        trial = self.history.trials[event.trial]
        self._forecast.look(self.history)
        if trial.state is State.WAITING:
            self._queue.put_back(trial.id)
        elif not trial.is_final_run:
            value = self._objective.best(trial.reports)
            self._searcher.on_complete(trial.number, as_told(trial), value, trial.device_seconds)

    def _look_ahead(self) -> None:
        if enough := self._stop_criterion.look(self.history):
            self._write(Event("enough", body=enough))

    def _recover(self) -> None:
        """What an earlier driver left: attempts that it lost, and trials that it never started."""
        for trial in list(self.history.trials.values()):
            if trial.state is State.RUNNING:
                attempt = trial.attempts[-1]
                cost = Reading(attempt.billed, attempt.productive, attempt.joules)
                self._end(trial, attempt.number, lost_with_driver(trial), cost)
        self._queue.recover()

    def _conclude(self, trial: TrialHistory) -> None:
        outcome = Outcome(State.STOPPED, UNPROMOTED, "never promoted")
        body = asdict(outcome) | {"billed": 0.0, "productive": 0.0}
        told = ended_row(trial, outcome, self.spec.objective.goal)
        self._write(Event("ended", trial.id, 0, body), outbox=[told])


def _seconds_since(trial: TrialHistory, report: Report) -> float:
    """What the report adds to the one before it, in seconds: an attempt may have gone back some epochs."""
    before = next((r.device_seconds for r in reversed(trial.reports) if r.epoch < report.epoch), 0.0)
    share = trial.attempts[-1].share if trial.attempts else 1.0
    return (report.device_seconds - before) / share


def _searcher(spec: SweepSpec, objective: Objective) -> Searcher:
    """The search of the file, looking at score and cost where the objective does and it can."""
    algorithm, options = spec.search.algorithm, spec.search.options
    if objective.counts_cost and "counts_cost" in searcher.options(algorithm):
        options = {"counts_cost": True, **options}
    return searcher[algorithm](spec.space, objective.goal, spec.search.seed, **options)


def _chance(spec: SweepSpec, record: Record) -> float:
    """What guessing scores; 0 for a loss, and where nobody knows how many classes there are."""
    classes = len(json.loads(record.meta.get("classes", "[]")))
    return chance_level(spec.objective.metric, classes) or 0.0
