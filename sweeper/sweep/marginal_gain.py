"""This module estimates what more spending would bring, from the curve of the best score over device-seconds.

It has no model of the scores. The recent part of the spend stands for what comes next: how much worse would
the best score be if a random stretch of that part had not been paid for? Where trials do not get better with
time, a stretch brings less than the one before. Where they do, what the last stretch really brought is added.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sweeper.store.history import Attempt, SweepHistory, TrialHistory
from sweeper.trial import Goal, derive

FEWEST = 5
"""Scores below which nobody can tell anything."""
DRAWS = 2000
TOP = 64
"""Scores that matter: a draw in which the best 64 are all left out does not happen in practice."""
THINNED = 0.4
"""Share of the trials that the range's draws keep: with all of them it is too narrow. As it is, it held the
true gain of random searches with bounded scores in 94 to 100 %, of those that get better with time in 84 to
100 % (`benchmarks/gain.py`): a range of what is likely, and no 95 % interval."""
OUTSIDE = 0.05
"""Share of the draws outside the range of a first look."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ended = tuple[float, float]
"""Device-seconds billed, and the best score, higher being better; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Gain:
    """How far the best score is expected to rise, with the ends of the likely range of the rise.

    `expected` and `high` are infinite as long as there are too few scores: ignorance never ends a search.
    """

    expected: float
    low: float
    high: float


UNKNOWN = Gain(math.inf, 0.0, math.inf)


def gain_ahead(
    ended: Sequence[Ended], ahead: float, seed: int = 0, *, ceiling: float = math.inf, looks: int = 1
) -> Gain:
    """Estimate what `ahead` times the spend so far would bring (0.25: another quarter of it).

    `ended` has the attempts in the order in which they ended. Those without a finite score cost but bring
    nothing. No score is above `ceiling`: 1 for an accuracy, 0 for a negated loss. Who looks again and again
    until the range says so is misled by one of many looks: outside the k-th one's lie 2 / (k (k + 1)) of
    the draws that lie outside the first one's, so that all looks together leave out no more than twice its
    share.
    """
    if not ahead > 0:
        return Gain(0.0, 0.0, 0.0)
    scores = np.array([score if math.isfinite(score) else -math.inf for _, score in ended], dtype=np.float64)
    if np.isfinite(scores).sum() < FEWEST:
        return UNKNOWN
    spent = np.cumsum(_costs(ended))
    stretch = ahead / (1 + ahead)
    recent = (1 + stretch) / 2  # the share of the spend that stands for what comes next
    order = np.argsort(-scores, kind="stable")
    order = order[np.isfinite(scores[order])][:TOP]
    can_go = spent[order] > spent[-1] * (1 - recent)
    random = np.random.default_rng(derive(seed, "gain"))
    share = stretch / recent
    usual = _drawn(scores[order], can_go, share, 1.0, random)
    wide = _drawn(scores[order], can_go, share, THINNED, random)
    last = _last(scores, spent, ahead)
    tail = OUTSIDE / (looks * (looks + 1))
    low, high = (float(end) for end in np.quantile(wide, [tail, 1 - tail]))
    # what chance alone would hardly bring is a search that still gets better: the stretch speaks for itself
    is_rising = last > np.quantile(usual, 0.975)
    expected = last if is_rising else (float(usual.mean()) + last) / 2
    ends = (expected, min(low, expected), max(high + last, expected))
    room = max(0.0, ceiling - float(scores.max()))
    return Gain(*(min(end, room) for end in ends))


def concluded(history: SweepHistory, goal: Goal) -> list[Ended]:
    """Return what `gain_ahead` takes: each ended attempt in order, with its trial's best score until then.

    It returns attempts and not trials, because a paused trial has cost and shown something long before its
    end. Final runs are left out, because they train known configurations again.
    """
    scored = scored_attempts(history, goal)
    return [(attempt.device_seconds, score) for trial, attempt, score in scored if not trial.is_final_run]


def ceiling_of(metric: str) -> float:
    """Return the highest score that is possible, where higher is better: a loss is negated."""
    return 0.0 if metric.endswith("/loss") else 1.0


def scored_attempts(history: SweepHistory, goal: Goal) -> Iterator[tuple[TrialHistory, Attempt, float]]:
    """Yield the attempts in the order of their ends, each with its trial's best score until then.

    A higher score is better. It is NaN where the trial has none yet.
    """
    sign = goal.sign
    trained: dict[str, float] = {}
    for attempt in history.settled:
        trial = history.trials[attempt.trial]
        trained[trial.id] = trained.get(trial.id, 0.0) + attempt.productive_device_seconds
        yield trial, attempt, _best_until(trial, sign, trained[trial.id])


def _best_until(trial: TrialHistory, sign: float, device_seconds: float) -> float:
    """Return the best score of the reports that the trial had made after so many device-seconds of training.

    A trial of a single attempt is counted with all its reports.
    """
    seen = [
        sign * report.score
        for report in trial.reports
        if math.isfinite(report.score)
        and (len(trial.attempts) == 1 or report.device_seconds <= 1.001 * device_seconds)
    ]
    return max(seen, default=math.nan)


def _costs(ended: Sequence[Ended]) -> Floats:
    """Return the costs, with 0 for what is not a positive number.

    Where nothing cost anything, each trial counts 1.
    """
    costs = np.array([cost if 0 < cost < math.inf else 0.0 for cost, _ in ended], dtype=np.float64)
    return costs if costs.sum() > 0 else np.ones_like(costs)


def _drawn(best: Floats, can_go: Flags, share: float, kept: float, random: np.random.Generator) -> Floats:
    """Return, for many draws, how much the best score would fall without a random stretch of the spend.

    Each draw keeps a random part of the trials. `best` is sorted from the best down; a draw that keeps no
    trial is settled by the last of them.
    """
    shape = (DRAWS, len(best))
    inside = random.random(shape) < kept
    before = inside & ~((random.random(shape) < share) & can_go)
    return best[_first(inside)] - best[np.maximum(_first(inside), _first(before))]


def _first(flags: Flags) -> npt.NDArray[np.intp]:
    """Return the place of each row's first set flag, or the last place where none is set."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), flags.shape[1] - 1)


def _last(scores: Floats, spent: Floats, ahead: float) -> float:
    """Return what the last stretch of that length really brought.

    Where it would be more than half of the spend, the last half is extrapolated in proportion.
    """
    seen = min(ahead, 0.5)
    before = int(np.searchsorted(spent, spent[-1] * (1 - seen), side="right"))
    earlier = scores[: max(before, 1)].max()
    first = earlier if math.isfinite(earlier) else scores[np.isfinite(scores)][0]
    return float(scores.max() - first) * ahead / seen
