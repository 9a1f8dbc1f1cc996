"""This module puts a sweep's events into words, oldest first."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sweeper.launch.live_snapshot import moment_of
from sweeper.results.stored_sweep import reason_text
from sweeper.store.events import (
    AttemptEnded,
    AttemptStarted,
    Event,
    SweepClosed,
    SweepExtended,
    SweepLaunched,
    TrialRetried,
    TrialTested,
    TrialWished,
    WorkBooked,
)
from sweeper.store.history import SweepHistory
from sweeper.trackers.moment_lines import moment_line
from sweeper.trial import State
from sweeper.wording import device_text, plain, score_text


@dataclass
class Story:
    """Adds events to a history and says what each of them means; `feed` it in the record's order.

    With `only`, the id of a trial, it tells of that trial alone.
    """

    metric: str
    only: str = ""
    history: SweepHistory = field(default_factory=SweepHistory)
    seq: int = 0

    def feed(self, events: Iterable[Event]) -> Iterator[str]:
        """Yield a line for each event that deserves one."""
        for event in events:
            self.history.apply(event)
            self.seq = event.seq
            text = self._text(event) if self.only in ("", event.trial) else ""
            if text:
                yield f"{moment_text(event.at)}  {text}"

    def _text(self, event: Event) -> str:
        trial = self.history.trials.get(event.trial)
        if trial is None:
            return self._sweep_text(event)
        if isinstance(event, AttemptEnded) and trial.state is State.WAITING:
            outcome = trial.outcome
            parts = (outcome.kind.replace("_", " "), plain(outcome.message)) if outcome else ()
            why = ": ".join(part for part in parts if part)
            return f"trial {trial.number}  attempt {event.attempt} ended ({why}), waits for another"
        if isinstance(event, TrialRetried):
            return f"trial {trial.number}  somebody asked for another attempt"
        if isinstance(event, TrialWished):
            return (
                f"trial {trial.number}  {plain(event.by)} typed `sweeper {event.wish} --trial {trial.number}`"
            )
        if isinstance(event, TrialTested):
            scores = (f"{name} {score_text(name, score)}" for name, score in event.metrics.items())
            return f"trial {trial.number}  tested: {', '.join(scores)}"
        moment = moment_of(event, self.history)
        if moment is None:
            return ""
        line = moment_line(moment, self.metric)
        if isinstance(event, AttemptStarted):
            line += f"  on {trial.attempts[-1].node} ({trial.attempts[-1].device})"
        return line

    def _sweep_text(self, event: Event) -> str:
        match event:
            case SweepLaunched():
                return f"launch {self.history.launches} begins"
            case WorkBooked(what=what, device_seconds=seconds):
                return f"{plain(what)}: {seconds:.1f} s"
            case SweepExtended(changes=changes):
                return f"extended: {plain(', '.join(changes))}"
            case SweepClosed():
                held = device_text(
                    sum(attempt.device_seconds for attempt in self.history.attempts),
                    any(attempt.is_gpu for attempt in self.history.attempts),
                )
                return f"closed: {reason_text(self.history.closed)}, {held} billed so far"
            case _:
                return ""


def moment_text(at: float) -> str:
    """Return local date and time, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
