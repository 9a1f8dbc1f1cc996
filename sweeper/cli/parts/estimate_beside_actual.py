"""The quote of a sweep's launch beside what it has come to, for `sweeper cost`."""

from dataclasses import asdict
from typing import Any

import click

from sweeper.cli.parts.estimate_page import print_beside
from sweeper.cost.cost_estimate import CostEstimate
from sweeper.results.estimate_error import quote_beside_actual, trial_error
from sweeper.results.stored_sweep import StoredSweep


def print_quoted(told: StoredSweep) -> None:
    """A table; nothing for a sweep that was launched without a quote."""
    quote = CostEstimate.from_json(told.meta.get("quote", ""))
    if quote is not None and told.history.attempts:
        click.echo()
        error = trial_error(quote, told.history, told.spec)
        print_beside(quote, quote_beside_actual(quote, told.history), error)


def beside_facts(told: StoredSweep) -> dict[str, Any] | None:
    """As JSON values; None for a sweep that was launched without a quote."""
    quote = CostEstimate.from_json(told.meta.get("quote", ""))
    if quote is None:
        return None
    rows = {
        row.what: {**asdict(row.quoted), "actual": row.actual, "verdict": row.verdict}
        for row in quote_beside_actual(quote, told.history)
    }
    return {"source": quote.source, "trial_error": trial_error(quote, told.history, told.spec), **rows}
