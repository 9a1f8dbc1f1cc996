"""What a plan does with networks that take more than `objective.limits` allows."""

from pathlib import Path

import pytest

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.errors import SpecError
from sweeper.plan.network_cost import size_of
from sweeper.plan.plan import make_plan

IMAGES = {"source": "synthetic", "classes": 4, "per_class": 10, "size": 16}
FILTERS = {"filters": {"values": [4, 8, 16, 256]}, "layers": {"values": [1, 2]}}


def sweep(limits, parameters=None, **objective) -> SweepSpec:
    return restore_spec(
        {
            "name": "small",
            "dataset": IMAGES,
            "objective": {"metric": "valid/top1", "limits": limits, **objective},
            "budget": {"trials": 2},
            "parameters": {"pixels": 16, **(parameters or FILTERS)},
        },
        name="small.yaml",
    )


def notes(plan) -> list[str]:
    return [each for each in plan.warnings if "limits" in each]


def test_a_plan_says_which_part_of_the_space_keeps_the_limits_and_shows_no_network_beyond(tmp_path: Path):
    spec = sweep({"parameters": 5000})
    plan = make_plan(spec, tmp_path)
    (note,) = notes(plan)
    assert "% of 100 draws keep parameters=5000; others are drawn again" in note
    assert all(sample.parameters <= 5000 for sample in (*plan.samples, *plan.corners))
    refusal = plan.refusal(spec)
    assert refusal({"pixels": 16, "filters": 8, "layers": 1}) == ""
    assert refusal({"pixels": 16, "filters": 256, "layers": 2}).endswith("objective.limits allows 5,000")


@pytest.mark.slow(reason="plans three times")
def test_operations_are_those_of_one_image(tmp_path: Path):
    config = {"pixels": 16, "filters": 8, "layers": 1}
    free = sweep({"milliseconds": 5})
    plan = make_plan(free, tmp_path)
    flops = sum(row.flops for row in size_of(config, free, plan.facts).layers)
    assert "one image alone takes more than 5 ms on its device" in notes(plan)[0]
    for limit, is_kept in ((flops, True), (flops - 1, False)):
        spec = sweep({"operations": limit})
        assert (make_plan(spec, tmp_path).refusal(spec)(config) == "") is is_kept


def test_limits_that_no_network_can_keep_are_refused_with_the_smallest_that_was_found(tmp_path: Path):
    spec = sweep({"parameters": 20})
    with pytest.raises(SpecError, match="no network of the space keeps parameters=20") as caught:
        make_plan(spec, tmp_path)
    assert "small.yaml" in caught.value.where
    assert "the smallest that was found" in caught.value.hint
    assert "objective.limits allows 20" in caught.value.hint


@pytest.mark.slow(reason="goes down a wide space")
def test_the_only_networks_that_keep_the_limits_are_found_where_no_draw_hits_them(tmp_path: Path):
    wide = {"filters": {"min": 1, "max": 4096}, "layers": {"values": [1, 2, 3]}}
    (note,) = notes(make_plan(sweep({"parameters": 60}, wide), tmp_path))
    assert "none of 100 draws keeps parameters=60, but pixels=16 filters=1" in note


def test_a_point_beyond_the_limits_is_refused_by_its_place(tmp_path: Path):
    spec = restore_spec(
        {**sweep({"parameters": 100}).resolved(), "points": [{"name": "big", "filters": 16, "layers": 1}]},
        name="small.yaml",
    )
    with pytest.raises(SpecError, match=r"points.0: .* parameters, objective.limits allows 100|no network"):
        make_plan(spec, tmp_path)


@pytest.mark.parametrize(
    ("limits", "objective", "problem"),
    [
        ({}, {}, "none is given"),
        ({"parameters": 0}, {}, "parameters"),
        ({"milliseconds": -1}, {}, "milliseconds"),
        ({"params": 5}, {}, "params"),
        (None, {"third_axis": "milliseconds"}, "found milliseconds with mode: budget"),
        (None, {"third_axis": "seconds", "mode": "pareto"}, "third_axis"),
    ],
)
def test_what_is_no_limit_is_refused_in_one_line(limits, objective, problem):
    with pytest.raises(SpecError, match=problem) as caught:
        sweep(limits, **objective)
    assert "\n" not in str(caught.value)
