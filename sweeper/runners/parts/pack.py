"""Attempts that train as one on one device: each goes its own way from epoch to epoch, all train together."""

import contextlib
import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

from sweeper.runners.parts.run_attempt import DONE, failure, failure_caught
from sweeper.trial import Config, Outcome, Report, Trial

_log = logging.getLogger(__name__)

Said = tuple[str, dict[str, Any]]
"""An attempt, by its key, and a thing that it has to say, in values that JSON knows."""


class Part(Protocol):
    """What training together came to for one attempt, and the seconds of it that were its own."""

    @property
    def seconds(self) -> float:
        """Its own seconds; those of all add up to what it took."""
        ...


@runtime_checkable
class FusibleWorkload(Protocol):
    """A workload that trains an epoch of several trials as one."""

    def kind(self, config: Config, /) -> str:
        """Name what trials of one pack have in common; empty for one that must train alone."""
        ...

    def stages(self, trial: Trial, /) -> Generator[Any, Any]:
        """Go through an attempt: a report is for the sweep, anything else for `together`."""
        ...

    def together(self, epochs: Sequence[Any], /) -> Sequence[Part]:
        """Train an epoch of each, and return what is to be sent to each."""
        ...


@dataclass
class _Member:
    """An attempt; `due` is the epoch that it waits for, nothing before its first and after a report."""

    stages: Generator[Any, Any]
    due: Any = None


@dataclass
class Pack:
    """The attempts that share a device, by key. It decides nothing: who joins and who leaves, it is told.

    `seconds` are those of the last round, by key: what an attempt did alone, and its part of what was done
    for all of them together.
    """

    workload: FusibleWorkload
    clock: Callable[[], float] = time.monotonic
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    _members: dict[str, _Member] = field(default_factory=dict[str, _Member])

    @property
    def is_empty(self) -> bool:
        """Whether nobody is in it."""
        return not self._members

    def join(self, key: str, trial: Trial) -> None:
        """Let an attempt take part in the next round, in which it begins."""
        self._members[key] = _Member(self._stages(trial))

    def leave(self, key: str) -> None:
        """Close what the attempt holds; nothing where it has left already."""
        member = self._members.pop(key, None)
        with failure_caught() as failures:
            if member is not None:
                member.stages.close()
        for outcome in failures:
            _log.warning("an attempt that was ended did not close: %s", outcome.message)

    def dismiss(self, error: Exception) -> list[Said]:
        """Let everybody leave with this error."""
        self.seconds = {}
        return [(key, self._failed(key, failure(error))) for key in list(self._members)]

    def round(self) -> list[Said]:
        """Train the next epoch of each, and return what they have to say: a report, the end, or a failure.

        Nothing is trained as long as some have to say something before: their places may be for others.
        """
        self.seconds = {}
        said = [each for key in list(self._members) if (each := self._onwards(key)) is not None]
        if said or self.is_empty:
            return said
        began, keys = self.clock(), list(self._members)
        with failure_caught() as failures:
            parts = self.workload.together([self._members[key].due for key in keys])
            for key, part in zip(keys, parts, strict=True):
                self._spent(key, part.seconds)
            return [each for key, part in zip(keys, parts, strict=True) if (each := self._advance(key, part))]
        for key in keys:
            self._spent(key, (self.clock() - began) / len(keys))
        is_shared = len(keys) > 1 and not failures[0].kind.is_preemption
        return [(key, {**self._failed(key, failures[0]), "is_shared": is_shared}) for key in keys]

    def _stages(self, trial: Trial) -> Generator[Any, Any]:
        yield from self.workload.stages(trial)

    def _onwards(self, key: str) -> Said | None:
        return self._advance(key, None) if self._members[key].due is None else None

    def _advance(self, key: str, answer: Part | None) -> Said | None:
        """Let the attempt go on to its next epoch, its next report or its end."""
        member, began, item = self._members[key], self.clock(), None
        with failure_caught() as failures, contextlib.suppress(StopIteration):
            item = member.stages.send(answer)
        member.due = None if isinstance(item, Report) else item
        said: dict[str, Any] = {}
        if failures:
            said = self._failed(key, failures[0])
        elif isinstance(item, Report):
            said = {"report": asdict(item)}
        elif item is None:
            self.leave(key)
            said = DONE
        self._spent(key, self.clock() - began)
        return (key, said) if said else None

    def _failed(self, key: str, outcome: Outcome) -> dict[str, Any]:
        self.leave(key)
        return {"failure": asdict(outcome)}

    def _spent(self, key: str, seconds: float) -> None:
        self.seconds[key] = self.seconds.get(key, 0.0) + seconds
