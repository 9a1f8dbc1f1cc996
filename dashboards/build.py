"""Writes the dashboards in grafana/: `python dashboards/build.py`. The JSON is committed; a test compares."""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = HERE / "grafana"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
SWEEP = '{sweep=~"$sweep"}'


def dashboards() -> dict[str, dict[str, Any]]:
    """Each dashboard by the name of its file."""
    return {
        "sweeper": _dashboard(
            "sweeper-sweeps", "sweeper", "Running sweeps: how far, how good, what it costs.", _panels()
        ),
        "cost": _dashboard(
            "sweeper-cost", "sweeper: cost", "What sweeps cost, what for, and what it brings.", _cost_panels()
        ),
    }


def _dashboard(uid: str, title: str, description: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    """A dashboard in Grafana's Classic model, which every version from 8 imports and provisions."""
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["sweeper"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": [_datasource(), _sweep()]},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, 1)],
    }


def _panels() -> list[dict[str, Any]]:
    return [
        _stat("Best score", f"sweeper_best_score{SWEEP}", "none", 0, legend="{{sweep}}", decimals=4),
        _stat(
            "Trials done", f'sum by (sweep) (sweeper_trials{{sweep=~"$sweep",state=~"{FINAL}"}})', "none", 6
        ),
        _stat("Spent", f"sweeper_usd_total{SWEEP}", "currencyUSD", 12, legend="{{sweep}}"),
        _stat("Time left", f"sweeper_eta_seconds{SWEEP}", "s", 18, legend="{{sweep}}"),
        _graph("Best score so far", f"sweeper_best_score{SWEEP}", "none", 0, 4, "{{sweep}}"),
        _graph(
            "Trials by state", f"sweeper_trials{SWEEP}", "none", 12, 4, "{{sweep}} {{state}}", is_stacked=True
        ),
        _graph("Device time", f"sweeper_device_seconds_total{SWEEP}", "s", 0, 12, "{{sweep}} {{kind}}"),
        _graph("Share of the device time that trains", EFFICIENCY, "percentunit", 12, 12, "{{sweep}}"),
        _graph(
            "Budget used", f"sweeper_budget_fraction{SWEEP}", "percentunit", 0, 20, "{{sweep}} {{budget}}"
        ),
        _graph("Reports", f"rate(sweeper_reports_total{SWEEP}[5m])", "cps", 12, 20, "{{sweep}}"),
        _graph(
            "Rows that tracking waits for",
            f"sweeper_tracking_backlog_rows{SWEEP}",
            "none",
            0,
            28,
            "{{sweep}}",
        ),
    ]


def _cost_panels() -> list[dict[str, Any]]:
    spent = f"sweeper_usd_total{SWEEP}"
    return [
        _stat("Spent", spent, "currencyUSD", 0, decimals=2),
        _stat("Billed device time", BILLED, "s", 6),
        _stat("Productive", f"{PRODUCTIVE} / {BILLED}", "percentunit", 12),
        _stat("Device-seconds a trial", f"{BILLED} / {DONE}", "s", 18),
        _graph("Spent", spent, "currencyUSD", 0, 4, "{{sweep}}"),
        _graph("USD an hour", f"3600 * rate({spent}[5m])", "currencyUSD", 12, 4, "{{sweep}}"),
        _graph("Devices that are billed", f"sum by (sweep) (rate({TIME}[5m]))", "none", 0, 12, "{{sweep}}"),
        _graph("Billed, but not training", f"{BILLED} - {PRODUCTIVE}", "s", 12, 12, "{{sweep}}"),
        _graph(
            "Budget used", f"sweeper_budget_fraction{SWEEP}", "percentunit", 0, 20, "{{sweep}} {{budget}}"
        ),
        _graph("Best score so far", f"sweeper_best_score{SWEEP}", "none", 12, 20, "{{sweep}}"),
    ]


FINAL = "completed|stopped|failed|infeasible|cancelled"
TIME = 'sweeper_device_seconds_total{sweep=~"$sweep",kind="billed"}'
BILLED = f"sum by (sweep) ({TIME})"
PRODUCTIVE = 'sum by (sweep) (sweeper_device_seconds_total{sweep=~"$sweep",kind="productive"})'
BUDGETS = f"sweeper_budget_fraction{SWEEP}"
DONE = f'(sum by (sweep) (sweeper_trials{{sweep=~"$sweep",state=~"{FINAL}"}}) > 0)'
EFFICIENCY = (
    'sum by (sweep) (rate(sweeper_device_seconds_total{sweep=~"$sweep",kind="productive"}[5m]))'
    ' / sum by (sweep) (rate(sweeper_device_seconds_total{sweep=~"$sweep",kind="billed"}[5m]))'
)


def _stat(
    title: str, query: str, unit: str, x: int, *, legend: str = "", decimals: int | None = None
) -> dict[str, Any]:
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "auto",
    }
    defaults: dict[str, Any] = {"unit": unit, "mappings": [], "thresholds": _one_colour()}
    if decimals is not None:
        defaults["decimals"] = decimals
    return _panel("stat", title, query, defaults, options, legend or "{{sweep}}", (x, 0, 6, 4))


def _graph(
    title: str, query: str, unit: str, x: int, y: int, legend: str, *, is_stacked: bool = False
) -> dict[str, Any]:
    custom = {
        "drawStyle": "line",
        "lineWidth": 2,
        "fillOpacity": 20 if is_stacked else 5,
        "showPoints": "never",
        "stacking": {"mode": "normal" if is_stacked else "none", "group": "A"},
    }
    defaults = {"unit": unit, "custom": custom, "mappings": [], "thresholds": _one_colour()}
    options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}
    return _panel("timeseries", title, query, defaults, options, legend, (x, y, 12, 8))


def _panel(
    kind: str,
    title: str,
    query: str,
    defaults: dict[str, Any],
    options: dict[str, Any],
    legend: str,
    place: tuple[int, int, int, int],
) -> dict[str, Any]:
    x, y, width, height = place
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": width, "h": height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [{"refId": "A", "datasource": SOURCE, "expr": query, "legendFormat": legend}],
    }


def _one_colour() -> dict[str, Any]:
    return {"mode": "absolute", "steps": [{"color": "green", "value": None}]}


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "hide": 0,
        "current": {},
    }


def _sweep() -> dict[str, Any]:
    return {
        "name": "sweep",
        "label": "Sweep",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(sweeper_info, sweep)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
        "sort": 1,
    }


def texts() -> dict[str, str]:
    """The files as they are committed, by name."""
    return {f"{name}.json": json.dumps(each, indent=2) + "\n" for name, each in dashboards().items()}


if __name__ == "__main__":
    for name, text in texts().items():
        (FOLDER / name).write_text(text)
