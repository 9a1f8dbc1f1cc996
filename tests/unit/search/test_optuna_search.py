import math
import warnings

import pytest

from sweeper.errors import SpecError
from sweeper.search import searcher
from sweeper.trial import Goal, State, canonical

NUMERIC = {
    "learning_rate": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-1},
    "layers": {"min": 1, "max": 5},
}


def tpe(space, goal=Goal.MAXIMIZE, seed=7, **options):
    return searcher["tpe"](space, goal, seed, **({"startup": 4} | options))


def quality(config):
    rate = config.get("learning_rate", 1e-2)
    return 1 - abs(math.log10(rate) + 2.5) - 0.1 * abs(config.get("layers", 3) - 3)


def live(search, space, trials, workers=1, kind=lambda number: State.COMPLETED):
    """Run trials, `workers` at a time; returns the log that a record would hold."""
    log, open_ = [], []
    for number in range(trials):
        config = search.suggest(number)
        log.append(("register", number, config))
        open_.append((number, config))
        if len(open_) == workers:
            number, config = open_.pop(0)
            log.append(("on_report", number, 1, quality(config) / 2))
            state = kind(number)
            score = quality(config) if state in (State.COMPLETED, State.STOPPED) else None
            log.append(("on_complete", number, state, score))
            search.on_report(*log[-2][1:])
            search.on_complete(*log[-1][1:])
    return log


def replayed(search, log):
    for word, *rest in log:
        getattr(search, word)(*rest)
    return search


STATES = [State.COMPLETED, State.STOPPED, State.FAILED, State.CANCELLED, State.INFEASIBLE]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("whole", [False, True], ids=["numeric", "conditional"])
@pytest.mark.parametrize("goal", [Goal.MAXIMIZE, Goal.MINIMIZE])
def test_a_study_built_from_the_record_proposes_what_the_live_one_would(make_space, whole, workers, goal):
    space = make_space() if whole else make_space(NUMERIC)
    search = tpe(space, goal)
    log = live(search, space, 24, workers, kind=lambda number: STATES[number % 5 if number > 6 else 0])
    again = replayed(tpe(space, goal), log)
    for number in range(24, 28):
        assert canonical(search.suggest(number)) == canonical(again.suggest(number))


def test_a_proposal_depends_on_the_seed_and_on_what_was_learnt(make_space):
    space = make_space(NUMERIC)
    log = live(tpe(space), space, 12)
    first, same, other = (replayed(tpe(space, seed=seed), log) for seed in (7, 7, 8))
    ignorant = tpe(space)
    proposals = [canonical(search.suggest(12)) for search in (first, same, other, ignorant)]
    assert proposals[0] == proposals[1]
    assert len(set(proposals)) == 3


@pytest.mark.parametrize("algorithm", ["tpe", "nsga2"])
def test_every_proposal_lies_in_the_space(make_space, algorithm):
    space = make_space()
    search = searcher[algorithm](space, Goal.MAXIMIZE, 3)
    for number in range(40):
        config = search.suggest(number)
        assert space.contains(config), config
        assert len(config.get("filters", [])) == config.get("layers", 0)
        search.on_complete(number, State.COMPLETED, quality(config), 1.0)


def test_it_learns_where_the_good_ones_are(make_space):
    space = make_space(NUMERIC)
    for goal, sign in ((Goal.MAXIMIZE, 1), (Goal.MINIMIZE, -1)):
        search, scores = tpe(space, goal, startup=10), []
        for number in range(50):
            config = search.suggest(number)
            scores.append(quality(config))
            search.on_complete(number, State.COMPLETED, sign * scores[-1])
        assert sum(scores[-20:]) / 20 > sum(scores[:10]) / 10


def test_a_stopped_trial_teaches_too(make_space):
    """TPE leaves its random start although every trial was stopped early."""
    space = make_space(NUMERIC)
    search = tpe(space)
    live(search, space, 12, kind=lambda number: State.STOPPED)
    learnt, ignorant = search.suggest(12), tpe(space).suggest(12)
    assert learnt != ignorant


def test_a_promoted_trial_teaches_what_it_reached_in_the_end(make_space):
    """It was told as stopped when it paused at its first rung."""
    space = make_space(NUMERIC)
    paused, promoted = tpe(space), tpe(space)
    for search in (paused, promoted):
        live(search, space, 12, kind=lambda number: State.STOPPED)
    for epoch in (1, 2, 3):
        promoted.on_report(4, epoch, 0.9)
    promoted.on_complete(4, State.COMPLETED, 0.9)
    assert promoted.suggest(12) != paused.suggest(12)


def test_a_promoted_trial_is_replayed_as_it_was_lived(make_space):
    space = make_space()
    search = tpe(space)
    log = live(search, space, 12, kind=lambda number: State.STOPPED)
    more = [("on_report", 4, 2, 0.8), ("on_complete", 4, State.STOPPED, 0.8), ("on_report", 4, 3, 0.9),
            ("on_complete", 4, State.COMPLETED, 0.9)]  # fmt: skip
    replayed(search, more)
    assert search.suggest(12) == replayed(tpe(space), log + more).suggest(12)


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_trial_without_a_result_teaches_nothing(make_space, state):
    space = make_space(NUMERIC)
    log = live(tpe(space), space, 10)
    wiser = [*log, ("register", 10, {"learning_rate": 0.01, "layers": 2}), ("on_complete", 10, state, None)]
    assert replayed(tpe(space), log).suggest(11) == replayed(tpe(space), wiser).suggest(11)


def test_a_configuration_outside_the_space_is_passed_over(make_space):
    space = make_space(NUMERIC)
    search = tpe(space)
    search.register(0, {"learning_rate": 5.0, "layers": 99})
    search.on_report(0, 1, 0.5)
    search.on_complete(0, State.COMPLETED, 0.5)
    search.on_complete(77, State.COMPLETED, 0.5)
    assert search.suggest(1) == tpe(space).suggest(1)


def test_words_that_come_twice_are_heard_once_and_without_a_warning(make_space):
    search = tpe(make_space(NUMERIC))
    search.suggest(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for _ in range(2):
            search.on_report(0, 1, 0.5)
            search.on_report(0, 2, 0.6)
        for _ in range(2):
            search.on_complete(0, State.STOPPED, 0.6)
            search.on_report(0, 3, 0.7)


def test_a_drawn_configuration_is_not_proposed_for_ever(make_space):
    """The sweep draws again when it has run the configuration before."""
    search = tpe(make_space({"layers": {"min": 1, "max": 3}}))
    drawn = set()
    for _ in range(30):
        drawn.add(canonical(search.suggest(0)))
        search.on_complete(0, State.CANCELLED, None)
    assert len(drawn) == 3


def test_values_come_back_as_the_sweep_file_writes_them(make_space):
    space = make_space()
    search = tpe(space)
    for number in range(15):
        config = search.suggest(number)
        assert type(config["batch_norm"]) is bool
        assert config["kernel"] in ([3, 3], [5, 5])
        assert config["dropout"] in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
        assert config["epochs"] == 9
        search.on_complete(number, State.COMPLETED, 0.5)


@pytest.mark.parametrize(
    "values", [[1, True], [0, False, None], ["[3, 3]", [3, 3]], ["null", None], [[1], [1.5], "a"]]
)
def test_values_that_look_alike_are_told_apart(make_space, values):
    space = make_space({"odd": {"values": values}, "layers": {"min": 1, "max": 50}})
    search = tpe(space)
    drawn = [search.suggest(number)["odd"] for number in range(40)]
    assert len({canonical({"odd": value}) for value in drawn}) == len(values)


def test_a_sampler_can_be_named_and_a_wrong_name_is_answered_with_the_nearest(make_space):
    space = make_space(NUMERIC)
    search = searcher["optuna"](space, Goal.MAXIMIZE, 7, sampler="QMCSampler")
    assert space.contains(search.suggest(0))
    with pytest.raises(SpecError, match="did you mean 'TPESampler'"):
        searcher["optuna"](space, Goal.MAXIMIZE, 7, sampler="TPESampeler")
    with pytest.raises(SpecError, match="QMCSampler"):
        searcher["optuna"](space, Goal.MAXIMIZE, 7, sampler="QMCSampler", options={"nonsense": 1})


def test_cost_can_be_an_objective_of_its_own(make_space):
    space = make_space(NUMERIC)
    search = tpe(space, counts_cost=True)
    for number in range(12):
        config = search.suggest(number)
        search.on_report(number, 1, quality(config))
        search.on_complete(
            number, [State.COMPLETED, State.STOPPED][number % 2], quality(config), float(number)
        )
    assert space.contains(search.suggest(12))


def test_results_of_earlier_sweeps_teach_under_numbers_below_zero(make_space):
    """Optuna leaves out the trial with the number that it is asked for."""
    space = make_space(NUMERIC)
    search = tpe(space)
    for number in range(-8, 0):
        config = {"learning_rate": 0.001 if number % 2 else 0.09, "layers": 3}
        search.register(number, config)
        search.on_complete(number, State.COMPLETED, quality(config))
    assert search.suggest(0) != tpe(space).suggest(0)


def test_what_cannot_be_trained_is_left_alone(make_space):
    """Redrawn configurations keep their trial's number; each of them stays a violated constraint."""
    space = make_space({"layers": {"min": 1, "max": 20}, "width": {"min": 1, "max": 20}})
    search, refused = tpe(space), []
    for number in range(40):
        for _ in range(20):
            config = search.suggest(number)
            if config["layers"] <= 5:
                break
            refused.append(number)
            search.on_complete(number, State.INFEASIBLE, None)
        search.on_complete(number, State.COMPLETED, 0.5)
    assert sum(number >= 30 for number in refused) <= sum(number < 10 for number in refused)


def test_a_proposal_costs_no_more_with_thousands_of_trials_than_with_hundreds(make_space, lines_run):
    """The sampler sees `history` of them, and as many that run."""
    space = make_space(NUMERIC)
    random = searcher["random"](space, Goal.MAXIMIZE, 1)

    def lines(trials):
        search = tpe(space, history=30)
        for number in range(trials):
            search.register(number, random.suggest(number))
            if number % 2:
                search.on_complete(number, State.COMPLETED, 0.5)
        search.suggest(trials)  # what it sees is put into Optuna's words once
        return lines_run(lambda: [search.suggest(trials + 1 + number) for number in range(10)])

    assert lines(2000) < 2 * lines(100)
