import pickle

import pytest

from sweeper.errors import FailureKind
from sweeper.runners.parts.versions import COMPARED, VersionSkew, refuse_skew, versions_here
from sweeper.sweep.retries import may_retry
from sweeper.trial import Outcome, State

DRIVER = {"python": "3.11", "sweeper": "0.1.0", "torch": "2.15.0", "ray": "2.60.0"}


def test_a_process_tells_what_it_runs_without_the_kind_of_build():
    here = versions_here()
    assert set(here) == {"python", *COMPARED}
    assert all("+" not in number for number in here.values())
    refuse_skew(here, versions_here(), "here")


@pytest.mark.parametrize(
    ("worker", "message"),
    [
        (
            {"torch": "2.14.1"},
            "gpu-7 has torch 2.14.1 (the driver has 2.15.0); install the driver's versions",
        ),
        (
            {"sweeper": "0.2.0", "python": "3.12"},
            "gpu-7 has python 3.12 (the driver has 3.11), sweeper 0.2.0 (the driver has 0.1.0)",
        ),
    ],
)
def test_a_worker_with_other_versions_is_refused_by_name(worker, message):
    with pytest.raises(VersionSkew) as caught:
        refuse_skew(DRIVER, DRIVER | worker, "gpu-7")
    assert message in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301


def test_what_only_one_side_tells_is_not_compared():
    refuse_skew({}, DRIVER, "n")
    refuse_skew(DRIVER | {"cuda": "13"}, DRIVER, "n")


@pytest.mark.parametrize(("kind", "retries"), [("version_skew", 2), ("gpu_lost", 5)])
def test_another_node_may_do_what_this_one_cannot(kind, retries):
    end = Outcome(State.FAILED, FailureKind(kind), "x", "Same@place:1")
    assert [may_retry(end, [end] * times) for times in range(7)] == [times < retries for times in range(7)]
