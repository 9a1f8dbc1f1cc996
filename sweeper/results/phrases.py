"""This module puts a row of the leaderboard into words: the same in tables, beside titles and in pictures."""

import math
from collections.abc import Mapping

from sweeper.config.objective_section import ObjectiveSpec
from sweeper.results.card import Words
from sweeper.results.leaderboard import Leaderboard, LeaderboardRow
from sweeper.wording import config_text, cost_unit, device_text, is_accuracy, plain, score_text


def about(title: str, board: Leaderboard, row: LeaderboardRow) -> list[Words]:
    """Return the first lines of a card about one trial: its figures, then its configuration."""
    spent = device_text(row.device_seconds, board.has_gpu)
    money = "" if row.usd is None else f", {row.usd:.4g} USD"
    several = f" (mean of {row.runs} {'final runs' if row.is_final else 'runs'})" if row.runs > 1 else ""
    each = " each" if row.runs > 1 else ""
    score = f"{mean_text(board.objective.metric, row)}{several}"
    figures = f"trial {row.number}  {score}  epoch {row.epoch} of {row.epochs}  {spent}{money}{each}"
    lines = [Words(title, figures), Words("", label_text(board, row), "dim")]
    taken = network_text(board.objective, row.metrics)
    return [*lines, Words("", taken, "dim")] if taken else lines


def network_text(objective: ObjectiveSpec, metrics: Mapping[str, float]) -> str:
    """Say what the network takes, where its trial reported that, and what the sweep allows."""
    allowed = objective.limits.named if objective.limits else {}
    digits = {"parameters": 0, "operations": 0, "milliseconds": 2}
    parts = [
        f"{metrics[name]:,.{places}f} {name}" + (f" (at most {allowed[name]:,g})" if name in allowed else "")
        for name, places in digits.items()
        if name in metrics
    ]
    return f"network: {', '.join(parts)} an image" if parts else ""


def cells(board: Leaderboard, row: LeaderboardRow) -> tuple[str, str, str, str]:
    """Return trial, score, cost and epochs as cells of a table."""
    return str(row.number), mean_text(board.objective.metric, row), cost_text(board, row), str(row.epochs)


def mean_text(metric: str, row: LeaderboardRow) -> str:
    """Return `94.2 % +- 0.4`, with the interval where there are several runs."""
    score = score_text(metric, row.score)
    if row.half_width is None:
        return score
    width = f"{100 * row.half_width:.1f}" if is_accuracy(metric) else f"{row.half_width:.2g}"
    return f"{score} ± {width}"


def label_text(board: Leaderboard, row: LeaderboardRow) -> str:
    """Return the point's name and the parameters in which the sweep's trials differ."""
    config = {name: row.config[name] for name in board.varied if name in row.config} or row.config
    name = f"{plain(row.point)}: " if row.point else ""
    return name + plain(config_text(config))


def cost_text(board: Leaderboard, row: LeaderboardRow) -> str:
    """Return the row's cost in the sweep's own unit, without the unit."""
    cost = row.cost(board.cost)
    return "-" if math.isnan(cost) else f"{cost:.4g}"


def unit_text(board: Leaderboard, *, is_one: bool = False) -> str:
    """Return the sweep's own unit of cost: `GPU hours`, `CPU slot seconds`, `USD`."""
    return cost_unit(board.cost, board.has_gpu, is_one=is_one)
