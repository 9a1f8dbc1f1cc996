"""The worker that starts while a sweep is planned, and ends with the plan."""

import pytest

from sweeper.config.run_options import RunOptions
from sweeper.errors import BudgetError
from sweeper.launch.warm_up import warming

pytestmark = pytest.mark.slow(reason="a process starts, and loads torch")


def test_a_refused_plan_leaves_no_worker(toy_spec):
    seen = []

    def plan():
        with warming(toy_spec(budget={"trials": 1}), RunOptions()) as options:
            seen.append((options.worker, options.worker.is_alive))
            raise BudgetError("too dear")

    with pytest.raises(BudgetError):
        plan()
    ((worker, was_alive),) = seen
    assert was_alive
    assert not worker.is_alive


@pytest.mark.parametrize(
    ("options", "is_wanted"),
    [(RunOptions("ray_tune"), True), (RunOptions("local"), True), (RunOptions("subprocess"), False)],
    ids=["ray_tune", "local", "dry run"],
)
def test_nothing_starts_where_no_worker_of_ours_is_needed(toy_spec, options, is_wanted):
    with warming(toy_spec(), options, is_wanted=is_wanted) as chosen:
        assert chosen == options
