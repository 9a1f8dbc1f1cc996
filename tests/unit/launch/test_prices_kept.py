"""What the command line said of prices is kept in the record, and what the limit in money covers with it."""

import json

import pytest

from sweeper.config.run_options import RunOptions
from sweeper.launch.create import create, reopen
from sweeper.launch.live_snapshot import budgets_used
from sweeper.launch.resume import resumed
from sweeper.plan.plan import make_plan
from sweeper.results.costs import bill
from sweeper.results.stored_sweep import read
from sweeper.runners import runner
from sweeper.runners.simulated import VirtualClock
from sweeper.store.account import ATTEMPTS_ALONE, COVERED, EVERYTHING, covers, money_of
from sweeper.store.attempt import Grant
from sweeper.store.paths import SweepPaths, cache_root
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report


@pytest.fixture
def launched(tmp_path, toy_spec):
    """`launched(RunOptions(...))`: the paths of a new sweep of digits, nothing of which has run."""

    def build(options, **sections):
        spec = toy_spec(**sections)
        paths = SweepPaths.of(spec.name, tmp_path / "runs")
        create(spec, paths, make_plan(spec, cache_root()), prices=options.prices).close()
        return paths

    return build


def test_a_resumed_sweep_has_the_prices_of_its_launch_until_others_are_given(launched):
    """It forgot them, and then showed 0 USD."""
    paths = launched(RunOptions(usd_per_gpu_hour=2.5))
    for given, price, instance in (
        (RunOptions(), 2.5, ""),
        (RunOptions(instance="g6.xlarge"), None, "g6.xlarge"),
        (RunOptions(), None, "g6.xlarge"),
    ):
        launch = resumed(read(paths), given, None)
        launch.record.close()
        assert (launch.options.usd_per_gpu_hour, launch.options.instance) == (price, instance)


def test_a_sweep_from_before_prices_were_kept_takes_what_it_is_given(launched):
    paths = launched(RunOptions())
    launch = resumed(read(paths), RunOptions(runner="local"), None)
    launch.record.close()
    assert (launch.options.usd_per_gpu_hour, launch.options.runner) == (None, "local")


@pytest.mark.parametrize("kept", [EVERYTHING, ATTEMPTS_ALONE])
def test_status_cost_and_the_budget_count_one_figure(launched, kept):
    """The limit counted neither idle nor one-off money, 8 % of what `cost` showed."""
    paths = launched(RunOptions(), budget={"trials": 3, "usd": 100.0}, scheduler={"type": "none"})
    spec, record = reopen(paths)
    record.put_meta({COVERED: kept})
    clock = VirtualClock()
    sweep = Sweep(spec, record, clock=clock)
    sweep.book("image stores", 50.0)

    def workload(trial):
        yield from (Report(epoch, 0.5, 10.0 * epoch) for epoch in range(1, 10))

    grant = Grant("n", "virtual", True, 1.0, 3.6)
    runner["simulated"](clock=clock, workers=2, grant=grant)(sweep, workload, lambda: False)
    sweep.close()
    counted = sweep.spending.spent[1]
    record.close()
    told = read(paths)
    money = money_of(told.history)
    assert (money.attempts, money.idle, money.one_off) == (
        pytest.approx(0.27), pytest.approx(0.09), pytest.approx(0.05),
    )  # fmt: skip
    assert bill(told.history, told.spec).usd == pytest.approx(money.all)
    used, limit = budgets_used(told.spec.budget, told.history, covers(told.meta))["USD"]
    assert (used, limit) == (pytest.approx(counted), 100.0)
    assert used == pytest.approx(0.41 if kept == EVERYTHING else 0.27)


def test_a_new_record_says_what_its_limit_covers_and_how_many_images_each_split_has(launched):
    told = read(launched(RunOptions()))
    assert covers(told.meta) == EVERYTHING
    assert told.valid_count == sum(json.loads(told.meta["valid_images"])) > 0
