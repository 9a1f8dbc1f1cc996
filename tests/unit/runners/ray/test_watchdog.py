from types import SimpleNamespace

import pytest
from ray import cloudpickle
from ray.exceptions import ActorDiedError

from sweeper.runners.ray.watchdog import (
    error_of,
    kind_of_loss,
    reason_of,
)

OUT_OF_MEMORY = """The actor died unexpectedly before finishing this task.
\tclass_name: Worker
\tactor_id: 5b2
The actor is dead because it was killed by the memory monitor.
Memory on the node was 30.1GB / 31.0GB, which exceeds the memory usage threshold of 0.95."""


class Died(ActorDiedError):
    """Ray builds its message from what only Ray has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def __str__(self) -> str:
        return self.text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (None, "worker_lost"),
        (RuntimeError("x"), "worker_lost"),
        (SimpleNamespace(preempted=True), "preempted"),
        (Died("The actor died because its node has died."), "node_lost"),
        (Died("The actor died unexpectedly"), "worker_lost"),
        (Died(OUT_OF_MEMORY), "worker_lost"),  # Ray may take innocent neighbors: nobody's own budget pays
    ],
)
def test_a_lost_worker_is_told_by_what_took_it(error, kind):
    assert kind_of_loss(error) == kind


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "the worker ended"),
        (RuntimeError("the attempt failed"), "the attempt failed"),
        (
            Died("The actor died.\n\tclass_name: Worker\n\tpid: 7\nIts node has died.\nMore."),
            "Its node has died.",
        ),
        (Died("The actor died."), "The actor died."),
        (Died(OUT_OF_MEMORY), "The actor is dead because it was killed by the memory monitor."),
    ],
)
def test_the_reason_is_the_line_that_says_why(error, reason):
    assert reason_of(error) == reason


def tune_trial(path):
    return SimpleNamespace(pickled_error_file=None if path is None else str(path))


def test_the_error_that_tune_wrote_down_is_read_where_it_wrote_it(tmp_path):
    path = tmp_path / "error.pkl"
    path.write_bytes(cloudpickle.dumps(ActorDiedError()))
    assert kind_of_loss(error_of(tune_trial(path))) == "worker_lost"
    assert isinstance(error_of(tune_trial(path)), ActorDiedError)


def test_an_error_that_could_not_be_written_down_is_no_error_of_ours(tmp_path):
    (tmp_path / "half.pkl").write_bytes(cloudpickle.dumps(ActorDiedError())[:20])
    (tmp_path / "empty.pkl").touch()
    for path in (None, tmp_path / "absent.pkl", tmp_path / "half.pkl", tmp_path / "empty.pkl"):
        assert error_of(tune_trial(path)) is None
