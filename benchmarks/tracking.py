"""What tracking costs the training: how long a report waits for its answer while MLflow is well or not.

A trial waits for nothing else between two epochs. The record lies on disk, the sender is the real one, with
MLflow on SQLite, on a port where nobody listens, on one that accepts and never answers, and on one that
answers 500; rounds in turns. Run:  python benchmarks/tracking.py [--reports 400] [--rounds 3] [--json]
"""

import argparse
import contextlib
import json
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sweeper.config.spec import parse_spec
from sweeper.store.attempt import Grant
from sweeper.store.outbox import sweep_row
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trackers import Target, tracker
from sweeper.trackers.sender import Sender
from sweeper.trial import Outcome, Report, State

SPEC = """
name: tracking
dataset: {source: synthetic}
parameters: {x: {min: 0.0, max: 1.0}}
train: {epochs: 20}
search: {algorithm: random, seed: 1}
scheduler: {type: asha, grace: 2, reduction_factor: 3}
budget: {trials: 100000}
"""
PAUSE = 0.005  # between two reports: the sender gets its turns, as it does while trials train


class Broken(BaseHTTPRequestHandler):
    """A server that answers every request with 500."""

    def do_GET(self) -> None:
        """500."""
        self.send_error(500)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def places(folder: Path) -> Iterator[dict[str, str | None]]:
    """Where each variant's MLflow is; None for no tracking at all."""
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    broken = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=broken.serve_forever, daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    yield {
        "no tracking": None,
        "MLflow on SQLite": f"sqlite:///{folder / 'mlflow.db'}",
        "down": f"http://127.0.0.1:{closed}",
        "answers 500": f"http://127.0.0.1:{broken.server_address[1]}",
        "hangs": f"http://127.0.0.1:{silent.getsockname()[1]}",
    }
    broken.shutdown()
    silent.close()


def report_times(uri: str | None, reports: int, folder: Path) -> list[tuple[float, float]]:
    """Wall and CPU seconds of each report, in the thread that answers it."""
    spec = parse_spec(SPEC)
    record = Record.create(folder / "record.db", {"sweep_id": "tracking"})
    record.append(outbox=[sweep_row(spec, "tracking")])
    sweep = Sweep(spec, record)
    sender = None
    if uri:
        target = Target(uri, f"tracking-{folder.name}", "tracking")
        sender = Sender(lambda: Record.open(folder / "record.db"), lambda: tracker["mlflow"](target))
        sender.start()
    times: list[tuple[float, float]] = []
    while len(times) < reports and (trial := sweep.ask()):
        sweep.on_start(trial.id, Grant())
        for epoch in range(1, spec.train.epochs + 1):
            score = trial.config["x"] * (1 - 0.5**epoch)
            metrics = {"valid/top5": score, "train/loss": 1.0, "valid/loss": 1.0, "images_per_second": 1e3}
            wall, cpu = time.perf_counter(), time.thread_time()
            decision = sweep.report(trial.id, Report(epoch, score, float(epoch), metrics))
            times.append((time.perf_counter() - wall, time.thread_time() - cpu))
            time.sleep(PAUSE)
            if decision != "continue":
                break
        sweep.tell(trial.id, Outcome(State.COMPLETED))
    if sender:
        sender.close(0.1)
    record.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epoch", type=float, default=1.0, help="an epoch's seconds, to relate to")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name, places(Path(name)) as found:
        report_times(found["MLflow on SQLite"], 20, _new(name, "warm"))  # imports and MLflow's tables
        for turn in range(options.rounds):
            for variant, uri in found.items():
                folder = _new(name, f"{turn}-{len(measured)}-{variant.replace(' ', '-')}")
                measured.setdefault(variant, []).extend(report_times(uri, options.reports, folder))
    rows = {
        variant: {
            "median_ms": 1000 * statistics.median(wall for wall, _ in times),
            "mean_ms": 1000 * statistics.fmean(wall for wall, _ in times),
            "cpu_ms": 1000 * statistics.fmean(cpu for _, cpu in times),
        }
        for variant, times in measured.items()
    }
    _print(rows, options)


def _new(root: str, name: str) -> Path:
    folder = Path(root) / name
    folder.mkdir()
    return folder


def _print(rows: dict[str, dict[str, float]], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps({"reports": options.reports, "rounds": options.rounds, "rows": rows}, indent=2))
        return
    alone = rows["no tracking"]["mean_ms"]
    print(f"{options.rounds} rounds of {options.reports} reports in turns; an epoch of {options.epoch:g} s")
    print(f"{'':20}{'median ms':>11}{'mean ms':>9}{'CPU ms':>8}{'of an epoch':>13}")
    for name, row in rows.items():
        share = (row["mean_ms"] - alone) / 10 / options.epoch
        print(f"{name:20}{row['median_ms']:11.2f}{row['mean_ms']:9.2f}{row['cpu_ms']:8.2f}{share:12.2f} %")


if __name__ == "__main__":
    main()
