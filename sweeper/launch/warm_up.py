"""A worker starts while the sweep is planned: it loads torch beside the driver and not after it."""

import contextlib
import math
from collections.abc import Generator
from dataclasses import replace

from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.launch.choose_runner import with_runner
from sweeper.runners.parts.this_machine import visible_gpus
from sweeper.runners.parts.worker_process import WorkerLost, WorkerProcess

NEEDED = ("sweeper.training.trial_workload", "torch._dynamo")
"""What every trial needs; the second is loaded by the first optimizer that is made."""


@contextlib.contextmanager
def warming(spec: SweepSpec, options: RunOptions, *, is_wanted: bool = True) -> Generator[RunOptions]:
    """The options with the runner that fits and, where that has one worker, the worker.

    The worker ends with the block, whatever becomes of the plan.
    """
    chosen = with_runner(spec, options)
    if chosen.runner != "subprocess" or not is_wanted:
        yield chosen
        return
    worker = WorkerProcess()
    try:
        with contextlib.suppress(WorkerLost):  # the trial that finds no room for one says so
            worker.start(visible_gpus()[: math.ceil(spec.resources.gpu)])
            worker.load(*NEEDED)
        yield replace(chosen, worker=worker)
    finally:
        worker.kill()
