"""The sweep decides and runs nothing: ask it for a trial, report to it, tell it how the trial ended.

Every call is written to the record before it returns, so that a sweep built from the same record
goes on where this one stopped. Whoever drives it (`sweeper.runners`) decides nothing.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from sweeper.config.spec import SweepSpec
from sweeper.store import events, outbox
from sweeper.store.attempt import Grant, Reading
from sweeper.store.history import SweepHistory, TrialHistory
from sweeper.store.ledger import Clock, Meter, Totals, totals
from sweeper.store.record import EventLog, OutboxRow
from sweeper.sweep import retries
from sweeper.sweep.figures import EndRows
from sweeper.sweep.spending import Spending
from sweeper.sweep.state import DecidingState
from sweeper.sweep.trial_queue import Candidate
from sweeper.trial import Cause, Config, Decision, Outcome, Report, State, Trial, Verdict, derive, trial_key

Listener = Callable[[events.Event, SweepHistory], None]


class Sweep:
    """The search, early stopping, budget and failures of one sweep. It is passive and single-threaded.

    `clock` is monotonic. `validate_config` says why a configuration cannot be trained; the search hears that
    and suggests another.
    """

    def __init__(
        self,
        spec: SweepSpec,
        record: EventLog,
        *,
        clock: Clock = time.monotonic,
        validate_config: Callable[[Config], str] = lambda config: "",
    ) -> None:
        self.spec = spec
        self.stopping = ""
        self.held = ""  # why nothing is started for the moment: the driver sets and clears it
        self.record = record
        self._sweep_id = record.meta["sweep_id"]
        self._end_rows = EndRows.of(spec, record.meta)
        self._listeners: list[Listener] = []
        self._unwritten: list[events.Event] = []
        self._live: dict[str, int] = {}
        self._state = DecidingState(spec, record.meta, validate_config)
        for event in record.events():
            self._state.apply(event)
        is_look_missed = self._state.is_look_due
        self.history = before = self._state.history
        self.meter = Meter(
            clock, before.wall_seconds, before.capacity_device_seconds, before.capacity_by_node
        )
        self.spending = Spending(spec, self._state, self.meter)
        self._commit(events.SweepLaunched())
        if is_look_missed:
            self._look_ahead()
        self._recover()

    # what a runner calls ------------------------------------------------------------------------

    def ask(self) -> Trial | None:
        """Return the next attempt to run; None where nothing can start now, or ever again (`is_done`).

        Trials that lost an attempt come first, then promoted ones, then new ones; when the search is over,
        the final. What does not fit the budget is passed over.
        """
        if self.held or self._is_over:
            return None
        candidate = self._state.queue.next(self.spending.fits, self._live)
        if candidate is None and not self._live and self._state.queue.is_final_due():
            self._commit(events.FinalBegun(configs=self._state.queue.finalists()))
            candidate = self._state.queue.next(self.spending.fits, self._live)
        return None if candidate is None else self._start(candidate)

    def on_start(self, trial_id: str, grant: Grant, *, seconds_ago: float = 0.0) -> None:
        """Bill the attempt from now on, because it has received its device."""
        waited = self.meter.start(trial_id, seconds_ago, grant)
        self.spending.on_start(trial_id, grant, seconds_ago)
        granted = max(0.0, self.meter.wall() - seconds_ago)
        attempt = self._live[trial_id]
        self._commit(
            events.AttemptStarted(
                trial=trial_id, attempt=attempt, grant=grant, granted=granted, waited=waited
            )
        )

    def divide(self, seconds: Mapping[str, float]) -> None:
        """Bill the attempts that train as one for the time since the last call, in proportion to these."""
        self.meter.divide(seconds)
        self.spending.on_divide()

    def report(self, trial_id: str, report: Report, attempt: int | None = None) -> Decision:
        """Return whether the trial goes on. A report of an attempt that is over is answered with STOP."""
        if trial_id not in self._live or attempt not in (None, self._live[trial_id]):
            return Decision.STOP
        trial, number = self.history.trials[trial_id], self._live[trial_id]
        self.meter.trained(trial_id, trial.seconds_to(report))
        verdict = self._apply(events.Reported(trial=trial_id, attempt=number, report=report))
        verdict = self._affordable(trial, report, verdict or Verdict(Decision.CONTINUE))
        cost, usd = self.meter.reading(trial_id), self.spending.usd(trial)
        self._commit(
            events.Decided(trial=trial_id, attempt=number, epoch=report.epoch, verdict=verdict, cost=cost),
            rows=[outbox.metrics_row(trial, report, usd)],
        )
        return verdict.decision

    def tell(self, trial_id: str, outcome: Outcome, attempt: int | None = None) -> None:
        """End the attempt, which has released its device. A second outcome of the same attempt is ignored."""
        if trial_id not in self._live or attempt not in (None, self._live[trial_id]):
            return
        number = self._live.pop(trial_id)
        self.spending.on_end(trial_id)
        self._end(self.history.trials[trial_id], number, outcome, self.meter.stop(trial_id))

    def beat(self) -> None:
        """Record what running attempts have cost so far; a killed driver loses only what came after."""
        attempts = {trial: (number, self.meter.reading(trial)) for trial, number in self._live.items()}
        self._commit(events.Heartbeat(clocks=self.meter.clocks(), attempts=attempts))

    def stop(self, why: str) -> None:
        """Start nothing more; running trials pause at their next report and can be resumed."""
        self.stopping = self.stopping or why

    def steer(self, wished: events.TrialWished) -> None:
        """Stop or pause one trial at its next report, or let it go on; one that waits is stopped at once."""
        self._commit(wished)
        trial = self.history.trials[wished.trial]
        if trial.is_unwanted and trial.id not in self._live and not trial.state.is_final:
            self._end(trial, 0, retries.stopped_by_hand(trial), Reading())

    def tested(self, trial_id: str, metrics: dict[str, float]) -> None:
        """Record that the test split was opened for this trial."""
        row = outbox.tested_row(self.history.trials[trial_id], metrics)
        self._commit(events.TrialTested(trial=trial_id, metrics=metrics), rows=[row])

    def book(self, what: str, device_seconds: float) -> None:
        """Book work that serves all trials: image stores, statistics, the final test."""
        self._commit(events.WorkBooked(what=what, device_seconds=device_seconds))

    def close(self) -> None:
        """Close the sweep as the driver leaves. If all is done, trials that stay paused are stopped."""
        why = self._why_closed()
        if self._live:
            self.beat()
        if why == "done":
            for trial in self.history.trials.values():
                if trial.state is State.PAUSED:
                    self._conclude(trial)
        closed = events.SweepClosed(why=why, clocks=self.meter.clocks())
        self._commit(closed, rows=self._end_rows.sweep(why, self.history, self.totals))

    def listen(self, listener: Listener) -> None:
        """Call the listener with each further event, after it was written."""
        self._listeners.append(listener)

    # what others may know -----------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Whether nothing runs and `ask` has nothing more to give.

        A draw that was not tried may give something.
        """
        if self._live:
            return False
        queue = self._state.queue
        return self._is_over or not (queue.has_next(self.spending.fits) or queue.is_final_due())

    @property
    def is_complete(self) -> bool:
        """Whether all that the budget allows was done, and nobody interrupted it or holds a trial."""
        return self.is_done and not (self.stopping or self.has_failed or self.history.held)

    @property
    def has_failed(self) -> bool:
        """Whether each of the first `budget.max_failed` trials failed: something is wrong with all of them.

        A diverged trial does not count: a wide range of learning rates has many.
        """
        return retries.all_failed(self.history.trials.values(), self.spec.budget.max_failed)

    @property
    def live(self) -> int:
        """How many attempts were handed out and have not ended."""
        return len(self._live)

    @property
    def totals(self) -> Totals:
        """The ledger's sums, running attempts as of their last beat."""
        return totals(self.history)

    # deciding -----------------------------------------------------------------------------------

    @property
    def _is_over(self) -> bool:
        return bool(self.stopping or self.has_failed or self.spending.is_over)

    def _why_closed(self) -> str:
        if self.stopping or self.has_failed:
            return self.stopping or "broken"
        self._state.queue.next(self.spending.fits, self._live)  # a runner that broke off may not have asked
        if not self.is_done:
            return "error"
        return "budget" if self._state.queue.is_waiting else "paused" if self.history.held else "done"

    def _affordable(self, trial: TrialHistory, report: Report, verdict: Verdict) -> Verdict:
        """The verdict, or what a person asked for, or a pause where driver or budget have no room."""
        if self._state.forecast.has_trained_enough(trial):
            return verdict
        verdict = retries.as_wished(trial, verdict)
        if verdict.decision is not Decision.CONTINUE:
            return verdict
        if self.stopping:
            return Verdict(Decision.PAUSE, f"interrupted: {self.stopping}", cause=Cause.INTERRUPT)
        return self.spending.bounded(trial, report, verdict)

    def _start(self, candidate: Candidate) -> Trial:
        trial = candidate.trial or self._adopted(candidate)
        self.spending.reserve_start(trial)
        number = len(trial.ends) + 1
        self._live[trial.id] = number
        self.meter.ask(trial.id)
        if number > 1:
            self._commit(rows=[outbox.run_row(trial, self.spec)])
        last = trial.last or Report(0, 0.0)
        known = (last.checkpoint, trial.point, last.epoch, last.device_seconds)
        return Trial(trial.id, trial.number, trial.config, trial.seed, number, trial.repeat, *known)

    def _adopted(self, candidate: Candidate) -> TrialHistory:
        """Turn what was suggested into a trial."""
        suggestion = candidate.suggestion
        number = len(self.history.trials)
        seed = derive(self.spec.search.seed, "trial", number)
        trial_id = trial_key(self._sweep_id, suggestion.config, seed, suggestion.repeat)
        asked = events.TrialAsked(
            trial=trial_id,
            number=number,
            config=suggestion.config,
            seed=seed,
            repeat=suggestion.repeat,
            point=suggestion.point,
            is_final_run=suggestion.is_final_run,
            redrawn=suggestion.redrawn,
        )
        self._apply(asked)
        trial = self.history.trials[trial_id]
        self._commit(rows=[outbox.run_row(trial, self.spec)])
        return trial

    def _end(self, trial: TrialHistory, number: int, outcome: Outcome, cost: Reading) -> None:
        outcome = retries.settled(trial, outcome)
        self._apply(events.AttemptEnded(trial=trial.id, attempt=number, outcome=outcome, cost=cost))
        self._commit(rows=[self._end_rows.trial(trial, outcome)] if outcome.state.is_final else [])
        if self._state.is_look_due:
            self._look_ahead()

    def _look_ahead(self) -> None:
        if ended := self._state.stop_criterion.look(self.history):
            self._commit(ended)

    def _recover(self) -> None:
        """End what an earlier driver left: the attempts that it lost, and trials that it never started."""
        for trial in list(self.history.trials.values()):
            if trial.state is State.RUNNING:
                attempt = trial.attempts[-1]
                cost = Reading(attempt.billed, attempt.productive, attempt.joules, attempt.divided)
                self._end(trial, attempt.number, retries.lost_with_driver(trial), cost)
            elif trial.is_unwanted and not trial.state.is_final:
                self._end(trial, 0, retries.stopped_by_hand(trial), Reading())
        self._state.queue.recover()

    def _conclude(self, trial: TrialHistory) -> None:
        row = self._end_rows.trial(trial, retries.UNPROMOTED)
        ended = events.AttemptEnded(trial=trial.id, outcome=retries.UNPROMOTED, cost=Reading())
        self._commit(ended, rows=[row])

    # the record ---------------------------------------------------------------------------------

    def _apply(self, event: events.Event) -> Verdict | None:
        """Take the event into account; the next `_commit` writes it."""
        self._unwritten.append(event)
        return self._state.apply(event)

    def _commit(self, *now: events.Event, rows: Sequence[OutboxRow] = ()) -> None:
        """Write these events and those applied before in one transaction, then call the listeners."""
        for event in now:
            self._apply(event)
        written, self._unwritten = self._unwritten, []
        self.record.append(*written, outbox=rows)
        for event in written:
            for listener in self._listeners:
                listener(event, self.history)
