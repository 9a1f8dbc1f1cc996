import pytest

from sweeper.config.spec import parse_spec
from sweeper.errors import SpecError
from sweeper.launch.changes import Change, differences, extension
from sweeper.launch.extend import extended

TEXT = """
name: toy
dataset: {source: digits, root: "folder with ${braces"}
parameters:
  layers: {min: 1, max: 3}
  pixels: [8, 16]
budget: {trials: 24, gpu_hours: 2}
"""


def spec():
    return parse_spec(TEXT.replace("${", "$$ {"))


def test_a_budget_grows_by_so_much_or_to_so_much():
    assert extended(spec(), ["trials=+6"], []).budget.trials == 30
    assert extended(spec(), ["trials=40", "gpu_hours=+0.5"], []).budget.gpu_hours == 2.5


def test_a_space_grows_and_everything_else_stays():
    after = extended(spec(), [], ["layers.max=5", "pixels.values=[8, 16, 24]"])
    changes = differences(spec(), after)
    assert [str(change) for change in changes] == [
        "parameters.layers.max: 3 -> 5",
        "parameters.pixels.values: [8, 16] -> [8, 16, 24]",
    ]
    assert (
        extension(changes, "toy") == "sweeper extend toy --widen layers.max=5 --widen pixels.values=[8,16,24]"
    )


@pytest.mark.parametrize(
    ("change", "option"),
    [
        (Change("budget.trials", 24, 50), "--budget trials=50"),
        (Change("budget.trials", 50, 24), ""),
        (Change("budget.trials", None, 24), ""),
        (Change("budget.max_failed", 3, 9), ""),
        (Change("parameters.layers.max", 3, 5), "--widen layers.max=5"),
        (Change("parameters.layers.log", False, True), ""),
        (Change("description", "a: 1 -> 2", "budget.trials: 1 -> 2"), ""),
    ],
)
def test_only_a_larger_limit_and_a_wider_range_are_something_to_extend(change: Change, option: str):
    assert change.option == option


@pytest.mark.parametrize(
    ("budget", "widen", "said"),
    [
        (["trials=10"], [], "10 is less than 24"),
        (["trials=-1"], [], "23 is less than 24"),
        (["trials=many"], [], "'many' is no number"),
        (["trails=+5"], [], "did you mean 'trials'?"),
        (["trials"], [], "no such limit"),
        (["usd=+5"], [], "the sweep has no such limit"),
        ([], ["layers.max=2"], "layers no longer takes 3"),
        ([], ["pixels.values=[16, 24]"], "pixels no longer takes 8"),
        ([], ["layers"], "cannot be read"),
        ([], ["layers.distribution=uniform"], "cannot be read"),
        ([], ["depth.max=5"], "depth"),
    ],
)
def test_what_would_shrink_or_cannot_be_read_is_refused(budget, widen, said):
    with pytest.raises(SpecError) as error:
        extended(spec(), budget, widen)
    assert said in str(error.value)
