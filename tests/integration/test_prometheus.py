"""Debian's Prometheus scrapes a sweep that runs; the query of every panel of the dashboards returns data."""

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is absent: apt install prometheus"),
]
DASHBOARDS = Path(__file__).parents[2] / "dashboards" / "grafana"
CONFIG = """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: sweeper
    static_configs: [{targets: ["127.0.0.1:%d"]}]
"""


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Scraper:
    """A private Prometheus, and what it answers."""

    def __init__(self, folder: Path, target: int) -> None:
        self.port = free_port()
        (folder / "prometheus.yml").write_text(CONFIG % target)
        words = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": f"127.0.0.1:{self.port}",
        }
        self.log = (folder / "log").open("w")
        command = ["prometheus", *(f"--{name}={value}" for name, value in words.items())]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)

    def found(self, query: str) -> list[dict]:
        """The series that the query returns now; none while it cannot be asked yet."""
        words = urllib.parse.urlencode({"query": query})
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/query?{words}", timeout=30
            ) as reply:
                return json.load(reply)["data"]["result"]
        except urllib.error.HTTPError as error:
            if error.code != 503:
                pytest.fail(f"{query}: {error.read().decode()}")
        except OSError:
            if self.process.poll() is not None:
                pytest.fail("Prometheus has ended")
        return []

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(60)
        self.log.close()


def queries() -> dict[str, str]:
    """Each panel's query by the names of dashboard and panel, for all sweeps."""
    return {
        f"{path.stem}: {panel['title']} ({panel['type']})": target["expr"].replace("$sweep", ".*")
        for path in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
    }


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def scraper(tmp_path: Path, port: int) -> Iterator[Scraper]:
    running = Scraper(tmp_path, port)
    yield running
    running.close()


def test_each_panel_of_the_dashboards_has_data_while_a_sweep_runs(
    machine, digits, scraper, port, until
) -> None:
    words = ("-o", "budget.trials=200", "--runner", "local", "--usd-per-gpu-hour", "1")
    sweep = machine.start("launch", digits, *words, "--metrics-port", str(port))
    empty = queries()
    assert len(empty) == 21

    def all_answered() -> bool:
        time.sleep(0.5)
        assert sweep.poll() is None, sweep.communicate()
        for name in [name for name, query in empty.items() if scraper.found(query)]:
            del empty[name]
        return not empty

    try:
        until(all_answered)
    except AssertionError as error:
        raise AssertionError(f"no data: {sorted(empty)}") from error
    (info,) = scraper.found("sweeper_info")
    assert info["metric"]["sweep"] == "digits"
    sweep.send_signal(signal.SIGINT)
    sweep.communicate(timeout=300)
