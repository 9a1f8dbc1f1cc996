"""The history of a sweep is what its events add up to; every reader uses it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import assert_never

from sweeper.errors import FailureKind
from sweeper.store import events
from sweeper.store.attempt import Attempt, AttemptState, Reading
from sweeper.trial import Cause, Config, Goal, Outcome, Report, State, Verdict, Wish
from sweeper.wording import config_text


@dataclass(slots=True)
class TrialHistory:
    """Everything that is known of one trial. `reports` has each epoch once, in order.

    `is_final_run` marks a repeat of the final, which is never stopped early. `answer` is the newest attempt's
    last verdict, and None before its first report. `ends` has the outcome of each attempt whose end is known.
    `wish` is what a person asked of the trial, by `wished_by`, and None once it may go on.
    """

    id: str
    number: int
    config: Config
    seed: int
    repeat: int = 0
    point: str | None = None
    is_final_run: bool = False
    state: State = State.WAITING
    outcome: Outcome | None = None
    reports: list[Report] = field(default_factory=list[Report])
    verdicts: list[tuple[int, Verdict]] = field(default_factory=list[tuple[int, Verdict]])
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    answer: Verdict | None = None
    is_over_limit: bool = False
    ends: list[Outcome] = field(default_factory=list[Outcome])
    test: Mapping[str, float] | None = None
    wish: Wish | None = None
    wished_by: str = ""

    @property
    def is_held(self) -> bool:
        """Whether it waits because a person paused it, and goes on only when one says so."""
        return self.wish is Wish.PAUSE and self.state is State.WAITING

    @property
    def is_unwanted(self) -> bool:
        """Whether a person asked to stop it."""
        return self.wish is Wish.STOP

    @property
    def label(self) -> str:
        """The point's name, else the configuration in one line."""
        return self.point or config_text(self.config)

    @property
    def last(self) -> Report | None:
        """The newest report."""
        return self.reports[-1] if self.reports else None

    def best(self, goal: Goal) -> Report | None:
        """Return the report with the best finite score; of equal ones the earlier.

        None where the network takes more than the sweep allows: it does not compete.
        """
        if self.is_over_limit:
            return None
        finite = [report for report in self.reports if abs(report.score) < float("inf")]
        return max(finite, key=lambda report: goal.sign * report.score) if finite else None

    @property
    def device_seconds(self) -> float:
        """Billed device-seconds of all attempts, failed ones included."""
        return sum(attempt.device_seconds for attempt in self.attempts)

    def seconds_to(self, report: Report) -> float:
        """Return the seconds that the report adds to the one before, also after going back some epochs."""
        before = next((r.device_seconds for r in reversed(self.reports) if r.epoch < report.epoch), 0.0)
        share = self.attempts[-1].share if self.attempts else 1.0
        return (report.device_seconds - before) / share

    @property
    def usd(self) -> float | None:
        """The money billed for all attempts; None where the price of one is unknown."""
        prices = [attempt.usd for attempt in self.attempts]
        known = [price for price in prices if price is not None]
        return sum(known) if len(known) == len(prices) else None


@dataclass(slots=True)
class SweepHistory:
    """The whole sweep as its record has it; `trials` are in the order in which they were asked for.

    `settled` are the attempts whose cost is final and `over` the trials in a final state, each in the order
    in which they ended, so that a sum can go on where it stopped. `known` are results of earlier sweeps.
    `enough` says why the search ended before its budget. `finalists` are the configurations of the final, and
    empty before it.
    """

    trials: dict[str, TrialHistory] = field(default_factory=dict[str, TrialHistory])
    launches: int = 0
    wall_seconds: float = 0.0
    capacity_device_seconds: float = 0.0
    capacity_by_node: Mapping[str, float] = field(default_factory=dict[str, float])
    booked: list[events.WorkBooked] = field(default_factory=list[events.WorkBooked])
    closed: str = ""
    settled: list[Attempt] = field(default_factory=list[Attempt])
    over: list[TrialHistory] = field(default_factory=list[TrialHistory])
    known: list[events.EarlierTrial] = field(default_factory=list[events.EarlierTrial])
    enough: str = ""
    finalists: list[Config] = field(default_factory=list[Config])

    def apply(self, event: events.Event) -> None:
        """Take one more event into account."""
        if isinstance(event, events.TrialAsked):
            self._ask(event)
        elif isinstance(event, events.TrialEvent):
            self._apply_to_trial(self.trials[event.trial], event)
        else:
            self._apply_to_sweep(event)

    def _apply_to_trial(self, trial: TrialHistory, event: events.TrialEvent) -> None:
        match event:
            case events.AttemptStarted():
                self._start(trial, event)
            case events.Reported(report=report):
                if trial.reports and trial.reports[-1].epoch >= report.epoch:
                    trial.reports = [each for each in trial.reports if each.epoch < report.epoch]
                trial.reports.append(report)
            case events.Decided():
                _decide(trial, event)
            case events.AttemptEnded():
                self._end(trial, event)
            case events.TrialTested(metrics=metrics):
                trial.test = metrics
            case events.TrialRetried():
                self._retry(trial)
            case events.TrialWished(wish=wish, by=by):
                trial.wish, trial.wished_by = (None if wish is Wish.RESUME else wish), by
            case events.TrialAsked():
                pass  # it is in the list by now
            case _:
                assert_never(event)

    def _apply_to_sweep(self, event: events.SweepEvent) -> None:
        match event:
            case events.SweepLaunched():
                self.launches += 1
                self.closed = ""
            case events.SweepClosed(why=why, clocks=clocks):
                self.closed = why
                self._set_clocks(clocks)
            case events.SweepExtended():
                self._extend()
            case events.Heartbeat(clocks=clocks, attempts=attempts):
                self._set_clocks(clocks)
                for trial, (number, cost) in attempts.items():
                    _charge(self.trials[trial], number, cost)
            case events.EarlierTrial():
                self.known.append(event)
            case events.WorkBooked():
                self.booked.append(event)
            case events.SearchEnded(why=why):
                self.enough = why
            case events.FinalBegun(configs=configs):
                self.finalists = list(configs)
            case _:
                assert_never(event)

    @property
    def held(self) -> list[TrialHistory]:
        """The trials that a person paused, in the order in which they were asked for."""
        return [trial for trial in self.trials.values() if trial.is_held]

    @property
    def attempts(self) -> list[Attempt]:
        """Every attempt of every trial."""
        return [attempt for trial in self.trials.values() for attempt in trial.attempts]

    def _ask(self, event: events.TrialAsked) -> None:
        self.trials[event.trial] = TrialHistory(
            event.trial, event.number, event.config, event.seed, event.repeat, event.point, event.is_final_run
        )

    def _start(self, trial: TrialHistory, event: events.AttemptStarted) -> None:
        trial.state = State.RUNNING
        trial.answer = None
        trial.attempts.append(
            Attempt(
                event.trial,
                event.attempt,
                self.launches,
                granted=event.granted,
                waited=event.waited,
                **asdict(event.grant),
            )
        )

    def _end(self, trial: TrialHistory, event: events.AttemptEnded) -> None:
        trial.state, trial.outcome = event.outcome.state, event.outcome
        trial.ends.append(event.outcome)
        if trial.state.is_final:
            self.over.append(trial)
        for attempt in trial.attempts:
            if attempt.number == event.attempt:
                attempt.cost(*event.cost)
                attempt.ended = event.outcome.kind or event.outcome.state
                attempt.message = event.outcome.message
                self.settled.append(attempt)

    def _retry(self, trial: TrialHistory) -> None:
        trial.state, trial.outcome, trial.wish = State.WAITING, None, None
        trial.ends = [Outcome(State.WAITING, FailureKind.RETRIED)] * len(trial.ends)
        self.over = [each for each in self.over if each is not trial]
        self.closed = "retried"

    def _extend(self) -> None:
        """Let the search go on with a larger budget.

        Trials that were never promoted wait for a promotion again.
        """
        self.closed, self.enough, self.finalists = "extended", "", []
        for trial in self.over:
            if trial.outcome and trial.outcome.kind is FailureKind.UNPROMOTED:
                trial.state, trial.outcome = State.PAUSED, None
        self.over = [trial for trial in self.over if trial.state.is_final]

    def _set_clocks(self, clocks: events.Clocks) -> None:
        if clocks.wall is not None:
            self.wall_seconds = clocks.wall
        if clocks.capacity is not None:
            self.capacity_device_seconds = clocks.capacity
        if clocks.nodes is not None:
            self.capacity_by_node = clocks.nodes


def replay(log: Iterable[events.Event]) -> SweepHistory:
    """Return the history that the events of a log add up to."""
    history = SweepHistory()
    for event in log:
        history.apply(event)
    return history


def _decide(trial: TrialHistory, event: events.Decided) -> None:
    trial.answer = event.verdict
    trial.is_over_limit |= event.verdict.cause is Cause.LIMIT
    trial.verdicts.append((event.epoch, event.verdict))
    if event.cost is None:
        return
    attempt = _charge(trial, event.attempt, event.cost)
    if attempt is not None:
        attempt.reported(event.epoch, trial.last.checkpoint_epoch if trial.last else 0)


def _charge(trial: TrialHistory, number: int, cost: Reading) -> Attempt | None:
    """Take over what the running attempt has cost so far; return None where it does not run."""
    attempt = trial.attempts[-1] if trial.attempts else None
    if attempt is None or attempt.number != number or attempt.state is AttemptState.ENDED:
        return None
    attempt.cost(*cost)
    return attempt
