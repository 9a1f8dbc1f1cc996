"""This module plans a sweep: it checks the space against the images and builds sample networks."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sweeper.config.parameter import Parameter
from sweeper.config.spec import SweepSpec
from sweeper.data.dataset import DataFacts, describe
from sweeper.data.usable import refuse_unusable
from sweeper.errors import PreflightError, SpecError
from sweeper.plan.check_limits import objective_lines
from sweeper.plan.check_spec import TRIES, check_spec, drawn
from sweeper.plan.image_variants import pixel_sizes
from sweeper.plan.network_cost import Sample, automatic_text, size_of
from sweeper.plan.packing import Packing, gpu_memory, packing
from sweeper.plan.refusal import Refusal, absent_weights
from sweeper.search.parts.portfolio_start import Start
from sweeper.search.points import configurations, has_points_only
from sweeper.trial import Config, canonical, derive

CORNERS = 14
"""The number of extremes among which the cheapest and the dearest network are looked for."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The space (`size` is None for an infinite one), the data, sample networks, and warnings.

    `corners` are the cheapest and the dearest network that some extremes of the parameters give, by their
    operations in an epoch. `absent` are weights that some networks need and this machine does not have:
    nothing can be launched. `start` is the portfolio that runs first, if one does, `memory` what is to be
    said of earlier sweeps, `packing` which trials train as one.
    """

    facts: DataFacts
    pixels: tuple[int, ...]
    size: int | None
    samples: tuple[Sample, ...]
    corners: tuple[Sample, ...]
    warnings: tuple[str, ...]
    absent: PreflightError | None = None
    start: Start | None = None
    memory: tuple[str, ...] = ()
    packing: Packing = field(default_factory=Packing)

    def refusal(self, spec: SweepSpec) -> Refusal:
        """Why a configuration cannot be trained on these images."""
        return Refusal(spec, self.facts)

    def require_weights(self) -> None:
        """PreflightError with what to place where, and how to go on without."""
        if self.absent:
            raise self.absent


def make_plan(spec: SweepSpec, cache: Path, samples: int = 5) -> Plan:
    """Read the images' index and build networks on the meta device; train nothing.

    SpecError for a parameter that nothing knows, a value that its part refuses, a point whose network
    cannot be built, and a value with which none can; DataError for images that cannot be read.
    """
    check_spec(spec)
    facts = describe(spec.dataset, cache)
    refuse_unusable(spec.dataset, facts)
    refusal = Refusal(spec, facts)
    has_search = not has_points_only(spec)
    values = _check_values(spec, refusal.unlimited()) if has_search else ()
    warnings = (*facts.warnings, *values, *objective_lines(spec, facts))
    for number, config in enumerate(configurations(spec)):
        if reason := refusal(config):
            raise SpecError(f"points.{number}: {reason}", where=spec.where(f"points.{number}"))
    chosen = [Sample(name, c, size_of(c, spec, facts)) for name, c in _samples(spec, refusal, samples)]
    corners = _corners(spec, facts, refusal) if has_search else ()
    size = spec.space.size if has_search else len(spec.points)
    absent = absent_weights(refusal)
    batches = dict.fromkeys(automatic_text(each.config, spec, facts) for each in chosen)
    warnings = (*warnings, *refusal.notes, *filter(None, batches))
    packed = packing(
        spec, _drawn(spec, refusal), lambda config: size_of(config, spec, facts).memory, gpu_memory(spec)
    )
    return Plan(facts, pixel_sizes(spec), size, tuple(chosen), corners, warnings, absent, packing=packed)


def _check_values(spec: SweepSpec, refusal: Refusal) -> Iterator[str]:
    """Refuse an extreme value that fits no network; yield a warning for each that fits some only."""
    for name, parameter in spec.parameters.items():
        for value in parameter.extremes():
            reasons = [refusal(config) for config in _with_value(spec, name, value)]
            if not reasons:
                continue
            if all(reasons):
                problem = f"parameters.{name}: no network can be trained with {name}={value}: {reasons[0]}"
                raise SpecError(problem, where=spec.where(f"parameters.{name}"))
            if any(reasons):
                impossible = next(reason for reason in reasons if reason)
                yield f"{name}={value} is not always possible, such draws are skipped: {impossible}"


def _with_value(spec: SweepSpec, name: str, value: Any) -> list[Config]:
    """Yield up to five draws in which the parameter has that value.

    None where its conditions are never met.
    """
    found: list[Config] = []
    for number in range(TRIES):
        config = drawn(spec, number, {name: value})
        if name in config:
            found.append(config)
        if len(found) == 5:
            break
    return found


def _samples(spec: SweepSpec, refusal: Refusal, wanted: int) -> list[tuple[str, Config]]:
    """Yield the named points first, then draws that can be built."""
    names = [str(point.get("name", f"point {number}")) for number, point in enumerate(spec.points, start=1)]
    named = list(zip(names, configurations(spec), strict=True))[:wanted]
    if has_points_only(spec):
        return named
    possible = _drawn(spec, refusal)[: wanted - len(named)]
    return named + [(f"sample {number}", config) for number, config in enumerate(possible, start=1)]


def _drawn(spec: SweepSpec, refusal: Refusal) -> list[Config]:
    """Return the points, where there is nothing else, or some draws, as far as they can be built."""
    if has_points_only(spec):
        return list(configurations(spec))
    draws = (drawn(spec, number) for number in range(TRIES))
    return [config for config in draws if not refusal(config)]


def _corners(spec: SweepSpec, facts: DataFacts, refusal: Refusal) -> tuple[Sample, ...]:
    """Return the cheapest and the dearest of the extremes that a few draws find; some cannot be built."""
    generator = np.random.default_rng(derive(spec.search.seed, "corners"))

    def extreme(name: str, parameter: Parameter) -> Any:
        ends = parameter.extremes()
        return ends[int(generator.integers(len(ends)))]

    ends_met = itertools.chain(
        itertools.islice(spec.space.corners(), 2), (spec.space.sample(extreme) for _ in range(CORNERS))
    )
    sizes: dict[str, Sample] = {}
    for config in ends_met:
        with contextlib.suppress(SpecError):
            if spec.objective.limits and refusal(config):
                continue
            sizes.setdefault(canonical(config), Sample("", config, size_of(config, spec, facts)))
    ordered = sorted(sizes.values(), key=lambda sample: sample.size.operations)
    if not ordered:
        return ()
    return replace(ordered[0], name="cheapest corner"), replace(ordered[-1], name="dearest corner")
