"""`sweeper watch`: a page of a sweep from its record alone, and keys that become requests."""

import http.client
import threading
from collections.abc import Iterator

import pytest

from sweeper.cli.parts.followed_sweep import FollowedSweep
from sweeper.cli.parts.live_page import HTML, LivePage
from sweeper.cli.parts.watch_keys import HELP, Keys, TypedOrder
from sweeper.cli.parts.watch_page import obey
from sweeper.launch.live_snapshot import snapshot_of
from sweeper.store import lease
from sweeper.store.record import Record
from sweeper.sweep.sweep import Sweep
from sweeper.trackers.loopback import LoopbackServer
from sweeper.trial import Report, State, Wish


@pytest.mark.parametrize("ending", ["done", "stopped", "broken", "interrupted"])
def test_where_nobody_runs_the_sweep_a_page_is_printed_once(ending, make_run, say) -> None:
    make_run("toy", ending)
    said = say("watch", "toy")
    assert said.code == 0
    first, *rest = said.out.splitlines()
    assert first == "nobody runs it: this is how it stands"
    assert rest[-1].startswith("next: sweeper ")
    assert any("trials done" in line for line in rest)
    assert all(len(line) <= 80 for line in rest)
    if ending == "broken":
        assert sum("no [red]such file" in line for line in rest) >= 3


def test_an_unknown_sweep_is_one_line(make_run, say) -> None:
    make_run("toy", "done")
    said = say("watch", "tot")
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: no sweep is called 'tot'; did you mean 'toy'?\n"


@pytest.fixture
def running(make_run, toy_spec) -> Iterator[Sweep]:
    """The sweep `toy`, stopped and driven again by this process, which holds its lease."""
    paths = make_run("toy", "stopped")
    with lease.held(paths.root):
        record = Record.open(paths.record)
        yield Sweep(toy_spec(name="toy"), record)
        record.close()


def test_without_a_terminal_a_running_sweep_is_printed_once(running, say) -> None:
    said = say("watch", "toy")
    assert said.code == 0
    assert said.out.startswith("no terminal to watch on: this is how it stands now\nrunning (process ")


def test_what_is_followed_equals_what_its_driver_sees(running) -> None:
    followed = FollowedSweep.open("toy")
    before = len(followed.lines)
    trial = running.ask()
    running.on_start(trial.id, _grant())
    running.report(trial.id, Report(trial.epoch + 1, 0.61, 1.0))
    running.beat()
    assert followed.look()
    assert not followed.look(), "nothing is read twice"
    seen, own = followed.snapshot(), snapshot_of(running)
    for name in ("states", "running", "best", "reports", "planned", "limits"):
        assert getattr(seen, name) == getattr(own, name), name
    assert seen.billed_device_seconds == pytest.approx(own.billed_device_seconds)
    assert seen.running[0].score == 0.61
    assert len(followed.lines) > before


def _grant():
    from sweeper.store.attempt import Grant

    return Grant(node="desk", device="cpu")


def typed(text: str) -> tuple[Keys, list[TypedOrder]]:
    keys = Keys()
    orders = [order for key in text if (order := keys.press(key))]
    return keys, orders


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("sy", [TypedOrder(Wish.STOP)]),
        ("sn", []),
        ("s\n", []),
        ("t12\n", [TypedOrder(Wish.STOP, "12")]),
        ("t1\x7f2\r", [TypedOrder(Wish.STOP, "2")]),
        ("p7\n", [TypedOrder(Wish.PAUSE, "7")]),
        ("r7\nsy", [TypedOrder(Wish.RESUME, "7"), TypedOrder(Wish.STOP)]),
        ("t\n", []),
        ("t1\x1b", []),
        ("x1y\n", []),
    ],
)
def test_a_key_does_nothing_before_it_is_confirmed(text: str, orders: list[TypedOrder]) -> None:
    keys, found = typed(text)
    assert found == orders
    assert not keys.has_left
    assert keys.line == HELP


def test_the_lowest_line_says_what_is_being_typed() -> None:
    assert typed("t4")[0].line == "stop trial number: 4_   (Enter does it, Esc leaves it)"
    assert typed("s")[0].line.endswith("y / n")
    assert typed("q")[0].has_left


def test_an_order_reaches_the_driver_or_says_why_not(running) -> None:
    followed = FollowedSweep.open("toy")
    waiting = next(t for t in running.history.trials.values() if t.state is State.WAITING)
    assert (
        obey(followed, TypedOrder(Wish.PAUSE, str(waiting.number))) == f"asked: pause trial {waiting.number}"
    )
    assert [(r.number, r.wish) for r in lease.taken_trial_requests(followed.sweep.root)] == [
        (waiting.number, Wish.PAUSE)
    ]
    assert obey(followed, TypedOrder(Wish.STOP, "999")).startswith("toy: no trial '999'")
    assert obey(followed, TypedOrder(Wish.STOP)) == "asked: stop the sweep"
    assert lease.requested(followed.sweep.root) == "stop"


@pytest.mark.slow(reason="imports plotly and builds two pages")
def test_the_page_is_served_to_this_machine_and_loads_itself_anew_while_the_sweep_runs(
    make_run, toy_spec
) -> None:
    paths = make_run("toy", "stopped")
    page = LivePage("toy")
    server = LoopbackServer(0, "/", HTML, page)
    try:
        with lease.held(paths.root):
            status, text = _get(server.port, "/")
            assert (status, 'http-equiv="refresh"' in text) == (200, True)
            assert "toy" in text
        page.good_until = 0.0
        assert 'http-equiv="refresh"' not in _get(server.port, "/")[1]
        assert _get(server.port, "/etc")[0] == 404
        assert _get(server.port, "/", host="evil.example")[0] == 403
    finally:
        server.close()
    assert not [each for each in threading.enumerate() if each.name == "sweeper-http"]


def _get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def test_the_page_of_a_sweep_that_nobody_runs_is_the_report(make_run, say) -> None:
    make_run("toy", "done")
    assert say("watch", "toy", "--web").out.startswith("nobody runs it")
