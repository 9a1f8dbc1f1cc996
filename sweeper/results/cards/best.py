"""These cards show the best configuration, how sure that is, and what earlier sweeps knew already."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from sweeper.results.card import Card, NotYet, Words
from sweeper.results.certainty import certainty as certainty_of
from sweeper.results.certainty import without_further_seeds
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.results.no_score import no_score
from sweeper.results.phrases import about
from sweeper.results.winners_curse import FEWEST, ExpectedRepeat, expected_repeat
from sweeper.search.parts.portfolio_start import member_number
from sweeper.store.events import EarlierTrial
from sweeper.sweep.chance import chance_note, guess_text, is_always_right
from sweeper.trial import Goal
from sweeper.wording import counted, is_accuracy, plain, score_text

REPEAT = "`final: {top: 3, seeds: 3}` in the sweep file trains the best three anew"


def best(board: Leaderboard) -> Card | NotYet:
    """Show the best configuration, with its test score where the test split was opened."""
    metric, row = board.objective.metric, board.best
    if row is None:
        problem, hint = no_score(board.sweep)
        return NotYet(plain(f"{problem[:1].upper()}{problem[1:]}: {hint}."), {"best": None})
    title = f"Best {metric}"
    lines = about(title, board, row)
    lines += [Words("", note, "dim") for note in _origin(board, row)]
    lines += [Words("", note) for note in _worthless(board, row)]
    if row.test:
        lines.append(Words("", _test_text(board, row.test), "good"))
    elif board.sweep.meta.get("test_images") == "0":
        lines.append(Words("", "not tested: no image is kept for the test (dataset.split.test)"))
    limits = board.objective.limits
    facts = {
        "best": row.as_dict(),
        "limits": limits.named if limits else None,
        "chance": board.chance,
        "start": _start_facts(board, row),
    }
    return Card(title, facts, trial=row.number, lines=lines)


def _origin(board: Leaderboard, row: LeaderboardRow) -> Iterator[str]:
    """Say whether the portfolio that the sweep began with had the winner, and else what its best came to."""
    search = board.sweep.spec.search
    if not search.members:
        return
    title, count = plain(search.start), len(search.members)
    if number := member_number(board.sweep.spec, row.config):
        yield f"from the portfolio that it began with: configuration {number} of {count} ({title})"
    elif own := _best_member(board):
        reached = score_text(board.objective.metric, own.score)
        yield f"found by the search; the best of the portfolio before it: {reached}, trial {own.number}"


def _best_member(board: Leaderboard) -> LeaderboardRow | None:
    return next((row for row in board.rows if member_number(board.sweep.spec, row.config)), None)


def _start_facts(board: Leaderboard, row: LeaderboardRow) -> dict[str, object] | None:
    search = board.sweep.spec.search
    if not search.members:
        return None
    own = _best_member(board)
    return {
        "source": search.start,
        "members": len(search.members),
        "member": member_number(board.sweep.spec, row.config),
        "best_member_trial": own.number if own else None,
    }


def _worthless(board: Leaderboard, row: LeaderboardRow) -> Iterator[str]:
    """Say how little the score is worth beside a guess, where that is so."""
    metric, images, chance = board.objective.metric, board.images_by_class, board.chance
    if chance is None or not images:
        return
    if is_always_right(metric, images):
        yield f"this means nothing: {chance_note(metric, images)}"
    elif row.score is not None and row.score <= chance:
        yield f"no better than a guess: {guess_text(metric, images)}"
    elif note := chance_note(metric, images):
        yield note


def _test_text(board: Leaderboard, test: Mapping[str, float]) -> str:
    """Return the scores of the test split that mean something, and how often it was opened."""
    images, metric = board.images_by_class, board.objective.metric
    is_skewed = metric.endswith("balanced_top1") or bool(chance_note("valid/top1", images))
    scores = [
        f"{name} {score_text(name, value)}"
        for name, value in sorted(test.items())
        if not is_always_right(name, images) and (is_skewed or not name.endswith("balanced_top1"))
    ]
    count = sum(each.test is not None for each in board.trials)
    opened = ", for this trial" if count == 1 else f" for each of {count} trials"
    return f"{'  '.join(scores)} (opened once{opened})"


def repeat(board: Leaderboard) -> Card | NotYet:
    """Say what a repeat of the winner would be expected to give, by its final runs where there are any."""
    row, metric = board.best, board.objective.metric
    if row is not None and row.is_final:
        said = f"{score_text(metric, row.score)}, the mean of its {counted(row.runs, 'final run')}"
        facts: dict[str, object] = {"score": row.score, "by": "final runs"}
        return Card(
            "A repeat", {"expected_repeat": facts}, lines=[Words("", f"Expected of a repeat: {said}", "dim")]
        )
    found = None
    if board.budget is None:  # the first of all is then the best
        found = expected_repeat(board.ranked, board.objective.goal, board.images)
    if found is None:
        why = f"fewer than {FEWEST} trained as long as the best, or the noise of {metric} is not known"
        return NotYet(f"What a repeat would give cannot be told: {why}", {"expected_repeat": None})
    facts = {**found.as_dict(), "by": "nonparametric empirical Bayes"}
    return Card("A repeat", {"expected_repeat": facts}, lines=[Words("", _repeat_text(metric, found), "dim")])


def _repeat_text(metric: str, found: ExpectedRepeat) -> str:
    """Return the figure, and the method in a line."""
    known = [counted(found.images, "validation image")] if found.images else []
    known += [counted(found.repeats, "repeat")] if found.repeats else []
    noise = f"{100 * found.noise:.1f} points" if is_accuracy(metric) else f"{found.noise:.2g}"
    return (
        f"Expected of a repeat: {score_text(metric, found.score)}; to be the best of {found.among} is partly "
        f"luck (empirical Bayes; a run's noise is {noise} by {' and '.join(known)})"
    )


def certainty(board: Leaderboard) -> Card:
    """Say how probable it is that the first is the best, or how to find out."""
    sure = None
    if board.budget is None:  # the probability is that of the first of all
        sure = certainty_of(board.ranked, board.objective.goal, board.sweep.spec.search.seed, board.images)
    if sure is not None:
        runs = f"{sure.fewest}" if sure.fewest == sure.most else f"{sure.fewest} to {sure.most}"
        share = f"{100 * sure.probability:.0f} %"
        said = f"with a probability of {share}, among {sure.among} configurations of {runs} runs each"
        said += f", validated on {board.images:,} images" if board.images else ""
        sweep, goal = board.sweep, board.objective.goal
        out = without_further_seeds(sweep.history, board.ranked, sweep.spec.final, goal, board.images)
        said += f"; {out} clearly behind got no further seeds" if out else ""
    elif board.best is not None and board.best.runs > 1:
        said = f"cannot be told: no other configuration was run more than once; {REPEAT}"
    else:
        said = f"cannot be told from single runs; {REPEAT}"
    facts = {"certainty": sure.as_dict() if sure else None}
    return Card("Really the best", facts, lines=[Words("", f"Really the best: {said}", "dim")])


@dataclass(frozen=True, slots=True)
class Earlier:
    """The best of `count` configurations that earlier sweeps had run: trial `number` of `sweep`."""

    count: int
    sweep: str
    number: int
    score: float


def earlier(board: Leaderboard) -> Card | NotYet:
    """Show the best result of `search.from`, and whether it is better than the sweep's own."""
    known = known_best(board.sweep.history.known, board.objective.goal)
    if known is None:
        return NotYet("the search began without results", {"known_from_earlier_sweeps": None})
    said = f"{score_text(board.objective.metric, known.score)}, trial {known.number} of {plain(known.sweep)}"
    own = board.best.own_score if board.best else None
    if own is not None and board.objective.goal.is_better(known.score, own):
        line = f"Better was known before: {said} (`sweeper best {plain(known.sweep)}`)"
    else:
        line = f"Known before from {known.count} configurations of earlier sweeps: {said}"
    return Card("Known before", {"known_from_earlier_sweeps": asdict(known)}, lines=[Words("", line, "dim")])


def known_best(known: Sequence[EarlierTrial], goal: Goal) -> Earlier | None:
    """Return the best result that earlier sweeps brought; None where nothing was known."""
    scored = [
        (goal.sign * goal.best(scores), trial)
        for trial in known
        if (scores := [report.score for report in trial.reports if math.isfinite(report.score)])
    ]
    if not scored:
        return None
    value, best = max(scored, key=lambda pair: pair[0])
    return Earlier(len(known), best.sweep, best.number, goal.sign * value)
