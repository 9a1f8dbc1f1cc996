"""A cluster whose nodes come when trials wait; then one is drained, one dies, and another comes."""

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.ray]
EPOCHS = 8
NODES = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_failure_threshold": "15",
    "RAY_NODE_TYPE_NAME": "spot",  # as on a cluster whose nodes come with the queue
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "a" * 64,
}
SCRIPT = """
import json, os, sys, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from ray.core.generated.autoscaler_pb2 import DrainNodeReason
from sweeper.errors import PreflightError
from sweeper.store.events import Reported, TrialAsked
from sweeper.store.record import Record
from sweeper.runners import runner
from sweeper.runners.ray.join import require_answer
from sweeper.config.spec import parse_spec
from sweeper.sweep.sweep import Sweep
from sweeper.trial import Report

EPOCHS = int(sys.argv[3])

def work(trial):
    start = int(trial.checkpoint or 0)
    for epoch in range(start + 1, EPOCHS + 1):
        time.sleep(0.4)
        yield Report(epoch, 0.5, 0.4 * epoch, {"attempt": float(trial.attempt)}, str(epoch))

def strike(event, history):
    if isinstance(event, TrialAsked) and len(history.trials) == 3:  # the test plays Ray's autoscaler
        nodes.extend(cluster.add_node(num_cpus=1, num_gpus=1) for _ in range(3))
    running = [trial for trial in history.trials.values() if len(trial.reports) >= 2]
    if isinstance(event, Reported) and len(running) == 3 and len(nodes) == 3:
        gcs = ray._raylet.GcsClient(address=cluster.address)
        why = DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
        deadline = int((time.time() + 600) * 1000)
        assert gcs.drain_node(nodes[0].node_id, why, "spot", deadline)[0]
        cluster.remove_node(nodes[1], allow_graceful=False)
        nodes.append(cluster.add_node(num_cpus=2, num_gpus=2))

def refused(**environment):
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        require_answer(cluster.address, root / "log", seconds=600)
    except PreflightError as error:
        return f"{error.where == cluster.address} {error.problem}"
    finally:
        os.environ.clear()
        os.environ.update(before)

spec, root = parse_spec(sys.argv[1]), Path(sys.argv[2])
cluster, nodes = Cluster(), []
try:
    cluster.add_node(num_cpus=0, include_dashboard=False)
    cluster.wait_for_nodes()
    answers = [
        refused(), refused(RAY_AUTH_TOKEN="b" * 64), refused(RAY_AUTH_TOKEN="", HOME=str(root)),
        refused(RAY_AUTH_MODE="disabled")]
    sweep = Sweep(spec, Record.create(root / "record.db", {"sweep_id": "nodes"}))
    sweep.listen(strike)
    drive = runner["ray_tune"](
        resources=spec.resources, state=root / "tune", log=root / "log", address=cluster.address)
    drive(sweep, work, lambda: False)
    events = list(sweep.record.lines())
    sweep.close()
finally:
    cluster.shutdown()
print(json.dumps({
    "answers": answers,
    "states": [trial.state for trial in sweep.history.trials.values()],
    "ends": sorted([a.ended for a in trial.attempts] for trial in sweep.history.trials.values()),
    "reported": [[e.trial, e.body["epoch"]] for e in events if e.kind == "reported"],
    "why": sorted(a.message for trial in sweep.history.trials.values() for a in trial.attempts),
    "is_gpu": sorted({attempt.is_gpu for attempt in sweep.history.attempts}),
    "recovered": [round(after.granted - before.granted - before.billed, 1)
                  for trial in sweep.history.trials.values()
                  for before, after in zip(trial.attempts, trial.attempts[1:])],
}))
"""


def test_trials_of_a_drained_and_of_a_lost_node_go_on_elsewhere_and_nothing_is_told_twice(
    toy_spec, tmp_path, run_script
):
    spec = toy_spec(
        scheduler={"type": "none"}, budget={"trials": 3}, parameters={"layers": {"min": 1, "max": 9}},
    )  # fmt: skip
    told = run_script(SCRIPT, spec.model_dump_json(), str(tmp_path), str(EPOCHS), **NODES)
    print(f"\nseconds from the end of an attempt to the start of the next: {told['recovered']}")
    assert told["answers"] == [
        None,
        "True the cluster does not accept this machine's token",
        "True this machine has no token, and RAY_AUTH_MODE asks for one",
        "True the cluster does not accept a driver without a token",
    ]
    assert told["is_gpu"] == [True], "the head alone has none, but the sweep wants one"
    assert told["states"] == ["completed"] * 3
    assert ["preempted", "completed"] in told["ends"]
    # Ray may notice that the worker is gone before it notices that its node is
    assert sorted(told["ends"])[1] in (["node_lost", "completed"], ["preempted", "completed"])
    assert told["why"][-1] == "the node is being drained"
    assert any(why.startswith("The actor ") for why in told["why"])
    reported = [tuple(pair) for pair in told["reported"]]
    assert len(reported) == len(set(reported)) == 3 * EPOCHS
