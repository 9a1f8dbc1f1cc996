import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sweeper.store.record import OutboxRow
from sweeper.trackers import Refused, Undelivered
from sweeper.trackers.sender import Delivery, Sender, deliver_all


@dataclass(frozen=True)
class FakeRow:
    id: int
    trial: str = ""
    kind: str = "metrics"
    at_ms: int = 0
    payload: Mapping[str, Any] = field(default_factory=dict)


class FakeOutbox:
    def __init__(self, rows: Iterable[FakeRow]) -> None:
        self.rows = list(rows)
        self.closed = 0

    def pending(self, limit: int = 500) -> list[FakeRow]:
        return self.rows[:limit]

    def pending_count(self) -> int:
        return len(self.rows)

    def delivered(self, ids: Iterable[int]) -> None:
        confirmed = set(ids)
        self.rows = [row for row in self.rows if row.id not in confirmed]

    def close(self) -> None:
        self.closed += 1


class FakeTracker:
    """Takes everything, unless told what to raise for which trial."""

    def __init__(self, faults: Mapping[str, Exception] | None = None) -> None:
        self.faults = dict(faults or {})
        self.heard: list[tuple[str, list[int]]] = []

    def deliver(self, trial: str, rows: Sequence[OutboxRow]) -> None:
        if trial in self.faults:
            raise self.faults[trial]
        self.heard.append((trial, [row.id for row in rows]))


def rows_of(*trials: str) -> list[FakeRow]:
    return [FakeRow(number, trial) for number, trial in enumerate(trials, 1)]


def test_rows_are_told_by_trial_the_sweep_first() -> None:
    outbox, tracker = FakeOutbox(rows_of("", "a", "b", "a")), FakeTracker()
    assert Delivery(outbox, lambda: tracker).step() == 0.0
    assert tracker.heard == [("", [1]), ("a", [2, 4]), ("b", [3])]
    assert outbox.rows == []


def test_an_unreachable_service_keeps_the_rows_and_is_tried_less_and_less_often() -> None:
    outbox, tracker = FakeOutbox(rows_of("a")), FakeTracker({"a": Undelivered("down")})
    delivery = Delivery(outbox, lambda: tracker, seed=3)
    waits = [delivery.step() for _ in range(10)]
    longest = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True))
    assert len(set(waits)) == 10
    assert delivery.problem == "down"
    assert outbox.pending_count() == 1


def test_the_wait_is_short_again_after_a_success() -> None:
    outbox, tracker = FakeOutbox(rows_of("a")), FakeTracker({"a": Undelivered("down")})
    delivery = Delivery(outbox, lambda: tracker)
    for _ in range(5):
        delivery.step()
    tracker.faults.clear()
    assert delivery.step() == 0.0
    assert delivery.problem == ""
    outbox.rows, tracker.faults = rows_of("a"), {"a": Undelivered("down")}
    assert delivery.step() <= 1.0


def test_a_tracker_that_cannot_be_opened_is_a_reason_to_wait() -> None:
    outbox = FakeOutbox(rows_of("a"))

    def absent() -> FakeTracker:
        raise Undelivered("no such library")

    delivery = Delivery(outbox, absent)
    assert delivery.step() > 0
    assert delivery.problem == "no such library"


def test_rows_refused_for_good_do_not_dam_up_the_others_and_stay_counted() -> None:
    outbox, tracker = (
        FakeOutbox(rows_of("bad", "good", "bad", "good")),
        FakeTracker({"bad": Refused("never")}),
    )
    delivery = Delivery(outbox, lambda: tracker)
    delivery.step()
    assert tracker.heard == [("good", [2, 4])]
    assert outbox.pending_count() == 2
    outbox.rows += [FakeRow(9, "good")]
    delivery.step()
    assert tracker.heard[-1] == ("good", [9])


@pytest.mark.parametrize(("faults", "is_done"), [({}, True), ({"a": Undelivered("down")}, False)])
def test_deliver_all_says_whether_nothing_is_left_to_try(
    faults: Mapping[str, Exception], is_done: bool
) -> None:
    delivery = Delivery(FakeOutbox(rows_of("", "a")), lambda: FakeTracker(faults))
    assert deliver_all(delivery, is_over=lambda: False) is is_done


def sender_of(outbox: FakeOutbox, open_tracker: Callable[[], FakeTracker]) -> Sender:
    sender = Sender(lambda: outbox, open_tracker)
    sender.start()
    return sender


def test_a_flush_returns_nothing_left_when_all_is_told() -> None:
    outbox = FakeOutbox(rows_of("", "a"))
    sender = sender_of(outbox, FakeTracker)
    assert sender.flush(300.0) == 0
    sender.close()
    assert outbox.closed == 2  # the thread's and the flush's own


def test_a_flush_gives_up_in_time_and_counts_what_is_left(until: Callable[..., None]) -> None:
    sender = sender_of(FakeOutbox(rows_of("", "a")), lambda: FakeTracker({"": Undelivered("down")}))
    assert sender.flush(0.3) == 2
    until(lambda: sender.problem)
    assert sender.problem == "down"
    sender.close()


def test_a_service_that_hangs_holds_up_neither_flush_nor_close() -> None:
    release = threading.Event()

    class Hanging(FakeTracker):
        def deliver(self, trial: str, rows: Sequence[OutboxRow]) -> None:
            release.wait()

    sender = sender_of(FakeOutbox(rows_of("a")), Hanging)
    assert sender.flush(0.2) == 1
    sender.close(timeout=0.1)
    assert not release.is_set()
    release.set()


def test_starting_the_sender_opens_nothing_in_the_callers_thread() -> None:
    opened_in: list[str] = []

    def open_tracker() -> FakeTracker:
        opened_in.append(threading.current_thread().name)
        return FakeTracker()

    sender = sender_of(FakeOutbox(rows_of("a")), open_tracker)
    sender.flush(300.0)
    sender.close()
    assert opened_in == ["sweeper-outbox"]
