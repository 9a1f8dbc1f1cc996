"""A pack in a worker process: what it is told, and what it answers, step by step."""

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sweeper.runners.parts.energy import EnergyMeter
from sweeper.runners.parts.leaks import Leaks
from sweeper.runners.parts.notice import Notice, told_to_leave
from sweeper.runners.parts.pack import FusibleWorkload, Pack, Said
from sweeper.runners.parts.run_attempt import failure_caught
from sweeper.runners.parts.versions import refuse_skew, versions_here
from sweeper.trial import Trial


@dataclass(frozen=True)
class Join:
    """An attempt joins the pack, by this key; the answer names the device, or says what is against it."""

    key: str
    trial: Trial


@dataclass(frozen=True)
class Leave:
    """An attempt leaves the pack, because it was stopped; nobody answers."""

    key: str


@dataclass(frozen=True)
class Round:
    """An epoch of each is trained; the answer is what they say, and whose time it took."""


@dataclass(frozen=True)
class RoundAnswer:
    """What members have to say after a round, and the seconds of it that are each one's own."""

    said: Sequence[Said]
    seconds: Mapping[str, float]


@dataclass
class PackTalk:
    """Speaks for the pack of one worker, as `AttemptTalk` does for one attempt.

    Whether the worker is fit for more is looked at whenever the pack is empty. What the devices drew in a
    round is its members', as the round's seconds are.
    """

    workload: FusibleWorkload
    device: Callable[[], Mapping[str, Any]]
    versions: Mapping[str, str]
    leaks: Leaks
    notice: Notice
    _pack: Pack = field(init=False)
    _energy: EnergyMeter | None = None
    _joules: dict[str, float] = field(default_factory=dict[str, float])
    _read: float | None = None

    def __post_init__(self) -> None:
        """Begin without a member."""
        self._pack = Pack(self.workload)

    def leave(self, key: str) -> None:
        """Close what an attempt holds."""
        self._pack.leave(key)
        self.notice.has_attempt = not self._pack.is_empty

    def round(self) -> RoundAnswer:
        """Train an epoch of each; after a notice all of them leave."""
        if self.notice.is_given:
            said = self._pack.dismiss(told_to_leave())
        else:
            with self.notice.training():
                said = self._pack.round()
        self._share_joules()
        self.notice.has_attempt = not self._pack.is_empty
        return RoundAnswer([(key, each | self._drawn(key)) for key, each in said], self._pack.seconds)

    def join(self, key: str, trial: Trial) -> Sequence[dict[str, Any]]:
        """Begin an attempt, and name the device; or say why the worker is not fit for it."""
        if self._pack.is_empty:
            unfit = "it was told to end" if self.notice.is_given else self.leaks.found()
            if unfit:
                return [{"unfit": unfit}]
            self._energy = EnergyMeter.of(self.device()["gpus"])
            self._read = self._energy.joules() if self._energy else None
        device = {"device": {**self.device(), "gpu_uuids": self._energy.uuids if self._energy else ()}}
        with failure_caught() as failures:
            refuse_skew(self.versions, versions_here(), socket.gethostname())
            self._pack.join(key, trial)
            self._joules[key] = 0.0
            self.notice.has_attempt = True
        return [device, *({"failure": asdict(failure)} for failure in failures)]

    def _share_joules(self) -> None:
        """Share what the devices drew since the last look among those that they worked for."""
        before, self._read = self._read, self._energy.joules() if self._energy else None
        whole = sum(self._pack.seconds.values())
        if before is None or self._read is None or not whole:
            return
        for key, seconds in self._pack.seconds.items():
            self._joules[key] += (self._read - before) * seconds / whole

    def _drawn(self, key: str) -> dict[str, Any]:
        return {"joules": None if self._read is None else self._joules[key]}
