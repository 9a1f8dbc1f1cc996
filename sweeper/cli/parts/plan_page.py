"""What a sweep would do, for people and as JSON: `sweeper plan` and `sweeper launch --dry-run`."""

from collections.abc import Iterator
from typing import Any

import click

from sweeper.cli.parts.estimate_page import print_quote, quote_facts
from sweeper.cli.parts.start_page import start_facts
from sweeper.cli.parts.table import print_pairs, print_table
from sweeper.config.named_recipes import RECIPES
from sweeper.config.spec import SweepSpec
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.data.dataset import DataFacts
from sweeper.models.parts.count import LayerRow
from sweeper.plan.network_cost import Sample
from sweeper.plan.plan import Plan
from sweeper.search.points import has_points_only
from sweeper.wording import config_text, plain

BAD = 5
"""Unreadable files that are named; the warnings count them all."""

KEPT = 3
"""Checkpoints of a trial that stay: the last two and the best."""

_NETWORKS = ("network", "parameters", "FLOPs an image", "memory of a step")
_LAYERS = ("layer", "kind", "output", "parameters", "FLOPs an image")


def print_plan(spec: SweepSpec, plan: Plan, quote: CostEstimate) -> None:
    """Print the space, the images, warnings, the quote, and each sample network with its layers."""
    click.echo(f"{click.style(spec.name, bold=True)}  {plain(spec.description)}".rstrip())
    print_pairs(_pairs(spec, plan))
    click.echo()
    print_quote(quote)
    click.echo()
    print_table(_NETWORKS, list(map(_network_row, [*plan.samples, *plan.corners])), left=("network",))
    for sample in plan.samples:
        click.echo(f"\n{click.style(plain(sample.name), bold=True)}  {plain(config_text(sample.config))}")
        print_table(
            _LAYERS, [*map(_layer_row, sample.layers), _sum_row(sample)], left=("layer", "kind", "output")
        )


def _pairs(spec: SweepSpec, plan: Plan) -> Iterator[tuple[str, str]]:
    count = len(spec.parameters)
    size = "infinitely many" if plan.size is None else f"{plan.size:,}"
    what = "points" if has_points_only(spec) else "configurations"
    yield "space", f"{size} {what} of {count} parameter{'' if count == 1 else 's'}"
    yield "budget", _budget_text(spec)
    yield "search", f"{spec.search.algorithm}, early stopping by {spec.scheduler.type}"
    if plan.start:
        yield "start", plain(plan.start.said())
        yield "", plain(f"{plan.start.origin or 'nobody says how it was made'} (--start shows each)")
    for number, line in enumerate(plan.memory):
        yield "" if number else "memory", plain(line.removeprefix("memory: "))
    for number, line in enumerate(plan.packing.lines):
        yield "" if number else "fuse", plain(line)
    yield "recipe", _recipe_text(spec)
    yield "objective", f"{spec.objective.goal} {spec.objective.metric}"
    yield "images", _images_text(plan)
    if plan.facts.layout:
        yield "read as", plain(plan.facts.layout)
    counts = plan.facts.per_split
    kept = f"{counts['test']:,} kept for the test"
    yield "", f"{counts['train']:,} to train, {counts['valid']:,} to validate, {kept}"
    yield "classes", _classes_text(plan.facts)
    yield "disk", _disk_text(spec, plan)
    for number, warning in enumerate(plan.warnings):
        yield "" if number else "warnings", plain(warning)
    for number, bad in enumerate(plan.facts.bad[:BAD]):
        yield "" if number else "unreadable", plain(f"{bad.key}: {bad.reason}")


def _budget_text(spec: SweepSpec) -> str:
    units = {"trials": "trials", "gpu_hours": "device-hours", "usd": "USD", "wall_hours": "wall-clock hours"}
    limits = spec.budget.model_dump()
    parts = [f"{limits[key]:g} {unit}" for key, unit in units.items() if limits[key] is not None]
    return f"{' or '.join(parts) or 'none'}, at most {spec.train.epochs} epochs a trial"


def _recipe_text(spec: SweepSpec) -> str:
    """`fast: optimizer=muon momentum=0.6; the file sets learning_rate itself`."""
    values, named = spec.recipe_values, RECIPES[spec.recipe]
    own = [key for key in named.values if key not in values]
    text = config_text(values) or named.source
    return f"{spec.recipe}: {text}" + (f"; the file sets {', '.join(own)} itself" if own else "")


def _images_text(plan: Plan) -> str:
    facts = plan.facts
    sizes = ", ".join(map(str, plan.pixels))
    color = {1: "grey", 3: "RGB"}.get(facts.channels, f"{facts.channels} channels")
    return f"{facts.images:,} from {plain(facts.source)}, {color}, trained at {sizes} px"


def _classes_text(facts: DataFacts) -> str:
    counts = dict(zip(facts.classes, facts.per_class, strict=True))
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    spread = f"{counts[least]:,} ({plain(least)}) to {counts[most]:,} ({plain(most)}) images each"
    return f"{len(counts)}, {spread}, imbalance {facts.imbalance:.3g}"


def _disk_text(spec: SweepSpec, plan: Plan) -> str:
    """Say what the stores of all sizes take, and at most three checkpoints of each trial."""
    stores, checkpoints = disk_bytes(spec, plan)
    text = f"{_bytes_text(stores)} of decoded images in the cache, shared by all sweeps"
    if checkpoints is None:
        return f"{text}; checkpoints by trials"
    return f"{text}; up to {_bytes_text(checkpoints)} of checkpoints"


def disk_bytes(spec: SweepSpec, plan: Plan) -> tuple[int, int | None]:
    """Return the bytes of image stores and checkpoints.

    None for the second where nobody knows how many trials.
    """
    facts = plan.facts
    stores = sum(facts.images * facts.channels * pixels**2 for pixels in plan.pixels)
    trials = spec.budget.trials or plan.size
    if trials is None:
        return stores, None
    each = sum(sample.size.checkpoint for sample in plan.samples) / max(1, len(plan.samples))
    return stores, int(KEPT * each * trials)


def _bytes_text(count: float) -> str:
    """Return three significant digits, in the unit in which the number is below 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


def _network_row(sample: Sample) -> tuple[str, ...]:
    memory = _bytes_text(sample.size.memory)
    return plain(sample.name), f"{sample.parameters:,}", f"{sample.flops:,}", memory


def _layer_row(row: LayerRow) -> tuple[str, ...]:
    output = " x ".join(map(str, row.output))
    return row.name, row.kind, output, f"{row.parameters:,}", f"{row.flops:,}"


def _sum_row(sample: Sample) -> tuple[str, ...]:
    return "all", "", "", f"{sample.parameters:,}", f"{sample.flops:,}"


def plan_facts(spec: SweepSpec, plan: Plan, quote: CostEstimate) -> dict[str, Any]:
    """Return the same as JSON."""
    facts = plan.facts
    return {
        "name": spec.name,
        "digest": spec.digest,
        "overrides": list(spec.overrides),
        "configurations": plan.size,
        "recipe": {"name": spec.recipe, "stands_for": spec.recipe_values},
        "budget": spec.budget.model_dump(),
        "data": {
            "source": facts.source,
            "layout": facts.layout,
            "digest": facts.digest,
            "images": facts.images,
            "channels": facts.channels,
            "pixels": list(plan.pixels),
            "splits": dict(facts.per_split),
            "classes": dict(zip(facts.classes, facts.per_class, strict=True)),
            "imbalance": facts.imbalance,
            "unreadable": [{"file": bad.key, "reason": bad.reason} for bad in facts.bad],
        },
        "disk": dict(zip(("stores", "checkpoints"), disk_bytes(spec, plan), strict=True)),
        "quote": quote_facts(quote),
        "samples": [_sample_facts(sample) for sample in plan.samples],
        "start": start_facts(plan.start),
        "memory": list(plan.memory),
        "fuse": {"size": plan.packing.size, "lines": list(plan.packing.lines)},
        "corners": [_sample_facts(sample) for sample in plan.corners],
        "warnings": list(plan.warnings),
    }


def _sample_facts(sample: Sample) -> dict[str, Any]:
    layers = [
        {
            "name": r.name,
            "kind": r.kind,
            "output": list(r.output),
            "parameters": r.parameters,
            "flops": r.flops,
        }
        for r in sample.layers
    ]
    return {
        "name": sample.name,
        "configuration": dict(sample.config),
        "parameters": sample.parameters,
        "flops": sample.flops,
        "step_memory_bytes": sample.size.memory,
        "layers": layers,
    }
