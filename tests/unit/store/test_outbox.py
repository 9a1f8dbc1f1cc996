import math

import pytest

from sweeper.errors import FailureKind
from sweeper.store import outbox
from sweeper.store.history import TrialHistory
from sweeper.store.outbox import closed_row, ended_row, metrics_row, run_row, sweep_row
from sweeper.trial import Decision, Outcome, Report, State, Verdict


def asked(point: str | None = None) -> TrialHistory:
    return TrialHistory("id", 7, {"layers": 2, "filters": [16, 32], "optimizer": "adam"}, 1, point=point)


def trial(*scores: float) -> TrialHistory:
    reports = [Report(epoch, score) for epoch, score in enumerate(scores, start=1)]
    return TrialHistory("id", 7, {}, 1, reports=reports)


def test_the_parent_run_names_the_sweep_and_how_trials_train(toy_spec):
    row = sweep_row(toy_spec(), "sweep-id", "abc123")
    assert (row.kind, row.trial) == ("run", "")
    assert row.payload["trial_key"] == "sweep-id"
    assert row.payload["name"] == "toy"
    assert row.payload["params"]["epochs"] == 9
    assert row.payload["tags"]["mlflow.source.git.commit"] == "abc123"
    assert row.payload["tags"]["sweeper.spec"] == toy_spec().digest
    assert "mlflow.source.git.commit" not in sweep_row(toy_spec(), "sweep-id").payload["tags"]


def test_a_trials_run_has_numbers_to_plot_instead_of_lists(toy_spec):
    payload = run_row(asked(), toy_spec()).payload
    own = {"layers": 2, "filters.1": 16, "filters.2": 32, "optimizer": "adam"}
    assert payload["params"] | own == payload["params"]
    assert payload["params"]["epochs"] == 9, "what all trials share is of each run, so that runs compare"
    assert (payload["name"], payload["trial_key"]) == ("toy-0007 · 2 layers", "id")
    assert payload["tags"]["sweeper.trial_number"] == "7"
    assert "`sweeper logs toy 7`" in payload["tags"]["mlflow.note.content"]
    assert run_row(asked(point="study"), toy_spec()).payload["name"] == "study"


@pytest.mark.parametrize(
    ("metrics", "usd", "told"),
    [
        ({"valid/top1": 0.5}, None, {"valid/top1": 0.5}),
        ({"valid/top1": 0.5}, 0.25, {"valid/top1": 0.5, "usd": 0.25}),
        ({"a": math.inf, "b": -math.inf, "c": 1.0}, None, {"c": 1.0}),
    ],
)
def test_an_epoch_is_told_with_its_figures_but_for_infinity(metrics, usd, told):
    row = metrics_row(trial(), Report(3, 0.5, metrics=metrics), usd)
    assert (row.kind, row.trial, row.payload) == ("metrics", "id", {"step": 3, "metrics": told})


def test_nan_is_told_because_a_tracker_can_show_it():
    told = metrics_row(trial(), Report(1, math.nan, metrics={"loss": math.nan}), None).payload["metrics"]
    assert math.isnan(told["loss"])


def test_the_test_splits_figures_stand_at_the_last_epoch_without_infinity():
    row = outbox.tested_row(trial(0.1, 0.2), {"test/top1": 0.9, "test/loss": math.inf})
    assert row.payload == {"step": 2, "metrics": {"test/top1": 0.9}}


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.COMPLETED, "FINISHED"), (State.STOPPED, "FINISHED"), (State.FAILED, "FAILED"),
     (State.INFEASIBLE, "FAILED"), (State.CANCELLED, "KILLED")],
)  # fmt: skip
def test_a_trial_ends_with_a_state_and_its_best_score(state, status):
    row = ended_row(
        trial(0.1, 0.7, 0.3), Outcome(state, FailureKind("error"), "it broke"), {"best/score": 0.7}
    )
    assert row.payload == {
        "status": status,
        "step": 3,
        "metrics": {"best/score": 0.7},
        "tags": {"sweeper.state": str(state), "sweeper.why": "it broke"},
    }


def test_why_a_trial_ended_is_never_empty():
    stopped = trial(0.1)
    stopped.answer = Verdict(Decision.STOP, "rank 3 of 3 at epoch 2")
    whys = [
        ended_row(each, Outcome(state), {}).payload["tags"]["sweeper.why"]
        for each, state in (
            (stopped, State.STOPPED),
            (trial(0.1), State.COMPLETED),
            (trial(0.1), State.CANCELLED),
        )
    ]
    assert whys == ["rank 3 of 3 at epoch 2", "trained in full", "cancelled"]


def test_a_failure_is_told_by_its_kind_and_without_infinity():
    row = ended_row(trial(math.nan), Outcome(State.FAILED, FailureKind("diverged")), {"efficiency": math.inf})
    assert row.payload["metrics"] == {}
    assert row.payload["tags"]["sweeper.why"] == "diverged"
    assert ended_row(trial(), Outcome(State.CANCELLED), {}).payload["step"] == 0


@pytest.mark.parametrize(
    ("why", "status"),
    [
        ("done", "FINISHED"),
        ("broken", "FAILED"),
        ("error", "FAILED"),
        ("SIGINT", "KILLED"),
        ("stop", "KILLED"),
    ],
)
def test_the_parent_run_ends_as_the_sweep_did(why, status):
    row = closed_row(why, {"gpu_hours": 0.5})
    assert (row.kind, row.trial) == ("end", "")
    assert row.payload == {"status": status, "metrics": {"gpu_hours": 0.5}, "tags": {"sweeper.state": why}}
