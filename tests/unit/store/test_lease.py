import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time

import pytest

from sweeper.errors import BusyError, PreflightError, StateError
from sweeper.store import lease

HOLDER = """
import sys, time
from pathlib import Path
from sweeper.store import lease
with lease.held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(3000)
"""


@pytest.fixture
def root(tmp_path):
    return tmp_path / "toy"


@pytest.fixture
def holder(root):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(root)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_owner_is_known_while_it_runs_and_nobody_owns_it_afterwards(root):
    assert lease.owner(root) is None
    with lease.held(root):
        owner = lease.owner(root)
        assert owner.pid == os.getpid()
        assert owner.host
        assert owner.since
    assert lease.owner(root) is None


def test_a_second_launcher_is_refused_at_once_with_who_owns_it(root, holder):
    with pytest.raises(BusyError) as caught, lease.held(root):
        pass
    assert holder.poll() is None, "it was not waited for"
    assert caught.value.exit_code == 75
    assert f"process {holder.pid} on " in str(caught.value)
    assert " since 20" in str(caught.value)
    with pytest.raises(BusyError):
        lease.refuse_if_owned(root)


def test_a_stopped_owner_still_owns_and_a_killed_one_does_not(root, holder):
    holder.send_signal(signal.SIGSTOP)
    with pytest.raises(BusyError), lease.held(root):
        pass
    holder.kill()
    holder.wait()
    with lease.held(root):
        assert lease.owner(root).pid == os.getpid()


def test_the_lease_is_free_after_an_error_inside(root):
    with pytest.raises(ZeroDivisionError), lease.held(root):
        raise ZeroDivisionError
    with lease.held(root):
        pass


def test_looking_at_a_sweep_never_keeps_anybody_from_launching_it(root):
    """`sweeper status` in a loop takes the shared lock again and again."""
    root.mkdir()
    (root / ".lease").touch()
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            lease.owner(root)
            time.sleep(0.001)

    watchers = [threading.Thread(target=look) for _ in range(3)]
    for watcher in watchers:
        watcher.start()
    try:
        for _ in range(100):
            with lease.held(root):
                pass
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()


def test_of_many_launchers_at_once_one_wins(root):
    script = HOLDER.replace("time.sleep(3000)", "sys.stdin.read()")
    script = script.replace("with", "print('here', flush=True)\nwith")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen([sys.executable, "-c", script, str(root)], **pipes) for _ in range(4)]
    said = [racer.stdout.readline() + racer.stdout.readline() for racer in racers]
    ends = [racer.communicate()[1] for racer in racers]
    assert sorted(said) == ["here\n"] * 3 + ["here\nheld\n"]
    assert sum("BusyError" in error for error in ends) == 3


@pytest.mark.parametrize("request_", ["stop", "cancel"])
def test_a_request_reaches_the_owner(root, request_):
    with lease.held(root):
        assert lease.requested(root) is None
        lease.ask_owner(root, request_)
        assert lease.requested(root) == request_
        assert lease.requested(root) == request_, "reading it does not use it up"


def test_a_request_to_an_earlier_owner_does_not_stop_the_next(root):
    with lease.held(root):
        lease.ask_owner(root, "cancel")
    with lease.held(root):
        assert lease.requested(root) is None


def test_many_requests_at_once_do_not_trip_over_each_other(root):
    root.mkdir()
    failures = []

    def ask() -> None:
        try:
            for _ in range(50):
                lease.ask_owner(root, "stop")
        except OSError as error:
            failures.append(error)

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert failures == []
    assert lease.requested(root) == "stop"
    assert [path.name for path in root.iterdir()] == [".request"]


def test_the_folder_is_private(root):
    with lease.held(root):
        assert stat.S_IMODE(root.stat().st_mode) == 0o700
        assert json.loads((root / ".lease").read_text())["pid"] == os.getpid()


def test_taking_over_from_nobody_is_nothing(root):
    lease.take_over(root)
    assert not root.exists()


def test_an_owner_that_does_not_listen_is_ended_and_leaves_the_lease(root, holder):
    holder.send_signal(signal.SIGSTOP)
    lease.take_over(root, patience=0.3)
    assert holder.wait(timeout=300) == -signal.SIGKILL
    with lease.held(root):
        assert lease.requested(root) is None, "the request was for the owner that is gone"


def test_an_owner_that_listens_is_given_the_time_to_let_go(root):
    script = HOLDER.replace(
        "    time.sleep(3000)", "    while lease.requested(Path(sys.argv[1])) != 'cancel': time.sleep(0.05)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(root)], stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        lease.take_over(root, patience=300)
        assert process.wait(timeout=300) == 0


def test_an_owner_on_another_machine_is_never_ended_from_here(root):
    with lease.held(root):
        (root / ".lease").write_text(json.dumps({"host": "elsewhere", "pid": os.getpid(), "since": "x"}))
        with pytest.raises(BusyError, match="on elsewhere"):
            lease.take_over(root, patience=0.1)


def test_an_owner_that_has_not_written_its_name_yet_is_left_alone(root):
    with lease.held(root):
        (root / ".lease").write_text("")
        with pytest.raises(BusyError):
            lease.take_over(root, patience=0.1)


@pytest.mark.parametrize("place", [".lease", "checkpoints", "checkpoints/a", "tune"])
def test_a_sweep_from_a_stranger_whose_places_are_links_is_not_driven(root, tmp_path, place):
    """Its driver would empty the file, or write and prune in the folder, that the link leads to."""
    mine = tmp_path / "mine"
    mine.write_text("precious") if place == ".lease" else mine.mkdir()
    link = root / place
    link.parent.mkdir(parents=True)
    link.symlink_to(mine)
    with pytest.raises(PreflightError, match="cannot be written to") as caught, lease.held(root):
        pass
    assert (caught.value.exit_code, caught.value.where) == (5, str(link))
    assert mine.read_text() == "precious" if place == ".lease" else list(mine.iterdir()) == []


def test_a_lease_that_is_a_pipe_neither_hangs_nor_is_taken(root):
    root.mkdir()
    os.mkfifo(root / ".lease")
    assert lease.owner(root) is None
    with pytest.raises(PreflightError, match="no regular file"), lease.held(root):
        pass


def test_another_users_lease_can_be_looked_at_and_not_taken(root, without_rights):
    with lease.held(root):
        root.chmod(0o755)
        without_rights(root)
        assert lease.owner(root).pid == os.getpid()
        with pytest.raises(PreflightError, match=r"cannot be written to .*copy its folder"), lease.held(root):
            pass


def test_a_lease_that_may_not_be_read_is_one_clear_line(root, without_rights):
    root.mkdir()
    (root / ".lease").touch(0o600)
    without_rights(root)
    with pytest.raises(StateError, match=r"\.lease: cannot be read \(Permission denied\)"):
        lease.owner(root)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"host": "h"}', '{"host": "h", "pid": "x", "since": ""}', "\x00"]
)
def test_a_lease_that_says_nonsense_has_an_unknown_owner(root, text):
    with lease.held(root):
        (root / ".lease").write_text(text)
        assert lease.owner(root) == lease.Owner("unknown", 0, "just now")


def test_a_lease_on_a_full_disk_is_one_clear_line(tmp_path):
    root = tmp_path / "disk"
    root.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", root], capture_output=True
    ).returncode:
        pytest.skip("a small file system can only be mounted by root")
    try:
        sweep = root / "toy"
        with lease.held(sweep):
            pass
        with (root / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(b"x" * 4096):
                pass
        words = r"No space left on device.*make room"
        with pytest.raises(PreflightError, match=words) as caught, lease.held(sweep):
            pass
        assert caught.value.exit_code == 5
        assert lease.owner(sweep) is None
    finally:
        subprocess.run(["umount", root], check=True)
