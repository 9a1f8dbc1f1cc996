"""Trials of one kind train as one on one device; to the sweep each is an attempt of its own."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from sweeper.runners import Pulse
from sweeper.runners.parts.run_attempt import CANCELLED, failure_caught, outcome_after
from sweeper.runners.parts.tick import Cancelled, ticking
from sweeper.store.attempt import Grant
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Config, Decision, Outcome, Report, Trial

HELD_SECONDS = 0.1


@runtime_checkable
class FusibleWorkload(Protocol):
    """A workload that trains an epoch of several trials as one."""

    def kind(self, config: Config, /) -> str:
        """Name what trials of one pack have in common; empty for one that must train alone."""
        ...

    def stages(self, trial: Trial, share: float, /) -> Generator[Any, Any]:
        """Go through an attempt: a report is for the sweep, anything else for `together`."""
        ...

    def together(self, epochs: Sequence[Any], /) -> Sequence[Any]:
        """Train an epoch of each, and return what is to be sent to each."""
        ...


@dataclass
class _Member:
    """A trial of the pack; `due` is what its attempt waits for: an epoch, or nothing after a report."""

    trial: Trial
    stages: Generator[Any, Any]
    due: Any = None


@dataclass
class Packs:
    """Runs one pack after the other, each of the kind of the trial that has waited longest.

    A pack has as many places as trials of its kind were there when it began; each place holds an equal share
    of the device. When a trial leaves, the next of its kind takes its place. As many trials as a pack holds
    are asked for beside it, so that there is a choice of kinds.
    """

    sweep: Sweep
    workload: FusibleWorkload
    pulse: Pulse
    grant: Grant
    size: int
    say: Callable[[str], None]
    _waiting: list[tuple[str, Trial]] = field(default_factory=list[tuple[str, Trial]])
    _members: list[_Member] = field(default_factory=list[_Member])
    _kind: str = ""
    _places: int = 0
    _is_cancelled: bool = False
    _has_said_alone: bool = False

    def drive(self) -> None:
        """Run what the sweep gives; end where it is done or the pulse says so."""
        while not (self._is_cancelled or self.pulse()):
            self._ask()
            self._fill()
            if self._members:
                self._round()
            elif self.sweep.is_done or not self.sweep.held:
                break
            else:
                time.sleep(HELD_SECONDS)
        for member in list(self._members):
            self._leave(member, CANCELLED)
        for _, trial in self._waiting:
            self.sweep.tell(trial.id, CANCELLED, trial.attempt)

    def _ask(self) -> None:
        while len(self._waiting) < self.size and len(self._waiting) + len(self._members) < 2 * self.size:
            trial = self.sweep.ask()
            if trial is None:
                return
            self._waiting.append((self.workload.kind(trial.config), trial))

    def _fill(self) -> None:
        """Give free places to trials that wait; an empty pack becomes one of another kind."""
        if not self._members and self._waiting:
            self._kind = self._waiting[0][0]
            alike = sum(kind == self._kind for kind, _ in self._waiting)
            self._places = min(self.size, alike) if self._kind else 1
            if not self._kind and not self._has_said_alone:
                self._has_said_alone = True
                number = self._waiting[0][1].number
                self.say(
                    f"trial {number} trains alone: compiled, on cached features, or with batch_size: auto"
                )
        for each in list(self._waiting):
            if len(self._members) < self._places and each[0] == self._kind:
                self._waiting.remove(each)
                self._begin(each[1])
                if not self._kind:
                    return

    def _begin(self, trial: Trial) -> None:
        share = 1 / self._places
        self.sweep.on_start(trial.id, dataclasses.replace(self.grant, share=self.grant.share * share))
        with failure_caught() as failures:
            self._members.append(_Member(trial, self.workload.stages(trial, share)))
        for outcome in failures:
            self.sweep.tell(trial.id, outcome, trial.attempt)

    def _round(self) -> None:
        """Bring each member to its next epoch, train these as one, and pass on what is reported."""
        try:
            for member in list(self._members):
                while member in self._members and member.due is None:
                    self._advance(member, None)
            if not self._members:
                return
            answers = self._trained()
            for member, answer in zip(list(self._members), answers, strict=True):
                member.due = None
                self._advance(member, answer)
        except Cancelled:
            self._is_cancelled = True

    def _advance(self, member: _Member, answer: Any) -> None:
        """Let the attempt go on to its next epoch, its next report or its end."""
        item: Any = outcome_after(Decision.CONTINUE)
        with failure_caught() as failures, ticking(self.pulse), contextlib.suppress(StopIteration):
            item = member.stages.send(answer)
        item = failures[0] if failures else item
        if isinstance(item, Outcome):
            self._leave(member, item)
        elif isinstance(item, Report):
            decision = self.sweep.report(member.trial.id, item, member.trial.attempt)
            if decision is not Decision.CONTINUE:
                self._leave(member, outcome_after(decision))
        else:
            member.due = item

    def _trained(self) -> Sequence[Any]:
        """Return what each member is to be sent; where that fails, it fails for all."""
        answers: Sequence[Any] = ()
        with failure_caught() as failures, ticking(self.pulse):
            answers = self.workload.together([member.due for member in self._members])
        for outcome in failures:
            for member in list(self._members):
                self._leave(member, outcome)
        return answers

    def _leave(self, member: _Member, outcome: Outcome) -> None:
        """End the attempt; what it holds is closed before the sweep hears of it."""
        self._members.remove(member)
        with failure_caught() as failures:
            member.stages.close()
        self.sweep.tell(member.trial.id, failures[0] if failures else outcome, member.trial.attempt)
