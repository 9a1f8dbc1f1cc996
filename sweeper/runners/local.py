"""This runner trains one trial at a time in this process: for debugging, and where Ray is too much."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners.parts.pack import FusibleWorkload, Pack, Said
from sweeper.runners.parts.packs import Packs
from sweeper.runners.parts.run_attempt import CANCELLED, outcome_after, run_here
from sweeper.runners.parts.tick import Cancelled, ticking, watched
from sweeper.store.attempt import Grant
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Decision, Outcome, Report, Trial

HELD_SECONDS = 0.1


@runner("local")
def local(
    *, grant: Grant | None = None, fuse: int = 1, say: Callable[[str], None] = lambda text: None
) -> Runner:
    """Runs trials one after the other, or up to `fuse` as one; a request to cancel ends the running epoch."""

    def drive(sweep: Sweep, workload: Workload, pulse: Pulse) -> None:
        held = grant or Grant()
        sweep.meter.hold(held.share)
        if fuse > 1 and isinstance(workload, FusibleWorkload):
            here = _Here(sweep, pulse, held, Pack(workload))
            Packs(sweep, workload, here, here, fuse, say).drive()
            sweep.meter.hold(0)
            return
        while not pulse():
            trial = sweep.ask()
            if trial is None:
                if sweep.is_done or not sweep.held:
                    break
                time.sleep(HELD_SECONDS)
                continue
            sweep.on_start(trial.id, held)
            sweep.tell(trial.id, _run(sweep, workload, pulse, trial))
        sweep.meter.hold(0)

    return drive


def _run(sweep: Sweep, workload: Workload, pulse: Pulse, trial: Trial) -> Outcome:
    is_cut_short = False

    def report(item: Report) -> Decision:
        nonlocal is_cut_short
        decision = sweep.report(trial.id, item)
        is_cut_short = pulse() and decision is Decision.CONTINUE
        return Decision.PAUSE if is_cut_short else decision

    try:
        outcome = run_here(watched(workload, pulse), trial, report)
    except Cancelled:
        return CANCELLED
    return CANCELLED if is_cut_short else outcome


@dataclass
class _Here:
    """Desk and host of packs that train in this process."""

    sweep: Sweep
    pulse: Pulse
    grant: Grant
    pack: Pack
    is_cancelled: bool = False
    _held: dict[str, Trial] = field(default_factory=dict[str, Trial])

    def tick(self) -> None:
        if self.pulse():
            self._cancel()

    def ask(self, key: str) -> Trial | None:
        trial = self.sweep.ask()
        if trial is not None:
            self._held[key] = trial
        return trial

    def holds(self, key: str) -> bool:
        return key in self._held

    def join(self, key: str, trial: Trial, places: int) -> None:
        share = self.grant.share / places
        self.sweep.on_start(trial.id, dataclasses.replace(self.grant, share=share, places=places))
        self.pack.join(key, trial)

    def round(self) -> Sequence[Said]:
        try:
            with ticking(self.pulse):
                said = self.pack.round()
        except Cancelled:
            self._cancel()
            return ()
        self.sweep.divide({self._held[key].id: seconds for key, seconds in self.pack.seconds.items()})
        return said

    def leave(self, key: str) -> None:
        self.pack.leave(key)

    def result(self, key: str, said: dict[str, Any]) -> None:
        decision = Decision.CONTINUE
        if "report" in said:
            trial = self._held[key]
            decision = self.sweep.report(trial.id, Report(**said["report"]), trial.attempt)
        if "failure" in said:
            self._tell(key, Outcome.restored(said["failure"]))
        elif "report" not in said or decision is not Decision.CONTINUE:
            self._tell(key, outcome_after(decision))

    def _tell(self, key: str, outcome: Outcome) -> None:
        trial = self._held.pop(key)
        self.sweep.tell(trial.id, outcome, trial.attempt)

    def _cancel(self) -> None:
        self.is_cancelled = True
        for key in list(self._held):
            self.pack.leave(key)
            self._tell(key, CANCELLED)
