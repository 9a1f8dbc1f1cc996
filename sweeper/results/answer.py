"""The answer that a sweep ends with: how it ended, the cards, and where its traces lie."""

from collections.abc import Callable, Mapping

from sweeper.results.card import Card, NotYet, Words
from sweeper.results.cards.advise import advise
from sweeper.results.cards.best import best, certainty, earlier, repeat
from sweeper.results.cards.front import front, knee
from sweeper.results.cards.order import ranking
from sweeper.results.cards.published import published
from sweeper.results.cards.spent import anytime, spending
from sweeper.results.cards.worth import budgets, efficiency, target
from sweeper.results.leaderboard import Leaderboard
from sweeper.results.stored_sweep import next_commands
from sweeper.trial import State
from sweeper.wording import counted, duration_text, plain

ENDINGS = {
    "done": "done",
    "budget": "done, its budget is spent",
    "": "not closed",
    "SIGINT": "stopped (Ctrl-C)",
}


def overview(board: Leaderboard) -> Card:
    """Make the card with the sweep's name, how it ended, and its trials by state."""
    history, objective = board.sweep.history, board.objective
    trials = history.trials.values()
    states = {str(s): n for s in State if (n := sum(trial.state is s for trial in trials))}
    ended = ENDINGS.get(history.closed, f"stopped ({plain(history.closed)})")
    parts = ", ".join(f"{number} {state}" for state, number in states.items())
    lines = [f"{counted(len(trials), 'trial')}: {parts}"]
    lines += [f"search ended: {plain(history.enough)}"] if history.enough else []
    facts = {
        "sweep": board.sweep.spec.name,
        "metric": objective.metric,
        "goal": objective.goal,
        "cost": board.cost,
        "mode": objective.mode,
        "ended": history.closed,
        "trials": states,
    }
    return Card(
        title=plain(board.sweep.spec.name),
        subtitle=f"{ended} in {duration_text(history.wall_seconds)}",
        facts=facts,
        lines=[Words("", line) for line in lines],
    )


def places(board: Leaderboard) -> Card:
    """Make the card with the tracking service, the record, the pictures, and what to type next."""
    sweep, paths = board.sweep, board.sweep.paths
    experiment = sweep.spec.tracking.experiment or sweep.spec.name
    pictures = [str(path) for path in (paths.front, paths.anytime) if path.exists()]
    commands = next_commands(sweep.ended, sweep.spec.name)
    if board.best is None and sweep.ended == "done":  # there is nothing to look at but why
        commands = (f"sweeper logs {sweep.spec.name}",)
    lines = [
        Words("MLflow", f"{sweep.tracking}, experiment {experiment}"),
        Words("Record", str(paths.record)),
    ]
    lines += [Words("" if number else "Pictures", path) for number, path in enumerate(pictures)]
    lines += [Words("" if number else "Next", typed, "command") for number, typed in enumerate(commands)]
    facts = {
        "record": str(paths.record),
        "pictures": pictures,
        "tracking": sweep.tracking,
        "experiment": experiment,
        "next": list(commands),
    }
    return Card("Where it lies", facts, lines=lines)


CARDS: tuple[Callable[[Leaderboard], Card | NotYet], ...] = (
    overview, best, repeat, certainty, efficiency, budgets, target, front, knee, ranking, spending, anytime,
    earlier, published, advise, places,
)  # fmt: skip
"""In the order of the JSON document. A new finding is a new card, and a name here."""


Cards = Mapping[str, Card | NotYet]
"""Every finding by its name, or why there is none."""


def answer(board: Leaderboard) -> Cards:
    """Return every card by the name of its function."""
    return {card.__name__: card(board) for card in CARDS}
