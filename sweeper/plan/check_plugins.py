"""This module checks a sweep file's plug-ins and limits against signatures, before anything is built."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import yaml

from sweeper.config.sections import Open
from sweeper.config.spec import SweepSpec
from sweeper.data.sources import source
from sweeper.errors import Mistakes, SpecError
from sweeper.registry import Registry
from sweeper.schedulers import scheduler
from sweeper.search import searcher
from sweeper.search.points import has_points_only

T = TypeVar("T")


def check_plugins(spec: SweepSpec) -> None:
    """Refuse every source, search algorithm or scheduler that does not exist, and options it does not have.

    Imports neither torch nor, without options for the search, Optuna: names and options come from the source.
    """
    mistakes = Mistakes()
    for check in (_check_source, _check_search, _check_scheduler):
        with mistakes.collected():
            check(spec)
    mistakes.refuse()


def check_end(spec: SweepSpec) -> None:
    """Refuse a sweep without any limit on an infinite space, which never ends, and one of no points."""
    if has_points_only(spec):
        if not spec.points:
            problem = "search.algorithm: 'points' runs the points alone, and there are none"
            path = "search.algorithm"
            raise SpecError(problem, where=spec.where(path), hint="write some, or `tpe`", path=path)
        return
    limits = spec.budget.model_dump(exclude={"max_failed"})
    if spec.space.size is None and not any(limits.values()):
        problem = "budget: found no limit, and the space is infinite: the sweep would never end"
        hint = "add budget: {trials: 24}"
        raise SpecError(problem, where=spec.where("budget"), hint=hint, path="budget")


def check_devices(spec: SweepSpec) -> None:
    """Refuse trials of more than one GPU: nothing would use the second one, which is billed all the same."""
    held = [("resources.gpu", spec.resources.gpu)]
    held += [
        (f"resources.rules.{number}.gpu", rule.gpu or 0.0) for number, rule in enumerate(spec.resources.rules)
    ]
    mistakes = Mistakes()
    for path, gpus in held:
        with mistakes.collected():
            if gpus > 1:
                problem = f"{path}: found {gpus:g}, expected at most 1: a trial trains on one GPU"
                hint = (
                    "write 1: a second GPU then trains a second trial, which pays more than half of this one"
                )
                raise SpecError(problem, where=spec.where(path), hint=hint, path=path)
    mistakes.refuse()


def _check_source(spec: SweepSpec) -> None:
    _check(spec, "dataset.source", source, spec.dataset.source, spec.dataset)


def _check_search(spec: SweepSpec) -> None:
    options = _check(spec, "search.algorithm", searcher, spec.search.algorithm, spec.search)
    if spec.search.algorithm == "grid":
        _located(spec, "", spec.space.grid)
    if spec.search.options:  # only those can be refused here; Optuna takes half a second to import
        search = searcher[spec.search.algorithm]
        goal, seed = spec.objective.goal, spec.search.seed
        _located(spec, "search", lambda: search(spec.space, goal, seed, **options))


def _check_scheduler(spec: SweepSpec) -> None:
    options = _check(spec, "scheduler.type", scheduler, spec.scheduler.type, spec.scheduler)
    build = scheduler[spec.scheduler.type]
    _located(spec, "scheduler", lambda: build(spec.objective.goal, spec.train.epochs, **options))


def _check(spec: SweepSpec, key: str, registry: Registry[Any], name: str, section: Open) -> dict[str, Any]:
    top, options = key.partition(".")[0], section.options
    known = _located(spec, key, lambda: registry.options(name))
    strange = [option for option in options if option not in known]
    if strange and any(each.startswith(f"{key}=") for each in spec.overrides):
        raise _left_over(spec, key, f"{registry.kind} {name!r}", strange, section)
    mistakes = Mistakes()
    for option, value in options.items():
        with mistakes.collected():
            _located(spec, f"{top}.{option}", lambda o=option, v=value: registry.check_option(name, o, v))
    mistakes.refuse()
    return _located(spec, top, lambda: registry.check(name, options))


def _left_over(spec: SweepSpec, key: str, plugin: str, strange: Sequence[str], section: Open) -> SpecError:
    """Say that only the plug-in's name was overridden, while the file still has the options of another."""
    top = key.partition(".")[0]
    kept = section.model_dump(mode="json", include=section.model_fields_set - set(section.options))
    whole = yaml.safe_dump(kept, default_flow_style=True, sort_keys=False, width=10_000).strip()
    problem = f"{key}: the file gives {top} {' and '.join(strange)}, which {plugin} does not have"
    hint = f"replace the whole section: -o '{top}={whole}'"
    return SpecError(problem, where=spec.where(key), hint=hint, path=key)


def _located(spec: SweepSpec, path: str, action: Callable[[], T]) -> T:
    """Return what the action returns; a SpecError of it gets its line, and the path before its own."""
    try:
        return action()
    except SpecError as error:
        # the key that it names, where that is one of this section and not the section's own name again
        inner = error.path if error.path != path.rpartition(".")[2] else ""
        path = ".".join(word for word in (path, inner) if word)
        raise error.at(path, spec.where(path)) from error
