"""This serves the snapshot to Prometheus, at an endpoint on this machine's loopback address.

The text format is ten lines to write, so no client library is loaded. Labels have few values (the
sweep, a state, a budget): never a trial, or a large sweep would drown the monitoring.
"""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

from sweeper.errors import PreflightError
from sweeper.trackers.snapshot import Snapshot
from sweeper.trial import State

DEFAULT_PORT = 9464  # the number that OpenTelemetry's Prometheus exporters use
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


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
        try:
            self._http = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise PreflightError(
                f"no metrics on port {port}: {error.strerror}", hint="choose another with --metrics-port"
            ) from error
        self.port: int = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, name="sweeper-metrics", daemon=True)
        self._thread.start()

    def update(self, snapshot: Snapshot) -> None:
        """Answer with this snapshot from now on."""
        self._http.text = exposition(snapshot)

    def close(self) -> None:
        """Stop answering, and free the port."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(2)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    text = ""


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = 5

    def do_GET(self) -> None:
        """Answer with the metrics; 403 for a foreign Host (a web page must not read them), 404 elsewhere."""
        if self.headers.get("Host", "").rpartition(":")[0] not in _LOOPBACK:
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path.partition("?")[0] != "/metrics":
            self.send_error(HTTPStatus.NOT_FOUND)
        else:
            body = self.server.text.encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: a scrape every few seconds is no news."""


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
