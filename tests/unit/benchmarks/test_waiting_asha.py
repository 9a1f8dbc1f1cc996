from parts import waiting_asha

from sweeper.schedulers import scheduler
from sweeper.trial import Decision, Goal, Report

GO, STOP, PAUSE = Decision.CONTINUE, Decision.STOP, Decision.PAUSE


def build(**options):
    return waiting_asha.waiting(Goal.MAXIMIZE, 27, **options)


def say(asha, trial, epoch, score):
    return asha.on_report(trial, Report(epoch, score)).decision


def test_the_first_wait_until_there_are_enough_and_only_the_best_of_them_goes_on():
    asha = build()
    assert [say(asha, trial, 1, score) for trial, score in (("a", 0.5), ("b", 0.6))] == [PAUSE, PAUSE]
    assert asha.next_promotion() is None
    assert say(asha, "c", 1, 0.4) is STOP, "whoever comes when there are enough never waits"
    assert [asha.next_promotion() for _ in range(2)] == ["b", None]
    assert say(asha, "b", 2, 0.1) is GO
    assert say(asha, "b", 3, 0.7) is PAUSE, "the next rung has nobody to compare it with"


def test_where_only_the_lowest_rung_waits_whoever_it_let_on_goes_to_its_end():
    asha = build(waits=1)
    told = [say(asha, trial, 1, score) for trial, score in (("a", 0.1), ("b", 0.2), ("c", 0.3))]
    assert (told, asha.next_promotion()) == ([PAUSE, PAUSE, GO], None)
    assert [say(asha, "c", epoch, 0.3) for epoch in (3, 9, 27)] == [GO, GO, GO]


def test_where_no_rung_waits_it_decides_as_asha_does():
    ours, theirs = build(waits=0), scheduler["asha"](Goal.MAXIMIZE, 27)
    reports = [(f"t{number}", 0.1 * (7 * number % 10)) for number in range(20)]
    assert [say(ours, *(trial, 1, score)) for trial, score in reports] == [
        say(theirs, *(trial, 1, score)) for trial, score in reports
    ]


def test_who_jumped_a_rung_waits_where_it_is():
    asha = build()
    assert say(asha, "x", 5, 0.9) is PAUSE
    for trial in "abc":
        say(asha, trial, 1, 0.1)
    assert asha.next_promotion() is None, "x waits at rung 3, alone"
