"""This module runs what is left of a sweep to its end: its images, its trials, its final test."""

import contextlib
from dataclasses import dataclass
from functools import partial

from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.launch.build_runner import equipment_of
from sweeper.launch.create import create, new_folder
from sweeper.launch.draft import Draft
from sweeper.launch.driver import Announcer, Driver, Ending
from sweeper.launch.final_test import score_chosen
from sweeper.launch.prepare_images import prepare_images
from sweeper.launch.tracking import sender_of
from sweeper.plan.plan import Plan
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trackers.console import open_console

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Launch:
    """A sweep that is about to run, new or resumed: its file, its folder, and how it is to run."""

    spec: SweepSpec
    record: Record
    paths: SweepPaths
    plan: Plan
    options: RunOptions


def launch_new(planned: Draft, options: RunOptions) -> Ending:
    """Make the folder of a new sweep and run it; if no trial of it begins, the folder is removed again."""
    spec, paths = planned.spec, SweepPaths.of(planned.spec.name)
    with new_folder(paths):
        record = create(spec, paths, planned.plan, planned.known, planned.quote.to_json(), options.prices)
        return drive(Launch(spec, record, paths, planned.plan, options))


def drive(launch: Launch) -> Ending:
    """Run what is left of the sweep, and close its record. The caller holds the lease."""
    try:
        return _driven(launch)
    except KeyboardInterrupt:
        # before the trials began, or the third time: nobody was left to close the record
        return Ending(INTERRUPTED, "SIGINT", 0)


def _driven(launch: Launch) -> Ending:
    spec, record, paths = launch.spec, launch.record, launch.paths
    options = launch.options
    console = open_console(spec.objective.metric, is_quiet=options.is_quiet)
    sender = sender_of(spec, record, paths)
    plan = launch.plan
    equipment = equipment_of(spec, paths, options, console.note, plan.facts.digest, plan.packing.size)
    with contextlib.closing(record), contextlib.closing(equipment):
        refusal = launch.plan.refusal(spec)
        sweep = Sweep(spec, record, clock=equipment.clock, validate_config=refusal)
        training = equipment.training
        if training:
            prepare_images(sweep, launch.plan, console.note)
            training.leave_mark()
        driver = Driver(sweep, record, paths, console, sender, options)
        sweep.listen(driver.on_event)
        sweep.listen(Announcer(spec, console.note))
        if sweep.history.known:
            names = ", ".join(dict.fromkeys(each.sweep for each in sweep.history.known))
            console.note(f"the search begins with {len(sweep.history.known)} results of {names}")
        for line in launch.plan.memory:
            console.note(line)
        if launch.plan.start:
            console.note(f"start: {launch.plan.start.said()}")
        test = partial(score_chosen, sweep, training, equipment.compute) if training else lambda: None
        with driver.in_charge():
            equipment.runner(sweep, equipment.workload, driver.pulse)
            driver.conclude(test)
        return driver.finish()
