import typing

import pytest

from sweeper.errors import FailureKind
from sweeper.store import events
from sweeper.store.attempt import Grant, Reading
from sweeper.store.event_lines import SCHEMA, Line, line_of, parse
from sweeper.store.events import Event
from sweeper.trial import Cause, Decision, Outcome, Report, State, Verdict, Wish

CLOCKS = events.Clocks(5.0, 20.0, {"a": 12.0})
COST = Reading(8.0, 6.0, 90.0)
SHARED = Reading(8.0, 6.0, 90.0, 2.5)
VERDICT = Verdict(Decision.STOP, "not among the best", 3, 5, 6, 0.9)
EXAMPLES: list[Event] = [
    events.SweepLaunched(),
    events.SweepClosed(why="budget", clocks=CLOCKS),
    events.SweepExtended(changes=["budget.trials: 4 -> 8"]),
    events.Heartbeat(clocks=CLOCKS, attempts={"t": (2, COST)}),
    events.EarlierTrial(
        sweep="old",
        number=3,
        config={"layers": 2},
        state=State.STOPPED,
        reports=(Report(1, 0.5, 2.0, {"valid/top5": 0.9}),),
    ),
    events.WorkBooked(what="image stores", device_seconds=3.5),
    events.SearchEnded(why="20 % more would bring nothing", figures={"expected": 0.01}),
    events.FinalBegun(configs=[{"layers": 2}]),
    events.TrialAsked(
        trial="t",
        number=1,
        config={"layers": 2},
        seed=7,
        repeat=1,
        point="study",
        redrawn=(events.KnownResult({"layers": 3}, State.INFEASIBLE),),
    ),
    events.AttemptStarted(trial="t", attempt=2, grant=Grant("a", "A10", True, 0.5), granted=3.0, waited=1.0),
    events.TrialWished(trial="t", wish=Wish.PAUSE, by="ada@lab"),
    events.AttemptStarted(trial="p", attempt=1, grant=Grant(share=0.25, places=4), granted=3.0, waited=1.0),
    events.Heartbeat(clocks=CLOCKS, attempts={"p": (1, SHARED)}),
    events.AttemptEnded(trial="p", attempt=1, outcome=Outcome(State.COMPLETED), cost=SHARED),
    events.Reported(trial="t", attempt=2, report=Report(4, 0.7, 9.0, {"valid/loss": 1.0}, "t@4")),
    events.Decided(trial="t", attempt=2, epoch=4, verdict=VERDICT, cost=COST),
    events.AttemptEnded(
        trial="t",
        attempt=2,
        outcome=Outcome(State.WAITING, FailureKind.HUNG, "silence", "Hang@x:1"),
        cost=COST,
    ),
    events.TrialTested(trial="t", metrics={"test/top1": 0.6}),
    events.TrialRetried(trial="t"),
]


def test_there_is_an_example_of_every_event():
    assert {type(each) for each in EXAMPLES} == set(typing.get_args(Event))


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
def test_an_event_is_read_as_it_was_written(records, event):
    record = records()
    record.append(event)
    (line,) = record.lines()
    assert parse(Line(line.kind, line.trial, line.attempt, line.body)) == event
    assert line_of(event).kind == line.kind


def test_a_kind_that_is_unknown_here_is_no_event():
    assert parse(Line("praised", "t")) is None


@pytest.mark.parametrize("body", [{}, {"number": "x"}, {"config": 3}])
def test_a_line_that_no_sweeper_wrote_is_refused(body):
    with pytest.raises((KeyError, TypeError, ValueError)):
        parse(Line("asked", "t", 0, body))


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("interrupted: SIGINT", Cause.INTERRUPT),
        ("budget: 4 of 4 USD are spent", Cause.BUDGET),
        ("rank 5 of 6: not among the best", Cause.SCHEDULER),
        ("budgets differ", Cause.SCHEDULER),
        ("", Cause.SCHEDULER),
    ],
)
def test_who_paused_a_trial_is_found_in_the_reason_of_the_first_schema_only(reason, cause):
    line = Line("decided", "t", 1, {"epoch": 1, "decision": "pause", "reason": reason})
    assert parse(line, schema=1).verdict.cause is cause
    assert parse(line).verdict.cause is Cause.SCHEDULER


def test_a_record_of_the_first_schema_is_read_by_its_own_rules_also_after_a_driver_went_on_with_it(records):
    record = records([Line("decided", "t", 1, {"epoch": 1, "decision": "pause", "reason": "budget: spent"})])
    record.put_meta({"schema": "1"})
    record.claim()
    record.write(
        Line("decided", "t", 1, {"epoch": 2, "decision": "pause", "reason": "budget: a scheduler's"})
    )
    assert record.meta["schema"] == str(SCHEMA)
    causes = [event.verdict.cause for event in record.events()]
    assert causes == [Cause.BUDGET, Cause.SCHEDULER]
    record.claim()
    assert [event.verdict.cause for event in record.events()] == causes
