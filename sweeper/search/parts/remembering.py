"""A search that remembers: some of its first proposals are drawn around what was good on other images."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sweeper.config.space import Constant, FloatRange, Parameter, Space
from sweeper.search import Searcher
from sweeper.search.parts.fitting import nearest_value
from sweeper.search.random import draw
from sweeper.trial import Config, State, derive

RATES = ("learning_rate", "weight_decay")
MATTERING = (*RATES, "layers")
"""The parameters whose good values other images tell; a rate only beside the optimizer that it was for."""
OPTIMIZER = "optimizer"
SHARE = 0.5
"""Of the first proposals; it halves after `FADING` trials, for what other images say counts less."""
FADING = 10
SPREAD = math.log(1.5)
"""Standard deviation of a rate's logarithm around a remembered one."""


class Remembering:
    """Draws at random, but for the parameters that matter; all else is the search's own.

    A proposal is a function of the seed and the trial's number, as the search's own are.
    """

    def __init__(
        self, search: Searcher, space: Space, seed: int, prior: Sequence[Mapping[str, Any]], optimizer: str
    ) -> None:
        """`optimizer` is that of trials whose configuration names none."""
        self._search = search
        self._space = space
        self._seed = seed
        self._prior = prior
        self._optimizer = optimizer
        self._drawn: set[int] = set()

    def suggest(self, number: int) -> Config | None:
        """Draw around a remembered configuration, ever more seldom; else ask the search."""
        generator = np.random.default_rng(derive(self._seed, "remembering", number))
        if number in self._drawn or generator.random() >= SHARE * FADING / (FADING + number):
            return self._search.suggest(number)
        self._drawn.add(number)
        config = self._around(self._prior[int(generator.integers(len(self._prior)))], generator)
        self._search.register(number, config)
        return config

    def register(self, number: int, config: Config) -> None:
        """Pass the configuration on."""
        self._search.register(number, config)

    def on_report(self, number: int, epoch: int, score: float) -> None:
        """Pass the report on."""
        self._search.on_report(number, epoch, score)

    def on_complete(self, number: int, state: State, score: float | None, cost: float = 0.0) -> None:
        """Pass the end on."""
        self._search.on_complete(number, state, score, cost)

    def _around(self, good: Mapping[str, Any], generator: np.random.Generator) -> Config:
        chosen: dict[str, Any] = {}

        def choose(label: str, parameter: Parameter) -> Any:
            value = good.get(label)
            if label == OPTIMIZER and not isinstance(parameter, Constant) and value in parameter.extremes():
                found = value  # with it come the rates that it was good with
            elif label in MATTERING and isinstance(value, int | float):
                found = nearest_value(parameter, self._scattered(parameter, value, generator))
            else:
                found = None
            chosen[label] = draw(parameter, generator) if found is None else found
            return chosen[label]

        config = self._space.sample(choose)
        if config.get(OPTIMIZER, self._optimizer) == good.get(OPTIMIZER):
            return config
        rates = {label: self._space.parameters[label] for label in RATES if label in config}
        chosen |= {label: draw(parameter, generator) for label, parameter in rates.items()}
        return self._space.sample(
            lambda label, parameter: chosen[label] if label in chosen else draw(parameter, generator)
        )

    def _scattered(self, parameter: Parameter, value: float, generator: np.random.Generator) -> float:
        if not isinstance(parameter, FloatRange) or not value > 0:
            return value
        return float(value * math.exp(SPREAD * generator.standard_normal()))
