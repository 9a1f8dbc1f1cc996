"""Whether the networks of a space keep `objective.limits`, and how many of them do."""

import itertools
from collections.abc import Iterator
from typing import Any

from sweeper.config.parameter import Parameter
from sweeper.config.spec import SweepSpec
from sweeper.data.dataset import DataFacts
from sweeper.errors import SpecError
from sweeper.plan.check_objective import objective_notes
from sweeper.plan.check_spec import drawn
from sweeper.plan.network_cost import size_of
from sweeper.plan.refusal import Refusal
from sweeper.search.points import has_points_only
from sweeper.trial import Config
from sweeper.wording import config_text

DRAWS, ROUNDS = 100, 3


def objective_lines(spec: SweepSpec, facts: DataFacts) -> Iterator[str]:
    """Say all that is to say of the objective: of its metric, and of its limits where a space is searched."""
    if not has_points_only(spec):
        yield from limit_notes(spec, facts)
    yield from objective_notes(spec, facts.per_class_and_split["valid"])


def limit_notes(spec: SweepSpec, facts: DataFacts) -> Iterator[str]:
    """Say what part of the space keeps the limits; SpecError where no network does that was found."""
    limits = spec.objective.limits
    if limits is None:
        return
    if limits.milliseconds is not None:
        yield (
            f"objective.limits: a trial ends after its first epoch where one image alone takes more than "
            f"{limits.milliseconds:g} ms on its device"
        )
    if not limits.is_counted:
        return
    bound = Refusal(spec, facts)
    free = bound.unlimited()
    possible = [config for config in (drawn(spec, number) for number in range(DRAWS)) if not free(config)]
    words = config_text({name: limit for name, limit in limits.named.items() if name != "milliseconds"})
    if kept := sum(not bound(config) for config in possible):
        share = f"{100 * kept / len(possible):.0f} %"
        yield f"objective.limits: {share} of {len(possible)} draws keep {words}; others are drawn again"
        return
    smallest = _smallest(spec, facts, possible, free)
    reason = bound(smallest) if smallest else ""
    if smallest is None or reason:
        problem = f"no network of the space keeps {words}"
        hint = f"the smallest that was found: {reason}" if smallest else "none of it can be built"
        raise SpecError(problem, path="objective.limits", where=spec.where("objective.limits"), hint=hint)
    yield f"objective.limits: none of {len(possible)} draws keeps {words}, but {config_text(smallest)} does"


def _smallest(spec: SweepSpec, facts: DataFacts, found: list[Config], free: Refusal) -> Config | None:
    """Go down from the draw with the least, one parameter's extreme after the other."""

    def taken(config: Config) -> float:
        """Parameters and operations, each as a multiple of its limit: the greater counts."""
        limits, size = spec.objective.limits, size_of(config, spec, facts)
        figures = {"parameters": size.parameters, "operations": sum(row.flops for row in size.layers)}
        named = limits.named if limits else {}
        return max((figures[name] / limit for name, limit in named.items() if name in figures), default=0.0)

    best = min(found, key=taken, default=None)
    if best is None:
        return None
    for _, (name, parameter) in itertools.product(range(ROUNDS), spec.parameters.items()):
        for value in parameter.extremes():
            changed = _with(spec, best, name, value, parameter)
            if changed is not None and not free(changed) and taken(changed) < taken(best):
                best = changed
    return best


def _with(spec: SweepSpec, config: Config, name: str, value: Any, parameter: Parameter) -> Config | None:
    """The configuration with another value, as long as the space still holds it."""
    if name not in config or config[name] == value:
        return None
    changed = drawn(spec, 0, {**config, name: value})
    return changed if changed.get(name) == value else None
