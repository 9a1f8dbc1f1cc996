import math

import pytest

from sweeper.config.parameter import Choice, FloatRange, IntRange
from sweeper.config.space import Space
from sweeper.search.parts.importance import ENOUGH, importances

SPACE = Space(
    {
        "learning_rate": FloatRange(low=1e-3, high=1e-1, log=True),
        "layers": IntRange(low=1, high=4),
        "dropout": FloatRange(low=0.0, high=0.5),
        "optimizer": Choice(values=("adamw", "sgd")),
        "momentum": FloatRange(low=0.5, high=0.9, when={"optimizer": ["sgd"]}),
        "filters": Choice(values=(16, 32), per="layers"),
    }
)


def configs(count):
    made = []
    for number in range(1, count + 1):
        at = {"learning_rate": 2, "layers": 3, "dropout": 5, "optimizer": 7, "momentum": 11}

        def choose(name, parameter, number=number, at=at):
            share = math.modf(number * math.sqrt(at.get(name, 13)))[0]
            if isinstance(parameter, Choice):
                return parameter.values[int(share * len(parameter.values))]
            if isinstance(parameter, IntRange):
                return parameter.values[int(share * len(parameter.values))]
            if parameter.log:
                return parameter.low * (parameter.high / parameter.low) ** share
            return parameter.low + share * (parameter.high - parameter.low)

        made.append(SPACE.sample(choose))
    return made


@pytest.mark.slow(reason="140 evaluations of PED-ANOVA")
def test_what_decides_comes_first_and_is_told_from_chance():
    trials = configs(60)
    found = importances(SPACE, trials, [math.log(config["learning_rate"]) for config in trials], seed=1)
    assert found[0].parameter == "learning_rate"
    assert found[0].is_told_from_chance
    assert {each.parameter for each in found} == set(SPACE.parameters), "a list and a conditional count once"
    assert not any(each.is_told_from_chance for each in found[2:])


def test_few_trials_and_equal_figures_say_nothing():
    trials = configs(ENOUGH)
    assert importances(SPACE, trials[1:], [float(n) for n in range(ENOUGH - 1)], seed=1) == []
    assert importances(SPACE, trials, [1.0] * ENOUGH, seed=1) == []
