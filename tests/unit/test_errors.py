import copy
import pickle

import pytest

from sweeper import errors
from sweeper.errors import SpecError, SweeperError

FAMILY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SweeperError)]
REFINED = {
    "SpecError": ValueError,
    "DataError": ValueError,
    "BudgetError": ValueError,
    "MissingExtraError": ImportError,
    "PreflightError": RuntimeError,
    "StateError": RuntimeError,
    "BusyError": RuntimeError,
}


@pytest.mark.parametrize("kind", FAMILY)
def test_an_error_arrives_whole_from_another_process(kind):
    error = kind("19 is not one of 18, 34", where="food.yaml:12", hint="did you mean 18?")
    for arrived in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):  # noqa: S301
        assert type(arrived) is kind
        assert str(arrived) == "food.yaml:12: 19 is not one of 18, 34; did you mean 18?"
        assert (arrived.problem, arrived.where, arrived.hint) == (error.problem, error.where, error.hint)


def test_a_key_that_an_error_is_about_arrives_with_it_and_is_told_once():
    error = SpecError("found 0, expected more", path="grace", part="scheduler 'asha'", hint="try 1")
    assert str(pickle.loads(pickle.dumps(error))) == "scheduler 'asha': grace: found 0, expected more; try 1"  # noqa: S301
    located = error.at("scheduler.grace", "food.yaml:9")
    assert str(located) == "food.yaml:9: scheduler.grace: scheduler 'asha': found 0, expected more; try 1"
    assert pickle.loads(pickle.dumps(located)).path == "scheduler.grace"  # noqa: S301


@pytest.mark.parametrize(
    ("where", "hint", "line"),
    [
        ("", "", "it is so"),
        ("here", "", "here: it is so"),
        ("", "do this", "it is so; do this"),
        ("here", "do this", "here: it is so; do this"),
    ],
)
def test_the_message_leaves_out_what_is_empty(where, hint, line):
    assert str(SweeperError("it is so", where=where, hint=hint)) == line


@pytest.mark.parametrize(("name", "standard"), REFINED.items())
def test_an_error_is_also_the_standard_one_that_it_refines(name, standard):
    assert issubclass(getattr(errors, name), standard)


@pytest.mark.parametrize("kind", FAMILY)
def test_every_exit_code_is_one_that_the_design_lists(kind):
    assert kind.exit_code in {1, 2, 5, 75}


def test_the_family_is_small():
    assert len(FAMILY) <= 9
