import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from sweeper.trackers.prometheus import METRICS
from sweeper.trial import State

HOUSE = Path(__file__).parents[3]
DASHBOARDS = HOUSE / "dashboards"
NAME = re.compile(r"\bsweeper_[a-z_]+\b")


def built() -> ModuleType:
    specification = importlib.util.spec_from_file_location("dashboards_build", DASHBOARDS / "build.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


FILES = sorted((DASHBOARDS / "grafana").glob("*.json"))
each_dashboard = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_the_committed_dashboards_are_what_build_writes() -> None:
    committed = {path.name: path.read_text() for path in FILES}
    assert committed == built().texts(), "run `python dashboards/build.py`"


def test_every_query_asks_for_a_metric_that_is_exported() -> None:
    models = [json.loads(path.read_text()) for path in FILES]
    queries = [target["expr"] for model in models for panel in model["panels"] for target in panel["targets"]]
    queries += [variable["query"] for model in models for variable in model["templating"]["list"]]
    queries += [rule["expr"] for rule in alerts()]
    asked = {name for query in queries for name in NAME.findall(query)}
    assert asked <= set(METRICS)
    assert len(asked) >= 8


def test_queries_know_every_final_state() -> None:
    assert set(built().FINAL.split("|")) == {state.value for state in State if state.is_final}


@each_dashboard
def test_a_dashboard_can_be_imported_and_provisioned(path: Path) -> None:
    model = json.loads(path.read_text())
    assert model["id"] is None
    assert model["uid"] == {"sweeper": "sweeper-sweeps", "cost": "sweeper-cost"}[path.stem]
    assert "__inputs" not in model
    assert [panel["id"] for panel in model["panels"]] == list(range(1, len(model["panels"]) + 1))
    for panel in model["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]


@each_dashboard
def test_no_two_panels_overlap(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(path.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_grafana_asks_for_a_login_and_listens_on_this_machine_only() -> None:
    settings = (DASHBOARDS / "grafana" / "grafana.ini").read_text()
    assert re.search(r"\[auth\.anonymous\]\s+enabled = false", settings)
    assert "http_addr = 127.0.0.1" in settings


@pytest.mark.parametrize("path", ["datasources/prometheus.yaml", "dashboards/sweeper.yaml"])
def test_provisioning_files_are_version_1(path: str) -> None:
    assert yaml.safe_load((DASHBOARDS / "grafana" / "provisioning" / path).read_text())["apiVersion"] == 1


def alerts() -> list[dict[str, Any]]:
    text = (DASHBOARDS / "prometheus" / "alerts.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_the_readme_lists_exactly_the_metrics_that_are_exported() -> None:
    rows = [
        line for line in (DASHBOARDS / "README.md").read_text().splitlines() if line.startswith("| `sweeper_")
    ]
    assert {name for row in rows for name in NAME.findall(row.split("|")[1])} == set(METRICS)


def test_every_alert_says_which_sweep() -> None:
    assert all("$labels.sweep" in rule["annotations"]["summary"] for rule in alerts())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is absent: apt install prometheus")
def test_promtool_accepts_configuration_and_rules() -> None:
    folder = DASHBOARDS / "prometheus"
    for words in (["config", str(folder / "prometheus.yml")], ["rules", str(folder / "alerts.yml")]):
        done = subprocess.run(["promtool", "check", *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
