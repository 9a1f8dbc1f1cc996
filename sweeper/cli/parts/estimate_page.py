"""This module prints a quote: ranges in a table, what they are based on, and what would fit the budget."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from sweeper.cli.parts.table import print_pairs, print_table
from sweeper.config.run_options import RunOptions
from sweeper.cost.cost_estimate import CostEstimate, Range
from sweeper.errors import BudgetError
from sweeper.wording import HOUR, config_text, cost_unit, counted, duration_text, plain

COLUMNS = ("quote", "p10", "p50", "p90")
SOURCES = {
    "probe": "{n} networks timed on this machine",
    "history": "{n} trials of earlier sweeps",
    "table": "a table, good to a factor of three: --probe times a few networks here",
}


def print_quote(quote: CostEstimate) -> None:
    """Print the table, then what its figures are based on."""
    print_table(COLUMNS, list(_rows(quote)), left=("quote",))
    print_pairs(_pairs(quote))


def quiet_line(quote: CostEstimate) -> str:
    """Return the quote as a line: `about 0.015 CPU slot hours (0.009 to 0.023) on 2 slots, 38 s; ...`."""
    hours = quote.device_hours
    spread = f"{hours.p10:.2g} to {hours.p90:.2g}"
    wall = duration_text(quote.wall_hours.p50 * HOUR)
    cut = f"; {quote.cut_by} ends it after about {quote.trials.p50:.0f} trials" if quote.cut_by else ""
    unit, slots = cost_unit("gpu_hours", quote.is_gpu), counted(quote.slots, "slot")
    start = f" ({duration_text(quote.startup)} to start)" if quote.startup >= 1 else ""
    return f"about {hours.p50:.2g} {unit} ({spread}), {wall}{start} on {slots}{cut}"


def refuse_what_cannot_fit(quote: CostEstimate) -> None:
    """Raise BudgetError where the budget has no room for one trial that is trained in full."""
    if quote.refusal:
        raise BudgetError(quote.refusal, hint=" ".join(quote.changes))


def may_proceed(quote: CostEstimate, options: RunOptions, *, is_sure: bool) -> bool:
    """Print the quote in a line.

    Where money is spent, print its table and ask, if a person is at the terminal.
    """
    if quote.usd is None:
        if not options.is_quiet and options.runner != "simulated":
            click.echo(quiet_line(quote), err=True)
        return True
    with contextlib.redirect_stdout(sys.stderr):
        print_quote(quote)
    if is_sure or not sys.stdin.isatty():
        return True
    return click.confirm("Proceed?", default=True, err=True)


def _rows(quote: CostEstimate) -> Iterator[tuple[str, ...]]:
    hours = cost_unit("gpu_hours", quote.is_gpu)
    yield hours, *_numbers(quote.device_hours)
    if quote.usd is not None:
        yield "USD", *(f"{value:.2f}" for value in _values(quote.usd))
    yield "wall time", *(duration_text(value * HOUR) for value in _values(quote.wall_hours))
    yield "trials begun", *(f"{value:.0f}" for value in _values(quote.trials))
    yield "trained in full", *(f"{value:.0f}" for value in _values(quote.completed))
    yield f"one full trial, {hours}", *_numbers(quote.full_trial)


def _values(found: Range) -> tuple[float, float, float]:
    return found.p10, found.p50, found.p90


def _numbers(found: Range) -> tuple[str, ...]:
    return tuple(f"{value:.3g}" for value in _values(found))


def _pairs(quote: CostEstimate) -> Iterator[tuple[str, str]]:
    yield "pace", f"from {SOURCES[quote.source].format(n=quote.timings)}; {quote.device}"
    yield "slots", f"{counted(quote.slots, 'slot')}, {quote.simulations} rehearsals on a virtual clock"
    if quote.startup >= 1:
        yield "start", f"{duration_text(quote.startup)} of the wall time until the first trial begins"
    if quote.rungs:
        unit = "epochs" if quote.resource == "epoch" else "device-seconds"
        rungs = ", ".join(f"{count:.0f} at {level}" for level, count in quote.rungs.items())
        yield "rungs", f"trials judged: {rungs} {unit}"
    if quote.dearest is not None:
        dearest = quote.dearest
        seconds = f"{dearest.seconds_per_epoch:.2g} s an epoch, {dearest.device_hours:.2g} hours in full"
        yield "dearest", f"{seconds}: {plain(config_text(dearest.config))}"
    if quote.usd is None:
        yield "price", "unknown: no money is quoted (--usd-per-gpu-hour, --instance)"
    elif not quote.is_gpu:
        yield "price", "that of a GPU; no GPU is here, so the hours are those of CPU slots"
    if quote.cut_by:
        wanted = f" of {quote.wanted_trials}" if quote.wanted_trials else ""
        text = f"budget.{quote.cut_by} ends the sweep after about {quote.trials.p50:.0f}{wanted} trials"
        yield "budget", f"{text}: {' '.join(quote.changes)}".rstrip(": ")
    for note in quote.notes:
        yield "note", plain(note)


def quote_facts(quote: CostEstimate) -> dict[str, Any]:
    """Return the quote as JSON values, without the sampled configurations behind it."""
    facts = quote.facts()
    facts.pop("samples")
    return facts
