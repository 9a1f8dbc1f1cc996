"""The layers of a trial's network, for people and as JSON: `sweeper show`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from sweeper.cli.parts.table import print_table
from sweeper.cli.parts.trial_fate import fate
from sweeper.models.parts.count import LayerRow
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.history import TrialHistory


def print_layers(sweep: StoredSweep, trial: TrialHistory, rows: Sequence[LayerRow]) -> None:
    """Print what became of the trial, then its network layer by layer with the sums."""
    name = click.style(f"trial {trial.number} of {sweep.name}", bold=True)
    click.echo(f"{name} ({trial.id}): {fate(trial, sweep)}\n")
    lines = [
        (row.name, row.kind, "x".join(map(str, row.output)), f"{row.parameters:,}", f"{row.flops:,}")
        for row in rows
    ]
    sums = _sums(rows)
    total = ("sum", "", "", f"{sums['parameters']:,}", f"{sums['flops']:,}")
    print_table(("layer", "kind", "output", "parameters", "FLOPs"), [*lines, total], left=("layer", "kind"))
    click.echo("FLOPs of one image's forward pass; a multiplication with its addition is two\n")


def network_facts(sweep: StoredSweep, trial: TrialHistory, rows: Sequence[LayerRow]) -> dict[str, Any]:
    """Return the same as JSON, with the configuration."""
    return {
        "sweep": sweep.name,
        "trial": trial.number,
        "id": trial.id,
        "configuration": dict(trial.config),
        **_sums(rows),
        "layers": [asdict(row) for row in rows],
    }


def _sums(rows: Sequence[LayerRow]) -> dict[str, int]:
    return {"parameters": sum(row.parameters for row in rows), "flops": sum(row.flops for row in rows)}
