"""The plug-ins and limits of a sweep file, checked against signatures before anything is built of them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sweeper.config.spec import SweepSpec
from sweeper.data.sources import source
from sweeper.errors import SpecError
from sweeper.registry import Registry
from sweeper.schedulers import scheduler
from sweeper.search import searcher
from sweeper.search.points import has_points_only

T = TypeVar("T")


def check_plugins(spec: SweepSpec) -> None:
    """Refuse a source, search algorithm or scheduler that does not exist, or an option it does not have.

    Imports neither torch nor, without options for the search, Optuna: names and options come from the source.
    """
    goal, seed = spec.objective.goal, spec.search.seed
    _check(spec, "dataset.source", source, spec.dataset.source, spec.dataset.options)
    options = _check(spec, "search.algorithm", searcher, spec.search.algorithm, spec.search.options)
    if spec.search.algorithm == "grid":
        _located(spec, "", spec.space.grid)
    if spec.search.options:  # only those can be refused here; Optuna takes half a second to import
        search = searcher[spec.search.algorithm]
        _located(spec, "search", lambda: search(spec.space, goal, seed, **options))
    options = _check(spec, "scheduler.type", scheduler, spec.scheduler.type, spec.scheduler.options)
    build = scheduler[spec.scheduler.type]
    _located(spec, "scheduler", lambda: build(goal, spec.train.epochs, **options))


def check_end(spec: SweepSpec) -> None:
    """A sweep without any limit on an infinite space would never end; one of no points would not begin."""
    if has_points_only(spec):
        if not spec.points:
            problem = "search.algorithm: 'points' runs the points alone, and there are none"
            raise SpecError(problem, where=spec.where("search.algorithm"), hint="write some, or `tpe`")
        return
    limits = spec.budget.model_dump(exclude={"max_failed"})
    if spec.space.size is None and not any(limits.values()):
        problem = "budget: found no limit, and the space is infinite: the sweep would never end"
        raise SpecError(problem, where=spec.where("budget"), hint="add budget: {trials: 24}")


def _check(
    spec: SweepSpec, key: str, registry: Registry[Any], name: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    section = key.partition(".")[0]
    _located(spec, key, lambda: registry.options(name))
    for option, value in options.items():
        _located(spec, f"{section}.{option}", lambda o=option, v=value: registry.check_option(name, o, v))
    return _located(spec, section, lambda: registry.check(name, options))


def _located(spec: SweepSpec, path: str, action: Callable[[], T]) -> T:
    """What the action returns; a SpecError of it gets the path, or keeps its own, and its line."""
    try:
        return action()
    except SpecError as error:
        path = path or error.path
        raise error.at(path, spec.where(path)) from error
