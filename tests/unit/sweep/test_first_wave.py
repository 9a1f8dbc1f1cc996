"""A budget holds from the first device-second on: before anybody has reported, the quote's pace is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeper.cost import Overheads
from sweeper.plan.simulate import NullEventLog
from sweeper.plan.simulated_quote import simulated_quote
from sweeper.runners import runner
from sweeper.runners.parts.synthetic_curves import SyntheticCurves
from sweeper.runners.simulated import VirtualClock
from sweeper.store.account import COVERED, EVERYTHING
from sweeper.store.attempt import Grant
from sweeper.store.events import AttemptStarted
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report, State

SEVERAL = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCHEDULERS = [
    {"type": "none"},
    {"type": "asha", "grace": 1},
    {"type": "asha", "grace": 2, "kind": "promote"},
    {"type": "asha", "resource": "device_seconds", "grace": 15, "max": 200},
]
CLOSE = 1.05
"""The pace of a configuration that has not run is known to a few percent, in a quote as well as from
others."""
USD = 2.0
"""An hour of a device."""
MOST = 10.0 * 1.25
"""Device-seconds of the dearest epoch of these curves."""


def run(spec, workers, *, has_quote=True, wrong=1.0, share=1.0, overheads=None, caution=1.0):
    """A simulated sweep; every epoch takes `wrong` times what the quote says."""
    clock, beside = VirtualClock(), overheads or Overheads()
    curves = SyntheticCurves(spec.space, spec.train.epochs, spec.objective.metric, 3)
    grant = Grant("n", "virtual", True, share, USD)
    meta = {"sweep_id": "s", COVERED: EVERYTHING}
    if has_quote:
        meta["quote"] = replace(simulated_quote(spec, curves, grant, beside), caution=caution).to_json()

    def late(trial):
        for report in curves(trial):
            seconds = wrong * report.device_seconds
            yield Report(report.epoch, report.score, seconds, report.metrics, report.checkpoint)

    sweep = Sweep(spec, NullEventLog(meta), clock=clock)
    sweep.began = []
    sweep.listen(
        lambda event, _: sweep.began.append(clock.now) if isinstance(event, AttemptStarted) else None
    )
    runner["simulated"](clock=clock, workers=workers, grant=grant, overheads=beside)(
        sweep, late, lambda: False
    )
    sweep.close()
    return sweep


def spent(sweep, limit):
    """What the limit covers, as a share of it."""
    sums, budget = sweep.totals, sweep.spec.budget
    return {
        "gpu_hours": lambda: sums.billed / 3600 / budget.gpu_hours,
        "usd": lambda: sums.capacity / 3600 * USD / budget.usd,
        "wall_hours": lambda: sweep.meter.wall() / 3600 / budget.wall_hours,
    }[limit]()


def sized(limit, epochs, workers):
    """The limit in its own unit, for so many of the dearest epochs on one device."""
    seconds = epochs * MOST
    return {"gpu_hours": seconds / 3600, "usd": seconds * USD / 3600, "wall_hours": seconds / 3600}[limit]


@pytest.mark.slow(reason="eight sweeps of up to 150 trials each")
@pytest.mark.parametrize("limit", ["gpu_hours", "usd", "wall_hours"])
@SEVERAL
@given(seed=st.integers(0, 2**32))
def test_no_limit_is_exceeded_however_many_workers_wait_for_work(toy_spec, limit, seed):
    random = np.random.default_rng(seed)
    workers, share = int(random.integers(1, 129)), float(random.choice([0.25, 0.5, 1.0]))
    value = sized(limit, float(random.uniform(0.3, 60)) * (workers if limit == "usd" else 1), workers)
    scheduler = SCHEDULERS[int(random.integers(len(SCHEDULERS)))]
    beside = Overheads(attempt=float(random.uniform(0, 3)))
    spec = toy_spec(scheduler=scheduler, budget={limit: value, "trials": 150})
    sweep = run(spec, workers, share=share, overheads=beside)
    assert spent(sweep, limit) <= CLOSE


@pytest.mark.parametrize("limit", ["gpu_hours", "usd"])
def test_without_a_quote_one_trial_finds_out_what_an_epoch_takes(toy_spec, limit):
    spec = toy_spec(scheduler={"type": "none"}, budget={limit: sized(limit, 640, 64), "trials": 400})
    sweep = run(spec, 64, has_quote=False)
    assert sweep.began[1] > sweep.began[0] == 0.0
    assert spent(sweep, limit) <= CLOSE
    assert len(sweep.began) > 64


def test_the_first_wave_is_as_large_as_fits(toy_spec):
    """0.02 device-hours are 72 s: 64 workers spent six times that."""
    spec = toy_spec(scheduler={"type": "asha", "grace": 1}, budget={"gpu_hours": 0.02, "trials": 400})
    sweep = run(spec, 64)
    first = sum(moment == 0.0 for moment in sweep.began)
    assert 5 <= first < 64, "an epoch takes 2 to 12 s"
    assert 0.8 < spent(sweep, "gpu_hours") <= CLOSE


def test_a_quote_that_is_half_of_the_truth_is_found_out_at_the_first_reports(toy_spec):
    for limit in ("gpu_hours", "usd"):
        spec = toy_spec(scheduler={"type": "none"}, budget={limit: sized(limit, 400, 1), "trials": 400})
        sweep = run(spec, 16, wrong=2.0)
        assert spent(sweep, limit) <= 1.1


def test_a_first_trial_runs_where_it_fits_at_the_fastest_reading_of_an_unsure_quote(toy_spec):
    """Read cautiously nothing fits, and a sweep that the launch has let pass would end without a trial."""
    spec = toy_spec(scheduler={"type": "none"}, budget={"gpu_hours": sized("gpu_hours", 9, 1), "trials": 9})
    sweep = run(spec, 4, caution=2.0)
    assert sweep.began.count(0.0) == 1
    assert 0.3 < spent(sweep, "gpu_hours") <= CLOSE


def test_the_price_is_the_quotes_before_the_first_bill(toy_spec):
    """The money set aside was 0 until somebody had been billed, so that every worker began."""
    spec = toy_spec(scheduler={"type": "none"}, budget={"usd": sized("usd", 20, 1), "trials": 400})
    assert len(run(spec, 64).began) == 0, "64 devices cost more until one trial has ended"
    assert len(run(spec, 1).began) > 0


@pytest.mark.parametrize("limit", ["gpu_hours", "usd", "wall_hours"])
def test_the_local_runner_keeps_to_a_limit_that_lasts_for_a_few_epochs(toy_spec, limit):
    asha = {"type": "asha", "grace": 1}
    spec = toy_spec(scheduler=asha, budget={limit: sized(limit, 2.5, 1), "trials": 40})
    clock, grant = VirtualClock(), Grant("n", "virtual", True, 1.0, USD)
    curves = SyntheticCurves(spec.space, spec.train.epochs, spec.objective.metric, 3)
    quote = simulated_quote(spec, curves, grant, Overheads()).to_json()
    sweep = Sweep(spec, NullEventLog({"sweep_id": "s", COVERED: EVERYTHING, "quote": quote}), clock=clock)

    def trained(trial):
        before = 0.0
        for report in curves(trial):
            clock.now += report.device_seconds - before
            before = report.device_seconds
            yield report

    runner["local"](grant=grant)(sweep, trained, lambda: False)
    sweep.close()
    assert 0.0 < spent(sweep, limit) <= CLOSE


def test_a_trial_that_patience_ends_with_its_report_is_not_paused_for_an_epoch_that_never_comes(make_rig):
    """It was paused for the budget at its last report, and had one attempt more."""

    def stale(trial):
        yield from (Report(epoch, score, float(epoch)) for epoch, score in ((1, 0.5), (2, 0.4), (3, 0.5)))

    rig = make_rig(
        scheduler={"type": "none"},
        train={"epochs": 9, "patience": 2},
        budget={"trials": 1, "gpu_hours": 3.5 / 3600},
        workload=stale,
    )
    rig.finish()
    assert rig.trials[0].state is State.COMPLETED
    assert len(rig.trials[0].attempts) == 1
    other = make_rig(
        scheduler={"type": "none"}, budget={"trials": 1, "gpu_hours": 3.5 / 3600}, workload=stale
    )
    other.finish()
    assert other.trials[0].state is State.WAITING, "without patience its next epoch does not fit"
