"""The sweep decides and runs nothing: ask it for a trial, report to it, tell it how the trial ended.

Every call is written to the record before it returns, so that a sweep built from the same record
goes on where this one stopped. Whoever drives it (`sweeper.runners`) decides nothing.
"""

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from sweeper.budget import Budget
from sweeper.failures import may_retry
from sweeper.history import SweepHistory, TrialHistory
from sweeper.ledger import Clock, Grant, Meter, Reading, Totals, totals
from sweeper.outbox import again_row, closed_row, ended_row, left_row, metrics_row, run_row, tested_row
from sweeper.proposals import Proposals
from sweeper.record import Event, OutboxRow, Record
from sweeper.schedulers import scheduler
from sweeper.search import searcher
from sweeper.spec import SweepSpec
from sweeper.trial import (
    Config,
    Decision,
    Outcome,
    Report,
    State,
    Trial,
    Verdict,
    derive,
    trial_key,
)

Listener = Callable[[Event, SweepHistory], None]


class Sweep:
    """Search, early stopping, budget and failures of one sweep; passive, single-threaded.

    `clock` is monotonic. `refuse` says why a configuration cannot be trained; the search is told so,
    and proposes another.
    """

    def __init__(
        self,
        spec: SweepSpec,
        record: Record,
        *,
        clock: Clock = time.monotonic,
        refuse: Callable[[Config], str] = lambda config: "",
    ) -> None:
        self.spec = spec
        self.record = record
        self.history = SweepHistory()
        self.stopping = ""
        self._listeners: list[Listener] = []
        self._searcher = searcher[spec.search.algorithm](
            spec.space, spec.objective.goal, spec.search.seed, **spec.search.options
        )
        self._scheduler = scheduler[spec.scheduler.type](
            spec.objective.goal, spec.train.epochs, **spec.scheduler.options
        )
        self._proposals = Proposals(spec, self._searcher, refuse)
        self._live: dict[str, int] = {}
        self._waiting: deque[str] = deque()
        self._promoted = ""
        self._is_exhausted = False
        for event in record.events():
            self._replay(event)
        before = self.history
        self.meter = Meter(
            clock, before.wall_seconds, before.capacity_device_seconds, before.capacity_by_node
        )
        self._budget = Budget(spec.budget, self.history, self.meter)
        self._write(Event("launched"))
        self._recover()

    # what a runner calls ------------------------------------------------------------------------

    def ask(self) -> Trial | None:
        """The next attempt to run, None where there is nothing to start now (or at all: `is_done`).

        Trials that lost an attempt come first, then paused ones that have earned more, then new ones.
        """
        if self.stopping or self.is_broken or self._budget.shortage(self._live, is_new=True):
            return None
        if self._waiting:
            return self._attempt(self._waiting.popleft())
        if promoted := self._next_promoted():
            self._promoted = ""
            return self._attempt(promoted)
        return self._propose()

    def granted(self, trial_id: str, grant: Grant, *, seconds_ago: float = 0.0) -> None:
        """The attempt received its device, and is billed from then on."""
        waited = self.meter.start(trial_id, seconds_ago)
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
        return verdict.decision

    def tell(self, trial_id: str, outcome: Outcome, attempt: int | None = None) -> None:
        """The attempt is over and has released its device; a second word on it is ignored."""
        if trial_id not in self._live or attempt not in (None, self._live[trial_id]):
            return
        number = self._live.pop(trial_id)
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
        if self.stopping or self.is_broken:
            return self.stopping or "broken"
        if not self.is_done:
            return "error"
        return "budget" if self._waiting else "done"

    def listen(self, listener: Listener) -> None:
        """Let it hear of each further event, after it was written."""
        self._listeners.append(listener)

    # what others may know -----------------------------------------------------------------------

    @property
    def is_done(self) -> bool:
        """Nothing runs, and `ask` will have nothing more to give."""
        if self._live:
            return False
        nothing_left = self._is_exhausted or len(self.history.trials) >= self._trials_allowed
        return bool(
            self.stopping
            or self.is_broken
            or self._budget.shortage(self._live, is_new=True)
            or (nothing_left and not self._waiting and not self._next_promoted())
        )

    @property
    def is_complete(self) -> bool:
        """All that the budget allows was done, and nobody interrupted it."""
        return self.is_done and not self.stopping and not self.is_broken

    @property
    def is_broken(self) -> bool:
        """Every one of the first `budget.max_failed` trials failed: something is wrong with all of them.

        A diverged trial does not count: a wide range of learning rates has many.
        """
        first = itertools.islice(self.history.trials.values(), self.spec.budget.max_failed)
        failed = [trial for trial in first if trial.state is State.FAILED and not _has_diverged(trial)]
        return len(failed) == self.spec.budget.max_failed

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
        if verdict.decision is not Decision.CONTINUE:
            return verdict
        if self.stopping:
            return Verdict(Decision.PAUSE, f"interrupted: {self.stopping}")
        if shortage := self._budget.shortage(self._live, is_new=False):
            return Verdict(Decision.PAUSE, f"budget: {shortage}")
        return verdict

    def _judged(self, trial: TrialHistory, report: Report) -> Verdict:
        verdict = self._scheduler.decide(trial.id, report)
        if math.isfinite(report.score):
            self._searcher.observe(trial.number, report.epoch, report.score)
        return verdict

    def _propose(self) -> Trial | None:
        number = len(self.history.trials)
        if self._is_exhausted or number >= self._trials_allowed:
            return None
        proposal = self._proposals.next(number, self.history.trials)
        if proposal is None:
            self._is_exhausted = True
            return None
        seed = derive(self.spec.search.seed, "trial", number)
        trial_id = trial_key(self.record.meta["sweep_id"], proposal.config, seed, proposal.repeat)
        self._proposals.handed_out(trial_id, number, proposal)
        body = {"number": number, "seed": seed, **asdict(proposal)}
        self._write(Event("asked", trial_id, body=body), outbox=[run_row(trial_id, body, self.spec)])
        return self._attempt(trial_id)

    def _attempt(self, trial_id: str) -> Trial:
        trial = self.history.trials[trial_id]
        number = len(trial.ends) + 1
        self._live[trial_id] = number
        self.meter.ask(trial_id)
        if number > 1:
            self._write(outbox=[again_row(trial, self.spec)])
        checkpoint = trial.last.checkpoint if trial.last else None
        return Trial(
            trial.id, trial.number, trial.config, trial.seed, number, trial.repeat, checkpoint, trial.point
        )

    def _settled(self, trial: TrialHistory, outcome: Outcome) -> Outcome:
        """A failure that may be tried again, and an interruption, leave the trial waiting."""
        if outcome.state is State.PAUSED and trial.answer:
            reason = trial.answer.reason.partition(":")[0]
            if reason in ("interrupted", "budget"):
                return Outcome(State.WAITING, reason, trial.answer.reason)
        if may_retry(outcome, trial.ends):
            return Outcome(State.WAITING, outcome.kind, outcome.message, outcome.fingerprint)
        return outcome

    @property
    def _trials_allowed(self) -> float:
        return self.spec.budget.trials or math.inf

    def _next_promoted(self) -> str:
        """A trial that may go on, held until it is asked for; one that is not paused has gone on already."""
        while not self._promoted and (trial_id := self._scheduler.promote()):
            is_paused = self.history.trials[trial_id].state is State.PAUSED
            self._promoted = trial_id if is_paused and trial_id not in self._live else ""
        return self._promoted

    def _end(self, trial: TrialHistory, number: int, outcome: Outcome, cost: Reading) -> None:
        outcome = self._settled(trial, outcome)
        body = asdict(outcome) | cost._asdict()
        event = Event("ended", trial.id, number, body)
        told = [ended_row(trial, outcome, self.spec.objective.goal)] if outcome.state.is_final else []
        self._write(event, outbox=told)
        self._learn_end(event)

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
        """Bring history, search and scheduler to where they were behind this event."""
        self.history.apply(event)
        if event.kind == "asked":
            self._proposals.adopted(self.history.trials[event.trial])
        elif event.kind == "reported":
            trial = self.history.trials[event.trial]
            self._judged(trial, trial.reports[-1])
        elif event.kind == "ended":
            self._learn_end(event)

    def _learn_end(self, event: Event) -> None:
        """Tell the search of a trial that is over or pauses; put one that waits back into the queue."""
        trial = self.history.trials[event.trial]
        if trial.state is State.WAITING:
            self._waiting.append(trial.id)
            return
        best = trial.best(self.spec.objective.goal)
        state = State.STOPPED if trial.state is State.PAUSED else trial.state
        self._searcher.finish(trial.number, state, best.score if best else None, trial.device_seconds)

    def _recover(self) -> None:
        """What an earlier driver left: attempts that it lost, and trials that it never started."""
        for trial in list(self.history.trials.values()):
            if trial.state is State.RUNNING:
                attempt = trial.attempts[-1]
                cost = Reading(attempt.billed, attempt.productive, attempt.joules)
                self._end(trial, attempt.number, _lost(trial), cost)
            elif trial.state is State.WAITING and trial.id not in self._waiting:
                self._waiting.append(trial.id)
        self._waiting = deque(dict.fromkeys(t for t in self._waiting if self._is_waiting(t)))

    def _is_waiting(self, trial_id: str) -> bool:
        return self.history.trials[trial_id].state is State.WAITING

    def _conclude(self, trial: TrialHistory) -> None:
        outcome = Outcome(State.STOPPED, "stopped", "never promoted")
        body = asdict(outcome) | {"billed": 0.0, "productive": 0.0}
        told = ended_row(trial, outcome, self.spec.objective.goal)
        self._write(Event("ended", trial.id, 0, body), outbox=[told])


def _seconds_since(trial: TrialHistory, report: Report) -> float:
    """What the report adds to the one before it, in seconds: an attempt may have gone back some epochs."""
    before = next((r.device_seconds for r in reversed(trial.reports) if r.epoch < report.epoch), 0.0)
    share = trial.attempts[-1].share if trial.attempts else 1.0
    return (report.device_seconds - before) / share


def _lost(trial: TrialHistory) -> Outcome:
    """How the attempt ended that the driver did not outlive: as it was told to, where it was told to end."""
    if trial.answer and trial.answer.decision is Decision.STOP:
        return Outcome(State.STOPPED)
    if trial.answer and trial.answer.decision is Decision.PAUSE:
        return Outcome(State.PAUSED)
    return Outcome(State.WAITING, "driver_lost", "the driver ended while the attempt ran")


def _has_diverged(trial: TrialHistory) -> bool:
    return trial.outcome is not None and trial.outcome.kind == "diverged"
