import json

from sweeper.trackers.view_state import view_key, view_tags


def state(spec):
    (tag, value), *more = view_tags(spec, "abc").items()
    assert (tag, more) == (f"mlflow.sharedViewState.{view_key('abc')}", [])
    assert len(value) < 5000, "MLflow cuts tags of an experiment there"
    return json.loads(value)


def test_scores_costs_and_searched_parameters_are_columns_and_the_best_comes_first(toy_spec):
    found = state(toy_spec(parameters={"layers": {"min": 1, "max": 3}, "pixels": 32}))
    columns = found["selectedColumns"]
    for name in ("metrics.`best/score`", "metrics.`efficiency`", "tags.`sweeper.why`", "params.`layers`"):
        assert name in columns
    assert "params.`pixels`" not in columns, "what is the same in all trials is no column"
    assert (found["orderByKey"], found["orderByAsc"]) == ("metrics.`best/score`", False)
    assert "abc" in found["searchFilter"], "an experiment may hold several sweeps"


def test_a_loss_has_the_least_first(toy_spec):
    assert state(toy_spec(objective={"metric": "valid/loss"}))["orderByAsc"]


def test_many_parameters_still_have_room(toy_spec):
    many = {f"parameter_{number}": {"min": 1, "max": 9} for number in range(60)}
    blocks = {"layers": {"min": 1, "max": 9}, "filters": {"values": [1, 2], "per": "layers"}}
    assert len(state(toy_spec(parameters=blocks | many))["selectedColumns"]) < 30


def test_charts_are_prepared(toy_spec):
    kinds = [chart["type"] for chart in state(toy_spec())["compareRunCharts"]]
    assert kinds == ["SCATTER", "PARALLEL", "LINE"]
