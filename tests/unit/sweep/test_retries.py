import pytest

from sweeper.errors import FailureKind
from sweeper.store.history import TrialHistory
from sweeper.sweep.retries import may_retry, settled
from sweeper.trial import Cause, Decision, Outcome, State, Verdict


def failed(kind, print_="", message=""):
    return Outcome(State.FAILED, FailureKind(kind), message, print_)


@pytest.mark.parametrize(("kind", "retries"), [(kind, kind.retries) for kind in FailureKind if kind.retries])
def test_a_cause_is_forgiven_as_often_as_its_budget_says(kind, retries):
    times = int(min(retries, 40))
    for earlier in range(times):
        assert may_retry(failed(kind), [failed(kind)] * earlier)
    assert may_retry(failed(kind), [failed(kind)] * times) == (retries > times)


@pytest.mark.parametrize("state", [state for state in State if state is not State.FAILED])
def test_only_a_failure_is_tried_again(state):
    assert not may_retry(Outcome(state, FailureKind("preempted")), [])


@pytest.mark.parametrize("kind", ["diverged", "", "unheard of"])
def test_a_cause_without_a_budget_is_final(kind):
    assert not may_retry(failed(kind), [])


@pytest.mark.parametrize(
    ("now", "earlier", "retried"),
    [
        (failed("hung", "A"), [], True),
        (failed("hung", "A"), [failed("hung", "B")], True),
        (failed("hung", "A"), [failed("hung", "A")], False),
        (failed("hung", "A"), [failed("hung", "A"), failed("preempted")], False),
        (failed("error", "A"), [failed("out_of_memory", "A")], False),
        (failed("hung", "A", "epoch 3"), [failed("hung", "A", "epoch 4")], False),
        (failed("hung", "A", "same words"), [failed("hung", "B", "same words")], True),
        (failed("hung"), [failed("hung")], True),
    ],
)
def test_the_same_fingerprint_twice_is_the_trials_own_fault(now, earlier, retried):
    assert may_retry(now, earlier) == retried


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind.is_outside])
def test_what_the_machines_do_is_never_the_trials_own_fault(kind):
    assert may_retry(failed(kind, "OSError@checkpoint.py:9"), [failed(kind, "OSError@checkpoint.py:9")])


def test_interruptions_do_not_use_up_the_budget_of_errors():
    earlier = [
        Outcome(State.WAITING, FailureKind(kind)) for kind in ("interrupted", "driver_lost", "budget", "")
    ]
    assert may_retry(failed("error"), earlier)


@pytest.mark.parametrize("reason", ["budget: of the scheduler's own", "interrupted: by nobody"])
def test_what_a_scheduler_says_in_words_decides_nothing(reason):
    trial = TrialHistory("t", 0, {}, 1, answer=Verdict(Decision.PAUSE, reason))
    assert settled(trial, Outcome(State.PAUSED)).state is State.PAUSED, "it waits for a promotion"
    trial.answer = Verdict(Decision.PAUSE, "in any words", cause=Cause.BUDGET)
    assert settled(trial, Outcome(State.PAUSED)) == Outcome(State.WAITING, FailureKind.BUDGET, "in any words")
