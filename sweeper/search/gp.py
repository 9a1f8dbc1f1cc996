"""A Gaussian process over the scores at the highest rung that enough trials have reached."""

from typing import Annotated

from optuna.samplers import BaseSampler
from pydantic import Field

from sweeper.config.space import Space
from sweeper.search import searcher
from sweeper.search.optuna import MemorySearch
from sweeper.search.parts.axes import Axes
from sweeper.search.parts.rung_sampler import Insight, RungSampler
from sweeper.trial import Goal


@searcher("gp")
def gp(
    space: Space,
    goal: Goal,
    seed: int,
    *,
    startup: Annotated[int, Field(ge=2)] = 10,
    random_share: Annotated[float, Field(ge=0, le=1)] = 1 / 3,
    least: Annotated[int, Field(ge=2)] = 8,
    cost_weight: Annotated[float, Field(ge=0)] = 1.0,
    history: Annotated[int, Field(ge=20)] = 100,
) -> MemorySearch:
    """Expected improvement for its predicted seconds, by a Gaussian process over the scores at one rung: the
    highest that `least` trials have reached. `startup` results come first, `random_share` of the proposals
    are random, and the model sees the best and the newest `history` trials."""
    axes, seen = Axes.of_space(space), Insight()

    def sampler(of_seed: int) -> BaseSampler:
        return RungSampler(
            seed=of_seed,
            startup=startup,
            random_share=random_share,
            least=least,
            cost_weight=cost_weight,
            axes=axes,
            seen=seen,
        )

    return MemorySearch(space, goal, seed, sampler, history=history)
