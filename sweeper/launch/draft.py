"""This module checks, plans and estimates a launch before anything is written."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.errors import SpecError
from sweeper.launch.check_tracking import check_tracking
from sweeper.launch.create import anchored
from sweeper.launch.recollection import recollected, with_prior
from sweeper.launch.warm_start import known_events, within_limits
from sweeper.plan.estimate import basis, quote, quote_of, situation, usd_per_hour
from sweeper.plan.plan import Plan, make_plan
from sweeper.plan.rehearsal import QUICK, THOROUGH
from sweeper.search.parts.portfolio_start import started, with_members
from sweeper.store.events import Event
from sweeper.store.paths import cache_root


@dataclass(frozen=True, slots=True)
class Draft:
    """A sweep that could be launched: what it would do and cost, and what earlier sweeps found out."""

    spec: SweepSpec
    plan: Plan
    known: tuple[Event, ...]
    quote: CostEstimate


def draft(spec: SweepSpec, options: RunOptions, *, is_thorough: bool = False) -> Draft:
    """Check, plan and estimate, once the runner is chosen. Writes nothing but the cache.

    SpecError or DataError for what cannot run.
    """
    spec = anchored(spec)
    check_tracking(spec)
    _refuse_packs_with_ray(spec, options)
    spec, plan, known = _begun(spec, make_plan(spec, cache_root()))
    return Draft(spec, plan, known, quote_of(spec, plan, options, THOROUGH if is_thorough else QUICK))


def preview(
    spec: SweepSpec, options: RunOptions, *, slots: int | None, is_probing: bool, say: Callable[[str], None]
) -> Draft:
    """Plan a sweep and estimate it thoroughly, for so many slots or as many as this machine has.

    With `is_probing` a few networks are trained here for some steps, and their pace is kept for later.
    """
    spec = anchored(spec)
    check_tracking(spec)
    usd = usd_per_hour(options)
    spec, plan, known = _begun(spec, make_plan(spec, cache_root()))
    where = situation(spec, slots=slots, usd=usd)
    if is_probing:
        plan.require_weights()
        say("timing a few networks on this machine ...")
    on = basis(spec, plan, cache_root(), where, probing=is_probing)
    if plan.packing.size > 1 and not slots and (spec.resources.fused > 1 or where.slots == 1):
        where = replace(where, slots=1).shared_by(plan.packing.size)
    return Draft(spec, plan, known, quote(spec, plan, where, on))


def _refuse_packs_with_ray(spec: SweepSpec, options: RunOptions) -> None:
    if spec.resources.fused > 1 and options.runner == "ray_tune":
        raise SpecError(
            f"resources.fuse: found {spec.resources.fused}, but with Ray each trial has a process of its own",
            where=spec.where("resources.fuse"),
            hint="--runner subprocess trains packs on one device; `fuse: off` trains alone on all of them",
            path="resources.fuse",
        )


def _begun(spec: SweepSpec, plan: Plan) -> tuple[SweepSpec, Plan, tuple[Event, ...]]:
    """Return the sweep with its portfolio and its prior, and what earlier sweeps found out.

    The portfolio is fitted here, where it is known which networks can be built.
    """
    found, refuse = recollected(spec, plan.facts.digest), plan.refusal(spec)
    earlier = (*known_events(spec, plan.facts.digest), *found.known)
    known = within_limits(spec, earlier, refuse)
    said = [*found.said]
    if left := len(earlier) - len(known):
        said.append(f"memory: {left} of {len(earlier)} earlier results left out: beyond objective.limits")
    start = started(spec, refuse)
    begun = with_members(with_prior(spec, found), start)
    return begun, replace(plan, start=start, memory=tuple(said)), tuple(known)
