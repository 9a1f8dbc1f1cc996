import pytest

from sweeper.errors import SpecError
from sweeper.search.parts.portfolio_start import MOST, member_number, started, with_members

MEMBERS = [
    "{layers: 2, learning_rate: 0.01}",
    "{layers: 4, learning_rate: 0.03}",
    "{layers: 2, learning_rate: 0.01}",
]


@pytest.fixture
def portfolio(tmp_path):
    """`portfolio([...])`: the path of a file with these members."""

    def write(members=MEMBERS):
        path = tmp_path / "team.yaml"
        path.write_text(
            "portfolio: 1\nmade: {by: hand}\nmembers:\n" + "".join(f"- {each}\n" for each in members)
        )
        return str(path)

    return write


@pytest.fixture
def begin(toy_spec, portfolio):
    def build(members=MEMBERS, search=None, **sections):
        search = {"algorithm": "random", "seed": 7, "start": portfolio(members), **(search or {})}
        return toy_spec(search=search, **sections)

    return build


def test_members_that_became_the_same_run_once(begin):
    start = started(begin())

    assert [each.config["layers"] for each in start.members] == [2, 4]
    assert [each.unfit for each in start.others] == ["the same as another member"]
    assert "team.yaml first, of 3; 1 left out (the same as another member)" in start.said()


def test_that_stopping_compares_nobody_at_first_is_said_and_promotion_says_nothing(begin):
    promote = {"type": "asha", "grace": 1, "kind": "promote"}

    assert "where fewer than 3 run at a time, the first 2 are trained in full" in started(begin()).said()
    assert "scheduler" not in started(begin(scheduler=promote)).said()
    assert "scheduler" not in started(begin(scheduler={"type": "none"})).said()


def test_a_member_that_is_a_point_already_is_left_out(begin):
    start = started(begin(points=[{"layers": 4, "learning_rate": 0.03}]))

    assert start.others[0].unfit == "the same as a point of the file"


def test_a_member_whose_network_cannot_be_built_is_left_out_with_the_reason(begin):
    start = started(begin(), lambda config: "pooled below 1 px" if config["layers"] == 4 else "")

    assert [each.unfit for each in start.others] == [
        "cannot be trained: pooled below 1 px", "the same as another member",
    ]  # fmt: skip


def test_a_small_budget_runs_the_first_and_says_so(begin):
    start = started(begin(budget={"trials": 1}))

    assert (start.runs, len(start.members)) == (1, 2)
    assert "1 configuration of" in start.said()
    assert "the budget has no room for 1 more" in start.said()


def test_repeats_points_and_the_final_leave_less_room(begin):
    spec = begin(
        search={"repeats": 2}, budget={"trials": 8}, final={"top": 1, "seeds": 2}, points=[{"layers": 1}]
    )

    assert started(spec).room == 2


def test_at_most_a_dozen_run_of_a_longer_file(begin):
    many = [f"{{layers: 2, learning_rate: {0.001 * number}}}" for number in range(1, 16)]

    start = started(begin(many, budget={"trials": 99}))

    assert (len(start.members), len(start.others)) == (MOST, 3)
    assert start.others[0].unfit == "12 are enough"


@pytest.mark.parametrize(
    ("search", "sections", "said"),
    [
        ({"algorithm": "grid"}, {"parameters": {"layers": [1, 2]}}, "a grid runs every configuration"),
        ({"algorithm": "points"}, {"points": [{"layers": 1}]}, "runs the points and nothing else"),
        ({}, {"parameters": {"layers": [2]}}, "the space has one configuration"),
        ({"start": "portfolo"}, {}, "expected `random`, `portfolio` or a file"),
        ({"start": "gone.yaml"}, {}, "gone.yaml: there is no such file"),
        ({}, {"parameters": {"layers": [1, 2], "optimizer": ["sgd"]}}, ""),
    ],
)
def test_what_a_portfolio_has_no_use_for_is_refused_in_a_line(begin, search, sections, said):
    spec = begin(search=search, **sections)
    if not said:
        assert started(spec).members
        return
    with pytest.raises(SpecError) as caught:
        started(spec)
    assert caught.value.path == "search.start"
    assert said in str(caught.value)


def test_a_portfolio_without_a_member_in_the_space_is_refused_with_the_reason(begin):
    spec = begin(["{optimizer: muon}", "{optimizer: muon, layers: 3}", "{layers: 20}"])

    with pytest.raises(
        SpecError, match=r"no member .* lies in this space: optimizer is adamw here, not muon \(2 of 3\)"
    ):
        started(spec)


def test_the_members_stand_in_the_sweep_and_the_file_is_not_read_again(begin, tmp_path):
    spec = with_members(begin(), started(begin()))
    (tmp_path / "team.yaml").unlink()

    assert started(spec) is None
    assert type(spec).model_validate(spec.resolved()).search.members == spec.search.members
    assert [member_number(spec, each) for each in spec.search.members] == [1, 2]
    assert member_number(spec, {"layers": 1, "learning_rate": 0.01}) is None


def test_members_that_the_space_cannot_give_are_refused(toy_spec):
    with pytest.raises(SpecError, match=r"search.members.0.learning_rate"):
        toy_spec(search={"start": "portfolio", "members": [{"layers": 2}]})
