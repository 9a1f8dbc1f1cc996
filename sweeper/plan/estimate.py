"""This module makes the quote: it finds the pace of a sweep's networks and rehearses the sweep at it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from sweeper.config.run_options import RunOptions
from sweeper.config.spec import SweepSpec
from sweeper.cost import Overheads, Pace, TimingData, estimator
from sweeper.cost.cost_estimate import Corner, CostEstimate, Range
from sweeper.cost.kept_timings import keep, probes_path, read
from sweeper.cost.prices import load_prices
from sweeper.plan.budget_fit import notes_of, refused, tightest, to_fit_all, to_fit_one
from sweeper.plan.epoch_seconds import Foreseen, sized
from sweeper.plan.network_cost import size_of
from sweeper.plan.past_runs import TYPICAL, remember
from sweeper.plan.plan import Plan
from sweeper.plan.rehearsal import THOROUGH, Effort, Rehearsal, Situation, typical_rungs
from sweeper.plan.timing_probe import MOST_BESIDE, chosen, device_name, probe
from sweeper.store.paths import cache_root, runs_root

PROBES = 6
WITH_PACKS = ("subprocess", "local")
"""The runners that train several trials as one."""
ORDER = ("probe", "history", "flops")
"""The estimators, the best first. The first one that knows enough is taken."""


@dataclass(frozen=True)
class Basis:
    """What is known of the pace, and what is billed beside training."""

    known: TimingData = field(default_factory=TimingData)
    overheads: Overheads = TYPICAL
    sweeps: tuple[str, ...] = ()
    startup: float | None = None

    def pace(self) -> Pace:
        """Return the pace from the best source that knows enough."""
        found = (estimator[name](self.known) for name in ORDER)
        return next(pace for pace in found if pace is not None)


def quote_of(spec: SweepSpec, plan: Plan, where: RunOptions, effort: Effort) -> CostEstimate:
    """Make the quote that `launch` shows: for this machine, from what is known already.

    A cluster's devices are unknown until it is joined, so no sweep on a cluster is refused.
    """
    here = situation(spec, cpus=where.cpus, usd=usd_per_hour(where))
    if where.runner != "ray_tune":
        here = replace(here, slots=(where.cpus or 1) if where.runner == "simulated" else 1, startup=0.0)
    on = basis(spec, plan, cache_root(), here)
    if where.runner in WITH_PACKS:
        here = here.shared_by(plan.packing.size)
    quoted = quote(spec, plan, here, on, effort)
    if where.address is None and where.runner != "simulated":
        return quoted
    note = "as if it ran on this machine: the cluster's devices are not known yet"
    return replace(quoted, refusal="", notes=(*quoted.notes, note))


def usd_per_hour(options: RunOptions) -> float | None:
    """Return what one GPU costs here; SpecError for an unknown instance, and for a wrong prices file."""
    prices = load_prices(usd_per_gpu_hour=options.usd_per_gpu_hour, instance=options.instance)
    found = prices.of_node({})
    return found.usd_per_gpu_hour if found else None


def situation(
    spec: SweepSpec, *, slots: int | None = None, cpus: int | None = None, usd: float | None = None
) -> Situation:
    """Describe this machine, or so many slots of its kind. Neither Ray nor the network is asked."""
    is_gpu = torch.cuda.is_available() and spec.resources.gpu > 0
    share = spec.resources.gpu if is_gpu else 1.0
    count = slots or _slots(spec, is_gpu=is_gpu, cpus=cpus)
    return Situation(device_name(), is_gpu, count, share, usd)


def _slots(spec: SweepSpec, *, is_gpu: bool, cpus: int | None) -> int:
    """Return how many trials run at a time, as the Ray runner counts them."""
    wanted = spec.resources
    room = [int((cpus or len(os.sched_getaffinity(0))) / wanted.cpu + 1e-9)]
    if is_gpu:
        room.append(int(torch.cuda.device_count() / wanted.gpu + 1e-9))
    return max(1, min(*room, wanted.concurrency or max(room)))


def basis(spec: SweepSpec, plan: Plan, cache: Path, where: Situation, *, probing: bool = False) -> Basis:
    """Collect earlier probes and records; with `probing`, a few configurations are trained now and kept."""
    beside = min(where.slots, MOST_BESIDE)
    path = probes_path(cache, plan.facts.digest, f"{where.device} x {beside}")
    libraries = f"torch {torch.__version__}"
    if probing:
        works = [(config, size.work) for config, size in sized(spec, plan, THOROUGH.configs, THOROUGH.layers)]
        works += [(corner.config, corner.size.work) for corner in plan.corners]
        found = probe(spec, chosen(works, PROBES, is_gpu=where.is_gpu), cache, beside=beside)
        keep(path, found, device=where.device, libraries=libraries)
    probes = tuple(each.timing for each in read(path, libraries=libraries))
    past = remember(spec, plan.facts, runs_root(), device=where.device, is_gpu=where.is_gpu)
    return Basis(TimingData(where.is_gpu, probes, past.timings), past.overheads, past.sweeps, past.startup)


def quote(
    spec: SweepSpec, plan: Plan, where: Situation, on: Basis, effort: Effort = THOROUGH
) -> CostEstimate:
    """Rehearse the sweep at the pace that is known.

    The quote has a `refusal` where not even one trial can be trained in full; nothing is raised.
    """
    pace = on.pace()
    pace = replace(pace, costs=tuple(where.places * cost for cost in pace.costs))
    if where.startup and on.startup is not None:
        where = replace(where, startup=on.startup)
    pool = [
        (config, pace.seconds(size.work)) for config, size in sized(spec, plan, effort.configs, effort.layers)
    ]
    corners = [(corner.config, pace.seconds(corner.size.work)) for corner in plan.corners]
    foreseen = Foreseen(spec.space, pool, lambda config: size_of(config, spec, plan.facts), pace, corners)
    rehearsal = Rehearsal(spec, where, on.overheads, foreseen, pace, effort)
    outcomes = rehearsal.outcomes()
    drafted = CostEstimate(
        source=pace.source,
        timings=pace.timings,
        device=where.device,
        is_gpu=where.is_gpu,
        slots=where.slots,
        share=where.share,
        device_hours=rehearsal.range_of(outcomes, lambda each: each.device_hours),
        wall_hours=rehearsal.range_of(outcomes, lambda each: each.wall_hours),
        trials=Range.of([each.trials for each in outcomes]),
        completed=Range.of([each.completed for each in outcomes]),
        full_trial=_full_trial(rehearsal),
        usd_per_hour=where.usd_per_hour,
        rungs=typical_rungs(outcomes),
        resource=str(spec.scheduler.options.get("resource", "epoch")),
        dearest=_dearest(rehearsal),
        simulations=len(outcomes),
        wanted_trials=rehearsal.wanted,
        notes=(*_notes(spec, on, where), *notes_of(rehearsal, outcomes)),
        samples=foreseen.all,
        caution=rehearsal.factor(0.9),
        start_seconds=on.overheads.worker + on.overheads.attempt,
        startup=where.startup,
    )
    if drafted.completed.p90 < 1:
        unfinished = "no trial is expected to be trained in full within the budget"
        drafted = replace(drafted, notes=(*drafted.notes, unfinished))
    if refusal := refused(rehearsal, drafted):
        return replace(drafted, refusal=refusal, changes=tuple(to_fit_one(rehearsal)))
    if any(each.is_cut for each in outcomes):
        changes = tuple(to_fit_all(rehearsal, drafted))
        return replace(drafted, cut_by=tightest(rehearsal), changes=changes)
    return drafted


def _full_trial(rehearsal: Rehearsal) -> Range:
    """Return the range over the configurations, and over how wrong the pace may be."""
    factors = [rehearsal.factor(quantile) for quantile in (0.1, 0.3, 0.5, 0.7, 0.9)]
    seconds = [factor * seconds for factor in factors for _, seconds in rehearsal.foreseen.pool]
    return Range.of([rehearsal.full_hours(each) for each in seconds])


def _dearest(rehearsal: Rehearsal) -> Corner:
    config, seconds = max(rehearsal.foreseen.all, key=lambda pair: pair[1])
    return Corner(config, seconds, rehearsal.full_hours(seconds))


def _notes(spec: SweepSpec, on: Basis, where: Situation) -> Iterator[str]:
    if on.sweeps and not on.known.probes:
        yield f"pace learned from {' and '.join(on.sweeps)}"
    if spec.budget.usd and where.usd_per_hour is None:
        yield "budget.usd cannot be foreseen: no price is known (--usd-per-gpu-hour)"
    if not where.is_gpu and spec.resources.cpu >= 2:
        count = int(spec.resources.cpu)
        yield (
            f"resources.cpu: {spec.resources.cpu:g} trains each trial with {count} threads; without a GPU, "
            "-o resources.cpu=1 does more (1.2 times as much on two cores)"
        )
    if where.places > 1:
        yield (
            f"up to {where.places} trials share the device, each quoted at the device-seconds that it takes "
            "alone: what training as one gains here is not known"
        )
    if spec.search.warm_start:
        yield "what search.from answers at no cost is not deducted"
