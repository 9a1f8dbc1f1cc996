"""The search that a sweep file names, with what it remembers of other images."""

from sweeper.config.spec import SweepSpec
from sweeper.search import Searcher, searcher
from sweeper.search.parts.remembering import Remembering
from sweeper.trial import Goal

KNOWS_ITS_ORDER = ("grid", "points")
"""Searches that draw nothing, so that a memory has nothing to tell them."""


def built_search(spec: SweepSpec, goal: Goal, *, counts_cost: bool) -> Searcher:
    """Build the search of the file; it looks at score and cost where the objective does and it can."""
    algorithm, options = spec.search.algorithm, spec.search.options
    if counts_cost and "counts_cost" in searcher.options(algorithm):
        options = {"counts_cost": True, **options}
    search = searcher[algorithm](spec.space, goal, spec.search.seed, **options)
    if not spec.search.prior or algorithm in KNOWS_ITS_ORDER:
        return search
    return Remembering(search, spec.space, spec.search.seed, spec.search.prior, spec.train.optimizer)
