from collections import Counter

import pytest

from sweeper.trial import State, canonical

NONE = {"type": "none"}
DISCRETE = {"layers": {"min": 1, "max": 5}, "optimizer": {"values": ["sgd", "adam"]}}

MEMBERS = [{"layers": 2, "learning_rate": 0.01}, {"layers": 4, "learning_rate": 0.03}]

PRIOR = [{"layers": 2, "learning_rate": 0.01, "optimizer": "adamw"}]


def standing(rig):
    return [(t.number, t.repeat, t.seed, canonical(t.config), t.state, len(t.reports)) for t in rig.trials]


def boundaries(events):
    return [n for n in range(len(events) + 1) if n == len(events) or events[n].kind != "decided"]


def test_each_configuration_runs_with_as_many_seeds_as_asked_for(make_rig):
    rig = make_rig(
        search={"algorithm": "random", "seed": 3, "repeats": 3}, budget={"trials": 9}, scheduler=NONE
    )
    rig.finish(workers=2)
    assert [trial.repeat for trial in rig.trials] == [0, 1, 2] * 3
    assert set(Counter(canonical(trial.config) for trial in rig.trials).values()) == {3}
    assert len({trial.seed for trial in rig.trials}) == len({trial.id for trial in rig.trials}) == 9


def test_a_budget_that_ends_between_repeats_is_kept(make_rig):
    rig = make_rig(
        search={"algorithm": "random", "seed": 3, "repeats": 3}, budget={"trials": 5}, scheduler=NONE
    )
    rig.finish()
    assert [trial.repeat for trial in rig.trials] == [0, 1, 2, 0, 1]


def test_points_are_repeated_too_and_keep_their_names(make_rig):
    rig = make_rig(
        search={"algorithm": "random", "seed": 3, "repeats": 2},
        points=[{"name": "a", "layers": 1}, {"name": "b", "layers": 2}],
        budget={"trials": 6},
        scheduler=NONE,
    )
    rig.finish()
    assert [(trial.point, trial.repeat) for trial in rig.trials] == [
        ("a", 0), ("a", 1), ("b", 0), ("b", 1), (None, 0), (None, 1),
    ]  # fmt: skip


def test_a_grid_is_over_when_every_configuration_has_all_its_seeds(make_rig):
    rig = make_rig(
        parameters=DISCRETE, search={"algorithm": "grid", "repeats": 2}, budget={"trials": 99}, scheduler=NONE
    )
    rig.finish(workers=3)
    assert len(rig.trials) == 20
    assert set(Counter(canonical(trial.config) for trial in rig.trials).values()) == {2}


def test_a_portfolio_runs_behind_the_points_and_before_the_search(make_rig):
    alone = make_rig(search={"algorithm": "random", "seed": 3}, budget={"trials": 5}, scheduler=NONE)
    search = {"algorithm": "random", "seed": 3, "members": MEMBERS}
    rig = make_rig(search=search, points=[{"layers": 1}], budget={"trials": 5}, scheduler=NONE)
    alone.finish()
    rig.finish(workers=3)
    assert [trial.config for trial in rig.trials][1:3] == MEMBERS
    assert [trial.config for trial in rig.trials][3:] == [trial.config for trial in alone.trials][3:]


def test_a_member_that_is_a_point_too_runs_once(make_rig):
    search = {"algorithm": "random", "seed": 3, "members": MEMBERS}
    rig = make_rig(search=search, points=[MEMBERS[1]], budget={"trials": 3}, scheduler=NONE)
    rig.finish()
    assert [trial.config for trial in rig.trials][:2] == [MEMBERS[1], MEMBERS[0]]


def test_the_search_learns_from_the_members(make_rig):
    search = {"algorithm": "tpe", "seed": 3, "startup": 2}
    cold = make_rig(search=search, budget={"trials": 4}, scheduler=NONE)
    rig = make_rig(search={**search, "members": MEMBERS}, budget={"trials": 4}, scheduler=NONE)
    cold.finish()
    rig.finish()
    assert rig.trials[3].config != cold.trials[3].config


@pytest.mark.slow(reason="a sweep is replayed after each of its events")
@pytest.mark.parametrize(
    "sections",
    [
        {"search": {"algorithm": "random", "seed": 3, "repeats": 3}},
        {"search": {"algorithm": "tpe", "seed": 3, "repeats": 2, "startup": 2}},
        {
            "search": {"algorithm": "tpe", "seed": 3, "startup": 2},
            "parameters": DISCRETE,
            "budget": {"trials": 10},
        },
        {"search": {"algorithm": "random", "seed": 3}, "parameters": DISCRETE, "budget": {"trials": 10}},
        {"search": {"algorithm": "grid", "repeats": 2}, "parameters": DISCRETE},
        {"points": [{"layers": 1}, {"layers": 4}], "search": {"algorithm": "tpe", "seed": 3, "startup": 2}},
        {"search": {"algorithm": "tpe", "seed": 3, "repeats": 2, "startup": 2, "members": MEMBERS}},
        {"search": {"algorithm": "tpe", "seed": 3, "startup": 2, "prior": PRIOR}},
    ],
    ids=[
        "repeats",
        "tpe repeats",
        "tpe discrete",
        "random discrete",
        "grid repeats",
        "points",
        "portfolio",
        "memory",
    ],
)
def test_a_driver_killed_after_any_event_asks_for_the_same_trials(make_rig, sections):
    sections = {"budget": {"trials": 8}, "scheduler": {"type": "asha", "grace": 3}} | sections
    whole = make_rig(**sections)
    whole.finish()
    events = list(whole.record.lines())
    for cut in boundaries(events)[::2]:
        rig = make_rig(events=events[:cut], **sections)
        rig.finish()
        assert standing(rig) == standing(whole), f"cut behind event {cut}"


def test_a_configuration_that_was_run_before_is_not_run_again(make_rig):
    rig = make_rig(parameters=DISCRETE, search={"algorithm": "tpe", "seed": 3, "startup": 2}, scheduler=NONE)
    rig.finish(workers=3)
    assert len({canonical(trial.config) for trial in rig.trials}) == len(rig.trials) == 10
    assert {trial.state for trial in rig.trials} == {State.COMPLETED}
