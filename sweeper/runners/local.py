"""This runner trains one trial at a time in this process: for debugging, and where Ray is too much."""

import time
from collections.abc import Callable

from sweeper.runners import Pulse, Runner, Workload, runner
from sweeper.runners.parts.packs import FusibleWorkload, Packs
from sweeper.runners.parts.run_attempt import CANCELLED, run_here
from sweeper.runners.parts.tick import Cancelled, watched
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
            Packs(sweep, workload, pulse, held, fuse, say).drive()
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
