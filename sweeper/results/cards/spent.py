"""These cards show what the sweep spent, what the last of it brought, and whether more is worth it."""

from collections.abc import Sequence

from sweeper.drawing.looks import BLUE
from sweeper.results.anytime import Step, advice_text, anytime_of, last_tenth_text
from sweeper.results.card import Card, Mark, NotYet, Picture, Stairs, Words
from sweeper.results.cards.front import axis_unit
from sweeper.results.costs import saved_device_seconds
from sweeper.results.leaderboard import Leaderboard
from sweeper.store.history import SweepHistory
from sweeper.trial import State
from sweeper.wording import Cost, counted, device_text, in_unit, score_text

CROWDED = 0.2
"""Share of their time from which on trials waited for a core too much for their costs to be their own."""
LOAD = (
    "trials waited {share} of their time for a core that other processes had: their costs are too high by "
    "about that, and their order by cost is unsure"
)
STAND_IN = "CPU slot hours stand in for device-hours: no GPU was used."


def spending(board: Leaderboard) -> Card:
    """Show device time and money, and what early stopping saved.

    The saving is an estimate: the epochs that stopped trials did not run, at their own seconds an epoch.
    """
    sweep, sums, has_gpu = board.sweep, board.sums, board.has_gpu
    stopped = [trial for trial in sweep.history.trials.values() if trial.state is State.STOPPED]
    saved = sum(saved_device_seconds(trial, sweep.spec.train.epochs) for trial in stopped)
    share = f" ({100 * sums.productive / sums.billed:.0f} %)" if sums.billed > 0 else ""
    money = f", {sums.usd:.2f} USD" if sums.billed and sums.usd is not None else ""
    trained = f"{device_text(sums.productive, has_gpu)} productive{share}"
    lines = [Words("Device time", f"{device_text(sums.billed, has_gpu)} billed{money}, {trained}")]
    if stopped:
        said = f"{counted(len(stopped), 'trial')}, which saved about {device_text(saved, has_gpu)}"
        lines.append(Words("Stopped early", f"{said} (their missing epochs, at their own pace)"))
    waited = core_wait_share(sweep.history)
    if waited is not None and waited >= CROWDED:
        lines.append(Words("Other load", LOAD.format(share=f"{100 * waited:.0f} %")))
    facts = {
        "core_wait_share": waited,
        "billed_device_seconds": sums.billed,
        "productive_device_seconds": sums.productive,
        "device": "gpu" if has_gpu else "cpu_slot",
        "usd": sums.usd if sums.billed else None,
        "wall_seconds": sweep.history.wall_seconds,
        "stopped_early": len(stopped),
        "saved_device_seconds": saved,
    }
    return Card("Device time", facts, lines=lines, notes=() if has_gpu else (STAND_IN,))


def core_wait_share(history: SweepHistory) -> float | None:
    """Return the share of their time that the trials waited for a core; None if no report tells it."""
    measured = [
        (report.metrics["core_wait_seconds"], report.metrics["cpu_seconds"])
        for trial in history.trials.values()
        for report in trial.reports
        if "core_wait_seconds" in report.metrics
    ]
    waited, computed = sum(wait for wait, _ in measured), sum(seconds for _, seconds in measured)
    return waited / (waited + computed) if waited + computed > 0 else None


def anytime(board: Leaderboard) -> Card | NotYet:
    """Show what the last tenth of the search brought, what more would bring, and why the search ended."""
    metric, found = board.objective.metric, anytime_of(board.sweep)
    facts = {"anytime": found.as_dict(), "search_ended": board.sweep.history.enough or None}
    if board.best is None:
        return NotYet("no trial has a score yet", facts)
    lines = [
        Words("Last 10 %", last_tenth_text(metric, found)),
        Words("Enough?", advice_text(metric, found)),
    ]
    return Card("Enough?", facts, lines=lines, picture=lambda: anytime_picture(board))


def anytime_picture(board: Leaderboard) -> Picture:
    """Draw the best score over the spend, with its last 10 % shaded, and above it what more would bring."""
    metric, found = board.objective.metric, anytime_of(board.sweep)
    unit = _unit(board.cost, found.steps)
    places = [(in_unit(unit, step.device_seconds, step.usd), step.score) for step in found.steps]
    end = found.searched
    searched = in_unit(unit, end.device_seconds, end.usd) if end else 0.0
    last = f"the last 10 % {last_tenth_text(metric, found)}"
    return Picture(
        title=f"{board.sweep.spec.name}: best {metric} so far",
        metric=metric,
        across=f"spent on all trials, {axis_unit(unit, board.has_gpu)}",
        is_log=False,
        marks=[Mark(x, y, score_text(metric, y), BLUE) for x, y in places],
        stairs=[Stairs(places)],
        shade=(0.9 * searched, searched, last) if searched > 0 else None,
        remark=f"enough? {advice_text(metric, found)}",
    )


def _unit(cost: Cost, steps: Sequence[Step]) -> Cost:
    """Return USD if that is the sweep's cost and known throughout, else device time."""
    is_priced = all(step.usd is not None for step in steps)
    return cost if cost != "usd" or is_priced else "gpu_hours"
