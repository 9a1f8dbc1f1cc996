import pytest

from sweeper.config.space import IntRange, Space
from sweeper.search import searcher
from sweeper.search.parts.cost_aware import PROPOSALS, Thrifty
from sweeper.trial import Goal, State, canonical

SPACE = Space({"width": IntRange(low=1, high=64), "depth": IntRange(low=1, high=8)})


class Counting:
    """A search that proposes one width after the other, and remembers what it was told."""

    def __init__(self):
        self.proposed, self.adopted = 0, {}

    def suggest(self, number):
        self.proposed += 1
        return {"width": 64 - self.proposed % 32, "depth": 3}

    def register(self, number, config):
        self.adopted[number] = config

    def on_report(self, number, epoch, score):
        pass

    def on_complete(self, number, state, score, cost=0.0):
        pass


def taught(search, trials=12):
    """Ten epochs take as many seconds as width times depth says."""
    for number in range(trials):
        config = {"width": 1 + 5 * number, "depth": 1 + number % 8}
        search.register(number, config)
        search.on_report(number, 10, 0.5)
        search.on_complete(number, State.COMPLETED, 0.5, config["width"] * config["depth"] / 10)
    return search


def test_of_several_proposals_it_takes_the_cheapest_and_the_search_hears_of_that_one():
    inner = Counting()
    search = taught(Thrifty(inner, SPACE, cooling=10_000))
    config = search.suggest(12)
    assert inner.proposed == PROPOSALS
    assert config == inner.adopted[12] == {"width": 64 - PROPOSALS, "depth": 3}


@pytest.mark.parametrize(("number", "proposals"), [(0, 8), (20, 4), (39, 1), (40, 1), (1000, 1)])
def test_cost_counts_ever_less(number, proposals):
    inner = Counting()
    search = taught(Thrifty(inner, SPACE, cooling=40))
    search.suggest(number)
    assert inner.proposed == pytest.approx(proposals, abs=1)


def test_before_three_trials_are_over_nothing_is_known_of_cost():
    inner = Counting()
    taught(Thrifty(inner, SPACE, cooling=40), trials=2).suggest(2)
    assert inner.proposed == 1


def test_a_search_that_has_nothing_left_is_not_asked_again():
    class Exhausted(Counting):
        def suggest(self, number):
            return None

    assert taught(Thrifty(Exhausted(), SPACE, cooling=40)).suggest(12) is None


def build(seed=3):
    return searcher["tpe"](SPACE, Goal.MAXIMIZE, seed, startup=3, cost_aware=True, cooling=30)


def live(search, trials):
    log = []
    for number in range(trials):
        config = search.suggest(number)
        cost = config["width"] * config["depth"] / 10
        log.append((number, config, cost))
        search.on_report(number, 10, 0.1 * config["depth"])
        search.on_complete(number, State.COMPLETED, 0.1 * config["depth"], cost)
    return log


def test_a_search_built_from_the_record_proposes_what_the_live_one_would():
    search, again = build(), build()
    for number, config, cost in live(search, 15):
        again.register(number, config)
        again.on_report(number, 10, 0.1 * config["depth"])
        again.on_complete(number, State.COMPLETED, 0.1 * config["depth"], cost)
    for number in range(15, 18):
        assert canonical(search.suggest(number)) == canonical(again.suggest(number))


def test_it_spends_less_on_its_first_trials_than_the_search_alone():
    alone = searcher["tpe"](SPACE, Goal.MAXIMIZE, 3, startup=3)
    first = [sum(cost for _, _, cost in live(search, 15)) for search in (build(), alone)]
    assert first[0] < first[1]
