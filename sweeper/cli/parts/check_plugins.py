"""The plug-ins that a sweep file names, checked against their signatures before anything is built."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from sweeper.config.spec import SweepSpec
from sweeper.data.sources import source
from sweeper.errors import SpecError
from sweeper.registry import Registry
from sweeper.schedulers import scheduler
from sweeper.search import searcher

T = TypeVar("T")


def check_plugins(spec: SweepSpec) -> None:
    """Refuse a source, search algorithm or scheduler that does not exist, or an option it does not have.

    Imports the plug-ins named, so Optuna for `tpe`; never torch.
    """
    _check(spec, "dataset.source", source, spec.dataset.source, spec.dataset.options)
    _check(spec, "search.algorithm", searcher, spec.search.algorithm, spec.search.options)
    options = _check(spec, "scheduler.type", scheduler, spec.scheduler.type, spec.scheduler.options)
    build = scheduler[spec.scheduler.type]
    _located(spec, "scheduler", lambda: build(spec.objective.goal, spec.train.epochs, **options))
    if spec.search.algorithm == "grid":
        _located(spec, "parameters", lambda: spec.space.grid())


def _check(
    spec: SweepSpec, key: str, registry: Registry[Any], name: str, options: Mapping[str, Any]
) -> dict[str, Any]:
    section = key.partition(".")[0]
    _located(spec, key, lambda: registry[name])
    for option, value in options.items():
        _located(spec, f"{section}.{option}", lambda o=option, v=value: registry.check_option(name, o, v))
    return _located(spec, section, lambda: registry.check(name, options))


def _located(spec: SweepSpec, path: str, action: Callable[[], T]) -> T:
    """What the action returns; a SpecError of it gets the path and its line."""
    try:
        return action()
    except SpecError as error:
        path = error.where or path
        raise SpecError(f"{path}: {error.problem}", where=spec.where(path), hint=error.hint) from error
