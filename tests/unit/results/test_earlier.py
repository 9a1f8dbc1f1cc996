import pytest

from sweeper.results.cards.best import Earlier, earlier, known_best
from sweeper.store.events import EarlierTrial
from sweeper.trial import Goal, Report, State

REPORTS = {
    ("old", 3): [[1, 0.4, 1.0, 0.9], [2, 0.9, 2.0, 1.0]],
    ("older", 7): [[1, 0.2, 1.0, 0.9]],
    ("older", 8): [],
}
KNOWN = [
    EarlierTrial(
        sweep=sweep,
        number=number,
        config={},
        state=State.COMPLETED,
        reports=tuple(
            Report(epoch, score, cost, {"valid/top5": top5}) for epoch, score, cost, top5 in reports
        ),
    )
    for (sweep, number), reports in REPORTS.items()
]


def test_the_best_of_what_was_known_is_found_either_way_up():
    assert known_best(KNOWN, Goal.MAXIMIZE) == Earlier(3, "old", 3, 0.9)
    assert known_best(KNOWN, Goal.MINIMIZE) == Earlier(3, "older", 7, 0.2)
    assert known_best([], Goal.MAXIMIZE) is None
    assert known_best([KNOWN[2]], Goal.MAXIMIZE) is None


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (0.8, "Better was known before: 90.0 %, trial 3 of old (`sweeper best old`)"),
        (0.95, "Known before from 3 configurations of earlier sweeps: 90.0 %, trial 3 of old"),
    ],
)
def test_a_better_result_of_an_earlier_sweep_is_not_hidden(
    trial, history, spec, board, printed, score, words
):
    sweep = history(trial(0, 1, [score]))
    sweep.known, sweep.enough = KNOWN, "25% more would raise the best by 0.001"
    found = board(sweep, spec(), 10)
    assert words in printed(found)
    assert "search ended: 25% more" in printed(found)
    assert earlier(found).facts["known_from_earlier_sweeps"]["number"] == 3
