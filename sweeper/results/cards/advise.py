"""These cards give advice after a sweep: a few lines beside the answer, and the whole of `sweeper advise`."""

from collections.abc import Iterator, Sequence

from sweeper.results.advice import Advice, as_facts, edges_of, rung_lines
from sweeper.results.card import Card, NotYet, Table, Words
from sweeper.results.foreseeable import foreseeable
from sweeper.results.influence import MOST, Influence, influence
from sweeper.results.leaderboard import Leaderboard
from sweeper.search.parts.importance import ENOUGH, Importance
from sweeper.wording import counted, plain, value_text

_MOST = 3  # lines beside an answer


def advise(board: Leaderboard) -> Card | NotYet:
    """Show what is seen at a glance: edges, and device time that went to no use."""
    if board.best is None:
        return NotYet("no trial has a score", {"advice": []})
    said = [f"{edge.said}: try {value_text(edge.beyond)}" for edge in edges_of(board)]
    said += foreseeable(board.sweep, influence(board.sweep).judged, board.chance).lines()
    if not said:
        return NotYet("nothing stands out at a glance", {"advice": []})
    more = f"{len(said) - _MOST} more, and " if len(said) > _MOST else ""
    pointer = f"{more}what matters and what does not: `sweeper advise {plain(board.sweep.name)}`"
    lines = [*said[:_MOST], pointer]
    return Card(
        "Next time",
        {"advice": said},
        lines=[Words("" if number else "Next time", line, "dim") for number, line in enumerate(lines)],
    )


def whole_advice(board: Leaderboard, found: Advice) -> Card:
    """Show all of it: importance with its uncertainty, edges, rungs, lost time, and the next file."""
    name, seen = board.sweep.name, found.influence
    lines = list(_sections(found))
    reached = f"{len(seen.judged)} of {counted(seen.trials, 'trial')} reached"
    return Card(
        title=plain(name),
        subtitle=f"judged at epoch {seen.epoch}, which {reached}",
        facts={"sweep": name, **as_facts(found)},
        lines=lines,
        tables=_importance(seen),
        notes=list(_notes(seen)),
    )


def _sections(found: Advice) -> Iterator[Words]:
    at_edges = [f"{edge.said}: try {value_text(edge.beyond)}" for edge in found.edges]
    yield from _section("At an edge", at_edges, "no best values lie at the edge of what was searched")
    idle = [f"{each.parameter} (at most {100 * each.high:.0f} %)" for each in found.without_effect]
    yield from _section("No effect seen", [", ".join(idle)] if idle else [], "no parameter can be called so")
    yield from _section("Rungs", list(rung_lines(found.rungs)), "too few trials went from a rung to the end")
    yield from _section("Foreseeable", list(found.wasted.lines()), "no device time went to no use")
    reasons = [f"{name}: {reason}" for name, reason in found.next.reasons.items()]
    yield from _section("Next file", reasons, "as it is; more trials, or other parameters")


def _section(label: str, lines: Sequence[str], otherwise: str) -> Iterator[Words]:
    for number, line in enumerate(lines or [otherwise]):
        yield Words("" if number else label, line, "" if lines else "dim")


def _importance(seen: Influence) -> list[Table]:
    on_cost = {each.parameter: each for each in seen.on_cost}
    rows = [(each.parameter, *_cells(each), *_cells(on_cost.get(each.parameter))) for each in seen.on_score]
    columns = ("parameter", "score %", "9 of 10", "by chance", "cost %", "9 of 10 ", "by chance ")
    title = "Importance for the score and for the cost"
    return [Table(columns, rows, title, left=("parameter",), aside="PED-ANOVA")] if rows else []


def _cells(each: Importance | None) -> tuple[str, str, str]:
    if each is None:
        return "", "", ""
    chance = "no" if each.is_told_from_chance else f"{100 * each.chance:.0f} %"
    return f"{100 * each.share:.0f}", f"{100 * each.low:.0f} to {100 * each.high:.0f}", chance


def _notes(seen: Influence) -> Iterator[str]:
    if len(seen.judged) < ENOUGH:
        yield f"Too few trials to tell what matters: {len(seen.judged)}, of {ENOUGH} at least."
    elif seen.on_score:
        if len(seen.judged) > MOST:
            yield f"Importance is that of {MOST} of the trials, evenly spaced."
        yield "By chance: how often shuffled figures gave as much; `no` is fewer than one time in twenty."
