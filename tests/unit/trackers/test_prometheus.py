import urllib.error
import urllib.request

import pytest

from sweeper.errors import PreflightError
from sweeper.trackers.prometheus import CONTENT_TYPE, METRICS, MetricsServer, exposition
from sweeper.trackers.snapshot import Snapshot, TrialStatus
from sweeper.trial import State

parser = pytest.importorskip("prometheus_client.parser")

FULL = Snapshot(
    'dig"its\\\n',
    "valid/top5",
    states={State.RUNNING: 2, State.COMPLETED: 5},
    planned=24,
    best=TrialStatus(3, score=0.9),
    reports=40,
    billed_device_seconds=120.5,
    productive_device_seconds=100,
    usd=1.25,
    has_gpu=True,
    budgets={"usd": 0.5, "trials": 0.2},
    elapsed_seconds=60,
    eta_seconds=30,
    undelivered=7,
)


def samples(text: str) -> dict[tuple[str, str], float]:
    """What Prometheus' own parser reads: (name, the label beside `sweep`) -> value."""
    found: dict[tuple[str, str], float] = {}
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            other = [v for k, v in sample.labels.items() if k in ("state", "kind", "budget")]
            found[sample.name, "".join(other)] = sample.value
    return found


def test_prometheus_reads_every_metric_that_is_announced() -> None:
    read = samples(exposition(FULL))
    assert {name for name, _ in read} == set(METRICS)
    assert read["sweeper_trials", "completed"] == 5
    assert read["sweeper_trials", "failed"] == 0
    assert read["sweeper_device_seconds_total", "billed"] == 120.5
    assert read["sweeper_budget_fraction", "usd"] == 0.5


def test_what_nobody_knows_is_absent_rather_than_zero() -> None:
    names = {name for name, _ in samples(exposition(Snapshot("s", "valid/top1")))}
    unknown = {"best_score", "usd_total", "eta_seconds", "trials_planned", "budget_fraction"}
    assert set(METRICS) - names == {f"sweeper_{name}" for name in unknown}


def test_labels_name_the_sweep_and_nothing_of_a_trial() -> None:
    families = parser.text_string_to_metric_families(exposition(FULL))
    labels = {key for family in families for sample in family.samples for key in sample.labels}
    assert labels == {"sweep", "state", "kind", "budget", "metric", "goal", "device"}


def get(port: int, path: str = "/metrics", host: str = "") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if host:
        request.add_header("Host", host)
    try:
        with urllib.request.urlopen(request, timeout=300) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, "", ""


def test_the_endpoint_serves_the_last_snapshot_on_loopback_only() -> None:
    server = MetricsServer(port=0)
    try:
        server.update(FULL)
        assert get(server.port) == (200, CONTENT_TYPE, exposition(FULL))
        assert get(server.port, "/")[0] == 404
        assert get(server.port, host="evil.example")[0] == 403
        with pytest.raises(PreflightError, match="--metrics-port"):
            MetricsServer(port=server.port)
    finally:
        server.close()
    with pytest.raises(urllib.error.URLError):
        get(server.port)
