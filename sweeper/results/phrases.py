"""Rows, certainty and what more spending brings, in words: the same in tables and in pictures."""

import math

from sweeper.results.answer import Answer
from sweeper.results.anytime import Anytime
from sweeper.results.earlier import Earlier
from sweeper.results.leaderboard import LeaderboardRow
from sweeper.wording import config_text, device_text, is_accuracy, plain, score_text

REPEAT = "`final: {top: 3, seeds: 3}` in the sweep file trains the best three anew"


def figures_text(answer: Answer, row: LeaderboardRow) -> str:
    """`trial 7  94.2 % +- 0.4 (mean of 3 final runs)  epoch 9 of 10  0.12 GPU hours, 0.3 USD`."""
    spent = device_text(row.device_seconds, answer.has_gpu)
    money = "" if row.usd is None else f", {row.usd:.4g} USD"
    several = f" ({runs_text(row)})" if row.runs > 1 else ""
    each = " each" if row.runs > 1 else ""
    score = mean_text(answer.metric, row)
    return f"trial {row.number}  {score}{several}  epoch {row.epoch} of {row.epochs}  {spent}{money}{each}"


def mean_text(metric: str, row: LeaderboardRow) -> str:
    """`94.2 % +- 0.4`: the interval where there are several runs."""
    score = score_text(metric, row.score)
    if row.half_width is None:
        return score
    width = f"{100 * row.half_width:.1f}" if is_accuracy(metric) else f"{row.half_width:.2g}"
    return f"{score} ± {width}"


def runs_text(row: LeaderboardRow) -> str:
    """`mean of 3 final runs`."""
    return f"mean of {row.runs} {'final runs' if row.is_final else 'runs'}"


def certainty_text(answer: Answer) -> str:
    """How probable it is that the first is the best, or how to find out."""
    sure = answer.certainty
    if sure is not None:
        runs = f"{sure.fewest}" if sure.fewest == sure.most else f"{sure.fewest} to {sure.most}"
        share = f"{100 * sure.probability:.0f} %"
        return f"with a probability of {share}, among {sure.among} configurations of {runs} runs each"
    if answer.best is not None and answer.best.runs > 1:
        return f"cannot be told: no other configuration was run more than once; {REPEAT}"
    return f"cannot be told from single runs; {REPEAT}"


def earlier_text(answer: Answer, known: Earlier) -> str:
    """What `search.from` knew: the sweep that has it comes first where it is better."""
    best = f"{score_text(answer.metric, known.score)}, trial {known.number} of {plain(known.sweep)}"
    own = answer.best.own_score if answer.best else None
    if own is not None and (known.score > own) == answer.is_maximized and known.score != own:
        return f"Better was known before: {best} (`sweeper best {plain(known.sweep)}`)"
    return f"Known before from {known.count} configurations of earlier sweeps: {best}"


def rise_text(metric: str, rise: float) -> str:
    """`0.3 points` of an accuracy, the plain number of anything else."""
    if math.isinf(rise):
        return "nobody knows how much"
    return f"{100 * rise:.2g} points" if is_accuracy(metric) else f"{rise:.2g}"


def last_tenth_text(metric: str, found: Anytime) -> str:
    """What the last 10 % of the search brought."""
    if found.last_tenth is None:
        return "no score yet"
    return f"brought {rise_text(metric, found.last_tenth)}"


def advice_text(metric: str, found: Anytime) -> str:
    """Whether to stop now, and why."""
    gain, share = found.gain, f"{100 * found.ahead:.3g} %"
    if found.advice == "unknown":
        return "nobody can tell yet: fewer than five trials have a score"
    low, high = (_bare(metric, end) for end in (gain.low, gain.high))
    brings = f"another {share} of the spend brings about {rise_text(metric, gain.expected)} ({low} to {high})"
    match found.advice:
        case "stop":
            return f"yes: {brings}"
        case "go on":
            return f"no: {brings}"
        case _:
            return f"hard to say: {brings}"


def label_text(answer: Answer, row: LeaderboardRow) -> str:
    """The point's name and the parameters in which the sweep's trials differ."""
    config = {name: row.config[name] for name in answer.varied if name in row.config} or row.config
    name = f"{plain(row.point)}: " if row.point else ""
    return name + plain(config_text(config))


def cost_text(answer: Answer, row: LeaderboardRow) -> str:
    """The row's cost in the sweep's own unit, without the unit."""
    cost = row.cost(answer.cost)
    return "-" if math.isnan(cost) else f"{cost:.4g}"


def unit_text(answer: Answer, *, one: bool = False) -> str:
    """`GPU hours`, `CPU slot seconds`, `USD`."""
    if answer.cost == "usd":
        return "USD"
    kind = "second" if answer.cost == "device_seconds" else "hour"
    return f"{'GPU' if answer.has_gpu else 'CPU slot'} {kind}{'' if one else 's'}"


def trials_text(count: int) -> str:
    """`1 trial`, `7 trials`."""
    return f"{count} trial{'' if count == 1 else 's'}"


def _bare(metric: str, rise: float) -> str:
    return f"{100 * rise:.2g}" if is_accuracy(metric) else f"{rise:.2g}"
