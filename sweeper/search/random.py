"""Random search: each configuration is a function of the seed and the trial's number alone."""

import math

import numpy as np

from sweeper.config.space import Choice, Constant, FloatRange, IntRange, Parameter, Space
from sweeper.search import searcher
from sweeper.trial import Config, Goal, State, derive


class RandomSearch:
    """Independent draws, uniform or log-uniform as the space says; learns nothing."""

    def __init__(self, space: Space, seed: int) -> None:
        self._space = space
        self._seed = seed
        self._draws: dict[int, int] = {}

    def suggest(self, number: int) -> Config:
        """Draw a configuration; it is never exhausted."""
        again = self._draws.get(number, 0)
        self._draws[number] = again + 1
        generator = np.random.default_rng(derive(self._seed, "random search", number, again))
        return self._space.sample(lambda _, parameter: draw(parameter, generator))

    def register(self, number: int, config: Config) -> None:
        """Nothing to learn."""

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Nothing to learn."""

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Nothing to learn."""


def draw(parameter: Parameter, generator: np.random.Generator) -> object:
    """Draw one value of the parameter."""
    match parameter:
        case Constant():
            return parameter.value
        case Choice():
            return parameter.values[int(generator.integers(len(parameter.values)))]
        case IntRange():
            steps = (parameter.high - parameter.low) // parameter.step
            if parameter.log:
                low, high = math.log(parameter.low), math.log(parameter.high + 1)
                return min(int(math.exp(generator.uniform(low, high))), parameter.high)
            return parameter.low + parameter.step * int(generator.integers(steps + 1))
        case FloatRange():
            return _draw_float(parameter, generator)


def _draw_float(parameter: FloatRange, generator: np.random.Generator) -> float:
    if parameter.log:
        return math.exp(generator.uniform(math.log(parameter.low), math.log(parameter.high)))
    if parameter.step is None:
        return float(generator.uniform(parameter.low, parameter.high))
    return float(parameter.values[int(generator.integers(len(parameter.values)))])


@searcher("random")
def random(space: Space, goal: Goal, seed: int) -> RandomSearch:
    """Independent draws from the space."""
    return RandomSearch(space, seed)
