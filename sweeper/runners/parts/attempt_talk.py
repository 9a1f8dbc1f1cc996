"""This module says step by step how an attempt goes: the same in a Ray actor and in a process of our own."""

import socket
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sweeper.runners import Workload
from sweeper.runners.parts.energy import EnergyMeter
from sweeper.runners.parts.leaks import Leaks
from sweeper.runners.parts.notice import Notice, told_to_leave
from sweeper.runners.parts.run_attempt import DONE, failure_caught
from sweeper.runners.parts.versions import refuse_skew, versions_here
from sweeper.trial import Trial


@dataclass
class AttemptTalk:
    """Reports for one worker, whose attempts come one after the other, in values that JSON knows.

    It first names the device, or says that this worker is unfit for another attempt; then come reports, and
    last that the attempt is done or has failed. A worker whose attempt failed is to be replaced. `device`
    says what the worker holds, and `versions` what software it must have.
    """

    workload: Workload
    device: Callable[[], Mapping[str, Any]]
    versions: Mapping[str, str]
    leaks: Leaks
    notice: Notice
    has_failed: bool = False
    _items: Generator[dict[str, Any]] | None = None

    def begin(self, trial: Trial) -> None:
        """Begin another attempt, once the one before it has closed what it holds."""
        self.end()
        self.has_failed = False
        self.notice.has_attempt = True
        self._items = self._say(trial)

    def next(self) -> dict[str, Any]:
        """Return the next thing that the attempt has to say, which takes an epoch."""
        if self._items is None or self.has_failed:
            raise RuntimeError("the attempt failed: this worker is to be replaced")
        with self.notice.training():
            said = next(self._items)
        self.has_failed = "failure" in said
        return said

    def end(self) -> None:
        """Close what the attempt holds, because it was stopped."""
        if self._items is not None:
            self._items.close()
        self._items = None
        self.notice.has_attempt = False

    def _say(self, trial: Trial) -> Generator[dict[str, Any]]:
        unfit = "it was told to end" if self.notice.is_given else self.leaks.found()
        if unfit:
            yield {"unfit": unfit}
            return
        device = self.device()
        energy = EnergyMeter.of(device["gpus"])
        yield {"device": {**device, "gpu_uuids": energy.uuids if energy else ()}}
        with failure_caught() as failures:
            refuse_skew(self.versions, versions_here(), socket.gethostname())
            for report in self.workload(trial):
                yield {"report": asdict(report)} | _drawn(energy)
                if self.notice.is_given:
                    raise told_to_leave()
        for outcome in failures:
            yield {"failure": asdict(outcome)} | _drawn(energy)
            return
        yield DONE | _drawn(energy)


def _drawn(energy: EnergyMeter | None) -> dict[str, Any]:
    return {"joules": energy.joules() if energy else None}
