"""What MLflow's page of a sweep shows at first: the columns that matter, the best first, and charts prepared.

MLflow keeps a view that is shared as a tag of the experiment and opens it by `viewStateShareKey` (seen in the
3.17 UI). Without it the table has neither a score nor a cost nor a parameter.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sweeper.config.parameter import Constant
from sweeper.config.spec import SweepSpec
from sweeper.trial import Goal

BEST, EPOCH, SECONDS, EFFICIENCY = "best/score", "best/epoch", "cost/device_seconds", "efficiency"
_TAG = "mlflow.sharedViewState."
_MOST_PARAMETERS, _MOST_BLOCKS = 12, 4  # of which a tag of 5,000 characters has room
_SECTION = "sweeper"


def view_key(sweep_id: str) -> str:
    """Return the name of the sweep's view, which its address carries."""
    return f"sweeper-{sweep_id}"


def view_tags(spec: SweepSpec, sweep_id: str) -> dict[str, str]:
    """Return the tag of the experiment that holds the sweep's view."""
    names = list(_searched(spec))
    cost = "cost/usd" if spec.objective.cost == "usd" else SECONDS
    test = spec.objective.metric.replace("valid/", "test/")
    metrics = [BEST, test, cost, EFFICIENCY, EPOCH]
    columns = [f"metrics.`{name}`" for name in metrics] + ["tags.`sweeper.why`"]
    state: dict[str, Any] = {
        "searchFilter": f"tags.`sweeper.sweep_id` = '{sweep_id}'",
        "orderByKey": f"metrics.`{BEST}`",
        "orderByAsc": spec.objective.goal is Goal.MINIMIZE,
        "selectedColumns": columns + [f"params.`{name}`" for name in names],
        "runsHiddenMode": "SHOW_ALL",
        "isAccordionReordered": True,
        "compareRunSections": [{"uuid": _SECTION, "name": _SECTION, "display": True, "isReordered": False}],
        "compareRunCharts": list(_charts(spec, names, cost)),
    }
    return {f"{_TAG}{view_key(sweep_id)}": json.dumps(state, separators=(",", ":"))}


def _searched(spec: SweepSpec) -> Iterator[str]:
    """Yield the parameters that are searched, as runs name them: lists of `per` by their first few places."""
    varied = [(name, p) for name, p in spec.space.parameters.items() if not isinstance(p, Constant)]
    for name, parameter in varied[:_MOST_PARAMETERS]:
        if parameter.per:
            yield from (f"{name}.{place}" for place in range(1, _MOST_BLOCKS + 1))
        else:
            yield name


def _charts(spec: SweepSpec, names: list[str], cost: str) -> Iterator[Mapping[str, Any]]:
    metric = spec.objective.metric
    shared = {"metricSectionId": _SECTION, "deleted": False, "isGenerated": False}
    yield {
        **shared, "uuid": "cost", "type": "SCATTER", "runsCountToCompare": 1000,
        "xaxis": {"key": cost, "type": "METRIC"}, "yaxis": {"key": BEST, "type": "METRIC"},
    }  # fmt: skip
    yield {
        **shared, "uuid": "parallel", "type": "PARALLEL", "runsCountToCompare": 1000,
        "selectedMetrics": [BEST], "selectedParams": [name for name in names if "." not in name],
    }  # fmt: skip
    yield {
        **shared, "uuid": "curves", "type": "LINE", "runsCountToCompare": 20, "metricKey": metric,
        "selectedMetricKeys": [metric], "xAxisKey": "step", "scaleType": "linear", "lineSmoothness": 0,
        "useGlobalXaxisKey": True, "range": {},
    }  # fmt: skip
