"""The quote beside what a sweep really took: how far it went wrong, and for a single trial."""

import statistics
from dataclasses import asdict, dataclass

from sweeper.config.spec import SweepSpec
from sweeper.cost.cost_estimate import CostEstimate, Range
from sweeper.cost.foresight import foresight
from sweeper.results.card import Card, NotYet, Table
from sweeper.results.stored_sweep import StoredSweep
from sweeper.store.account import money_of
from sweeper.store.history import SweepHistory
from sweeper.store.ledger import totals
from sweeper.trial import State
from sweeper.wording import HOUR, cost_unit


def estimate(sweep: StoredSweep) -> Card | NotYet:
    """The quote of the sweep's launch beside what it has come to; nothing of how it was worked out."""
    quote = CostEstimate.from_json(sweep.meta.get("quote", ""))
    if quote is None:
        return NotYet("the sweep was launched without a quote", {"quote": None})
    rows, error = quote_beside_actual(quote, sweep.history), trial_error(quote, sweep.history, sweep.spec)
    by_name = {row.what: {**asdict(row.quoted), "actual": row.actual, "verdict": row.verdict} for row in rows}
    facts = {"quote": {"source": quote.source, "trial_error": error, **by_name}}
    if not sweep.history.attempts:
        return NotYet("nothing has run yet", facts)
    shown = _NAMES | {"device_hours": cost_unit("gpu_hours", quote.is_gpu)}
    columns, cells = ("quoted", "p10", "p50", "p90", "actual", ""), list[tuple[str, ...]]()
    for row in rows:
        figures = (row.quoted.p10, row.quoted.p50, row.quoted.p90, row.actual)
        cells.append((shown[row.what], *(f"{value:.3g}" for value in figures), row.verdict))
    below = "" if error is None else f"a trial's seconds were foreseen to {100 * error:.0f} % (median)"
    table = Table(columns, cells, left=("quoted", ""), below=below)
    return Card("Quoted beside actual", facts, tables=[table])


_NAMES = {"usd": "USD", "wall_hours": "wall hours", "trials": "trials begun", "completed": "trained in full"}


@dataclass(frozen=True, slots=True)
class Beside:
    """One figure: what was quoted, and what it has come to."""

    what: str
    quoted: Range
    actual: float

    @property
    def verdict(self) -> str:
        """`as quoted` within p10 to p90, else `less` or `more`."""
        if self.quoted.holds(self.actual):
            return "as quoted"
        return "less" if self.actual < self.quoted.p10 else "more"


def quote_beside_actual(quote: CostEstimate, history: SweepHistory) -> list[Beside]:
    """Device-hours, money where it is known, wall time, trials begun, trials trained in full.

    Of all launches so far, running attempts as of their last beat.
    """
    sums = totals(history)
    trials = list(history.trials.values())
    full = sum(trial.state is State.COMPLETED for trial in trials)
    rows = [
        Beside("device_hours", quote.device_hours, sums.gpu_hours),
        Beside("wall_hours", quote.wall_hours, history.wall_seconds / HOUR),
        Beside("trials", quote.trials, float(len(trials))),
        Beside("completed", quote.completed, float(full)),
    ]
    money = money_of(history)
    if quote.usd is not None and money.is_whole:
        rows.insert(1, Beside("usd", quote.usd, money.all))
    return rows


def trial_error(quote: CostEstimate, history: SweepHistory, spec: SweepSpec) -> float | None:
    """The median over trials of |foreseen - actual| / actual seconds, at the epochs that each has run.

    None without trials to compare.
    """
    foresee, errors = foresight(quote, spec.space), list[float]()
    for trial in history.trials.values():
        last, seconds = trial.last, foresee(trial.config)
        if last is not None and seconds is not None and last.device_seconds > 0:
            errors.append(abs(seconds * last.epoch / last.device_seconds - 1))
    return statistics.median(errors) if errors else None
