"""What a plan says of an objective that part of the sweep does not know."""

import json

import pytest

from sweeper.config.spec import parse_spec
from sweeper.plan.check_objective import objective_notes


def notes(**sections):
    written = {
        "name": "notes",
        "dataset": {"source": "digits"},
        "parameters": {"layers": {"min": 1, "max": 2}},
        "budget": {"trials": 4},
        **sections,
    }
    return " ".join(objective_notes(parse_spec(json.dumps(written)), [36] * 20))


@pytest.mark.parametrize(("algorithm", "mode", "is_said"), [
    ("gp", "pareto", True), ("gp", "budget", False), ("tpe", "pareto", False),
])  # fmt: skip
def test_a_search_without_a_second_objective_is_named(algorithm, mode, is_said):
    said = notes(search={"algorithm": algorithm}, objective={"mode": mode})
    assert ("gp proposes for the score alone" in said) is is_said


def test_near_ties_of_a_loss_are_said_to_go_by_place():
    scheduler = {"type": "asha", "ties": "together"}
    loss = {"metric": "valid/loss", "goal": "minimize"}
    assert "the noise of valid/loss is not known" in notes(scheduler=scheduler, objective=loss)
    assert notes(scheduler=scheduler) == ""
