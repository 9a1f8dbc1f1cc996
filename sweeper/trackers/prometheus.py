"""This serves the snapshot to Prometheus, at an endpoint on this machine's loopback address.

The text format is ten lines to write, so no client library is loaded. Labels have few values (the
sweep, a state, a budget): never a trial, or a large sweep would drown the monitoring.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sweeper.errors import PreflightError
from sweeper.trackers.loopback import LoopbackServer
from sweeper.trackers.snapshot import Snapshot
from sweeper.trial import State

DEFAULT_PORT = 9464  # the number that OpenTelemetry's Prometheus exporters use
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Metric:
    """A name that is exported, for the endpoint and for the dashboards' test."""

    kind: Literal["gauge", "counter"]
    help: str


METRICS = {
    "sweeper_info": Metric("gauge", "Always 1; the labels say what the sweep optimizes."),
    "sweeper_trials": Metric("gauge", "Trials by state."),
    "sweeper_trials_planned": Metric("gauge", "Trials that the budget allows; absent where it does not say."),
    "sweeper_best_score": Metric(
        "gauge", "Best value of the objective so far; absent before the first report."
    ),
    "sweeper_reports_total": Metric("counter", "Reports (epochs) heard from trials."),
    "sweeper_device_seconds_total": Metric("counter", "Device-seconds by kind: billed, productive."),
    "sweeper_usd_total": Metric("counter", "US dollars billed; absent where no price is known."),
    "sweeper_budget_fraction": Metric("gauge", "Used fraction of each budget, 1 = spent."),
    "sweeper_elapsed_seconds": Metric("gauge", "Seconds since the sweep was launched."),
    "sweeper_eta_seconds": Metric("gauge", "Estimated seconds until the sweep ends; absent while unknown."),
    "sweeper_tracking_backlog_rows": Metric("gauge", "Outbox rows that tracking has not confirmed."),
}


def exposition(snapshot: Snapshot) -> str:
    """Return the snapshot in Prometheus' text format; what is unknown is left out rather than given as 0."""
    lines: list[str] = []
    said = ""
    for name, labels, value in _samples(snapshot):
        if name != said:
            lines += [f"# HELP {name} {METRICS[name].help}", f"# TYPE {name} {METRICS[name].kind}"]
            said = name
        named = {"sweep": snapshot.sweep, **labels}
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in named.items())
        lines.append(f"{name}{{{inside}}} {_number(value)}")
    return "\n".join(lines) + "\n"


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


def _samples(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, str], float | None]]:
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
    return (sample for sample in plain if sample[2] is not None)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "NaN"
    return repr(float(value)) if math.isfinite(value) else ("+Inf" if value > 0 else "-Inf")
