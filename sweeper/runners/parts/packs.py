"""Trials of one kind train as one on one device; to the sweep each is an attempt of its own."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sweeper.runners.parts.pack import FusibleWorkload, Said
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Trial

HELD_SECONDS = 0.1


class Desk(Protocol):
    """What stands between attempts and the sweep: an `AttemptTracker`, or less in a process of one device."""

    @property
    def is_cancelled(self) -> bool:
        """Whether everything has ended on request."""
        ...

    def tick(self) -> None:
        """Do the driver's work between rounds."""
        ...

    def ask(self, key: str) -> Trial | None:
        """Return an attempt, which goes by that key from now on; None where there is none for the moment."""
        ...

    def result(self, key: str, said: dict[str, Any]) -> object:
        """Pass on what the attempt has to say."""
        ...

    def holds(self, key: str) -> bool:
        """Say whether the attempt has not ended yet."""
        ...


class Host(Protocol):
    """Where a pack trains. It tells the desk what becomes of attempts that are lost with it."""

    def join(self, key: str, trial: Trial, places: int) -> None:
        """Begin an attempt, which has one of so many places on the device."""
        ...

    def round(self) -> Sequence[Said]:
        """Train an epoch of each member, and return what they have to say."""
        ...

    def leave(self, key: str) -> None:
        """Close what a member holds that has been told to end; nothing for one that has left by itself."""
        ...


@dataclass
class Packs:
    """Runs one pack after the other, each of the kind of the trial that has waited longest.

    A pack has as many places as trials of its kind were there when it began. When a trial leaves, the next
    of its kind takes its place. As many trials as a pack holds are asked for beside it, so that there is a
    choice of kinds. A trial whose pack failed or was lost as a whole is tried alone from then on.
    """

    sweep: Sweep
    workload: FusibleWorkload
    desk: Desk
    host: Host
    size: int
    say: Callable[[str], None]
    _waiting: list[tuple[str, str, Trial]] = field(default_factory=list[tuple[str, str, Trial]])
    _members: dict[str, str] = field(default_factory=dict[str, str])
    _kind: str = ""
    _places: int = 0
    _suspects: set[str] = field(default_factory=set[str])
    _has_said_alone: bool = False
    _asked: int = 0

    def drive(self) -> None:
        """Run what the sweep gives; end where it is done or was cancelled."""
        while True:
            self.desk.tick()
            if self.desk.is_cancelled:
                return
            self._ask()
            self._fill()
            if self._members:
                self._round()
            elif not self._waiting:
                if self.sweep.is_done or not self.sweep.held:
                    return
                time.sleep(HELD_SECONDS)

    def _ask(self) -> None:
        while len(self._waiting) < self.size and len(self._waiting) + len(self._members) < 2 * self.size:
            key = str(self._asked)
            trial = self.desk.ask(key)
            if trial is None:
                return
            self._asked += 1
            kind = "" if trial.id in self._suspects else self.workload.kind(trial.config)
            self._waiting.append((kind, key, trial))

    def _fill(self) -> None:
        """Give free places to trials that wait; an empty pack becomes one of another kind."""
        if not self._members and self._waiting:
            self._kind = self._waiting[0][0]
            alike = sum(kind == self._kind for kind, *_ in self._waiting)
            self._places = min(self.size, alike) if self._kind else 1
            self._say_alone(self._waiting[0][2])
        for each in list(self._waiting):
            kind, key, trial = each
            if kind == self._kind and len(self._members) < self._places and each in self._waiting:
                self._waiting.remove(each)
                self._members[key] = trial.id
                self.host.join(key, trial, self._places)
                self._forget_ended()

    def _say_alone(self, trial: Trial) -> None:
        if self._kind or self._has_said_alone:
            return
        self._has_said_alone = True
        why = "compiled, on cached features, or with batch_size: auto"
        if trial.id in self._suspects:
            why = "the pack that it was in failed or was lost as a whole"
        self.say(f"trial {trial.number} trains alone: {why}")

    def _round(self) -> None:
        """Train an epoch of each as one, and pass on what is reported."""
        before, answered = dict(self._members), set[str]()
        for key, said in self.host.round():
            if not said.get("is_shared"):
                answered.add(key)
            self.desk.result(key, said)
            if not self.desk.holds(key):
                self.host.leave(key)
        self._forget_ended()
        if len(before) > 1:  # the pack failed, or was lost with its process
            gone = [key for key in before if key not in self._members and key not in answered]
            self._suspects.update(before[key] for key in gone)

    def _forget_ended(self) -> None:
        self._members = {key: trial for key, trial in self._members.items() if self.desk.holds(key)}
        self._waiting = [each for each in self._waiting if self.desk.holds(each[1])]
