"""This serves the snapshot to Prometheus, at an endpoint on this machine's loopback address.

Labels have few values (the sweep, a state, a budget): never a trial, or a large sweep would drown the
monitoring.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sweeper.errors import PreflightError
from sweeper.trackers.loopback import LoopbackServer
from sweeper.trackers.snapshot import Snapshot
from sweeper.trial import State

DEFAULT_PORT = 9464  # the number that OpenTelemetry's Prometheus exporters use
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Exported:
    """A name that is exported, for the endpoint and for the dashboards' test."""

    family: type[GaugeMetricFamily] | type[CounterMetricFamily]
    help: str


METRICS = {
    "sweeper_info": Exported(GaugeMetricFamily, "Always 1; the labels say what the sweep optimizes."),
    "sweeper_trials": Exported(GaugeMetricFamily, "Trials by state."),
    "sweeper_trials_planned": Exported(
        GaugeMetricFamily, "Trials that the budget allows; absent without one."
    ),
    "sweeper_best_score": Exported(
        GaugeMetricFamily, "Best value of the objective so far; absent before the first report."
    ),
    "sweeper_reports_total": Exported(CounterMetricFamily, "Reports (epochs) heard from trials."),
    "sweeper_device_seconds_total": Exported(
        CounterMetricFamily, "Device-seconds by kind: billed, productive."
    ),
    "sweeper_usd_total": Exported(CounterMetricFamily, "US dollars billed; absent where no price is known."),
    "sweeper_budget_fraction": Exported(GaugeMetricFamily, "Used fraction of each budget, 1 = spent."),
    "sweeper_elapsed_seconds": Exported(GaugeMetricFamily, "Seconds since the sweep was launched."),
    "sweeper_eta_seconds": Exported(
        GaugeMetricFamily, "Estimated seconds until the sweep ends; absent while unknown."
    ),
    "sweeper_tracking_backlog_rows": Exported(
        GaugeMetricFamily, "Outbox rows that tracking has not confirmed."
    ),
}


def exposition(snapshot: Snapshot) -> str:
    """Return the snapshot in Prometheus' text format; what is unknown is left out rather than given as 0."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(snapshot))
    return generate_latest(registry).decode()


class _Families(Collector):
    """Gives the client library what the snapshot has of each metric."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for name, labels, value in _samples(self._snapshot):
            family = families.setdefault(name, METRICS[name].family(name, METRICS[name].help))
            family.add_sample(name, {"sweep": self._snapshot.sweep, **labels}, value)
        yield from families.values()


class MetricsServer:
    """Answers `GET /metrics` with the last snapshot that it was given, to this machine only."""

    def __init__(self, port: int = DEFAULT_PORT) -> None:
        self._text = ""
        try:
            self._http = LoopbackServer(port, "/metrics", CONTENT_TYPE, lambda: self._text)
        except PreflightError as error:
            raise PreflightError(
                f"no metrics: {error.problem}", hint="choose another --metrics-port"
            ) from error
        self.port = self._http.port

    def update(self, snapshot: Snapshot) -> None:
        """Answer with this snapshot from now on."""
        self._text = exposition(snapshot)

    def close(self) -> None:
        """Stop answering, and free the port."""
        self._http.close()


def _samples(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, str], float]]:
    goal = "maximize" if snapshot.is_maximized else "minimize"
    device = "gpu" if snapshot.has_gpu else "cpu_slot"
    plain: list[tuple[str, dict[str, str], float | None]] = [
        ("sweeper_info", {"metric": snapshot.metric, "goal": goal, "device": device}, 1),
        *(("sweeper_trials", {"state": s.value}, snapshot.states.get(s, 0)) for s in State),
        ("sweeper_trials_planned", {}, snapshot.planned),
        ("sweeper_best_score", {}, snapshot.best.score if snapshot.best else None),
        ("sweeper_reports_total", {}, snapshot.reports),
        ("sweeper_device_seconds_total", {"kind": "billed"}, snapshot.billed_device_seconds),
        ("sweeper_device_seconds_total", {"kind": "productive"}, snapshot.productive_device_seconds),
        ("sweeper_usd_total", {}, snapshot.usd),
        *(("sweeper_budget_fraction", {"budget": name}, used) for name, used in snapshot.budgets.items()),
        ("sweeper_elapsed_seconds", {}, snapshot.elapsed_seconds),
        ("sweeper_eta_seconds", {}, snapshot.eta_seconds),
        ("sweeper_tracking_backlog_rows", {}, snapshot.undelivered),
    ]
    return ((name, labels, value) for name, labels, value in plain if value is not None)
