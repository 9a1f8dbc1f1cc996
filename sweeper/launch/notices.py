"""This module decides what of a running sweep is worth a word to people who do not watch it."""

import math
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sweeper.config.user_config import NoticeKind, NotifySpec
from sweeper.trackers.moment_lines import status_line
from sweeper.trackers.notifier import MOST_CHARACTERS, Message, Notifier
from sweeper.trackers.snapshot import Snapshot
from sweeper.trial import State
from sweeper.wording import duration_text, plain, redacted, score_text

PARTING_SECONDS = 5.0
"""What telling of the end may take, before the process ends."""


@dataclass
class Notices:
    """Compares each snapshot with what was told. What was so when the launch began is no news."""

    spec: NotifySpec
    notifier: Notifier
    clock: Callable[[], float] = time.monotonic
    _sweep: str = ""
    _best: float | None = None
    _best_at: float = -math.inf
    _has_told_failures: bool = False
    _spent: set[tuple[str, float]] = field(default_factory=set[tuple[str, float]])
    _sums: tuple[int, int] = (-1, -1)
    _changed_at: float = 0.0
    _is_stalled: bool = False
    _last: Snapshot | None = None

    def update(self, snapshot: Snapshot) -> list[str]:
        """Tell what is new, and return what could not be told; the driver calls it twice a second."""
        if self._last is None:
            self._begin(snapshot)
        self._last = snapshot
        self._look_at_best(snapshot)
        self._look_at_failures(snapshot)
        self._look_at_budgets(snapshot)
        self._look_for_life(snapshot)
        return self.notifier.problems()

    def end(self, why: str) -> list[str]:
        """Tell how the launch ended, and wait a few seconds at most until that is out."""
        standing = f" ({status_line(replace(self._last, eta_seconds=None))})" if self._last else ""
        self._tell("end", f"ended: {why}{standing}")
        self.notifier.close(PARTING_SECONDS)
        return self.notifier.problems()

    def _begin(self, snapshot: Snapshot) -> None:
        self._sweep = plain(snapshot.sweep)
        self._best = snapshot.best.score if snapshot.best else None
        self._has_told_failures = snapshot.states.get(State.FAILED, 0) >= self.spec.failures
        self._spent = self._reached(snapshot)
        self._tell("start", f"runs on {socket.gethostname()} ({status_line(snapshot)})")

    def _look_at_best(self, snapshot: Snapshot) -> None:
        best, now = snapshot.best, self.clock()
        if best is None or best.score is None or now - self._best_at < 60 * self.spec.best_minutes:
            return
        sign = 1 if snapshot.is_maximized else -1
        if self._best is None or sign * best.score > sign * self._best:
            self._best, self._best_at = best.score, now
            score = score_text(snapshot.metric, best.score)
            which = f"trial {best.number}, epoch {best.epoch}  {best.label}"
            self._tell("best", f"new best {snapshot.metric} {score} ({which})")

    def _look_at_failures(self, snapshot: Snapshot) -> None:
        failed = snapshot.states.get(State.FAILED, 0)
        if failed >= self.spec.failures and not self._has_told_failures:
            self._has_told_failures = True
            self._tell("failures", f"{failed} trials failed: `sweeper status {snapshot.sweep}` says why")

    def _look_at_budgets(self, snapshot: Snapshot) -> None:
        new = self._reached(snapshot) - self._spent
        self._spent |= new
        for name in sorted({name for name, _ in new}):
            most = max(share for other, share in new if other == name)
            self._tell("budget", f"{100 * most:.0f} % of {name} are used ({status_line(snapshot)})")

    def _reached(self, snapshot: Snapshot) -> set[tuple[str, float]]:
        used = snapshot.budgets.items()
        return {(name, share) for name, spent in used for share in self.spec.budget if spent >= share}

    def _look_for_life(self, snapshot: Snapshot) -> None:
        sums, now = (snapshot.reports, snapshot.finished), self.clock()
        if sums != self._sums:
            self._sums, self._changed_at, self._is_stalled = sums, now, False
        elif now - self._changed_at >= 60 * self.spec.stalled_minutes and not self._is_stalled:
            self._is_stalled = True
            silent = duration_text(now - self._changed_at)
            self._tell("stalled", f"no trial has reported for {silent} ({status_line(snapshot)})")

    def _tell(self, kind: NoticeKind, text: str) -> None:
        if kind in self.spec.on:
            said = redacted(plain(f"{self._sweep}: {text}"))[:MOST_CHARACTERS]
            self.notifier.send(Message(self._sweep, kind, said))
