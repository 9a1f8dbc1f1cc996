import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.files import (
    appending,
    creating_folder,
    own_folder,
    remove_leftovers,
    write_atomically,
    writing,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("data", ["größer\n", "größer\n".encode()])
def test_text_and_bytes_take_the_place_of_the_old_file(tmp_path, data, durable):
    path = tmp_path / "a.json"
    path.write_text("old")
    write_atomically(path, data, durable=durable)
    assert path.read_text(encoding="utf-8") == "größer\n"
    assert names(tmp_path) == ["a.json"]


def test_nothing_is_seen_before_the_block_ends(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    with writing(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")

    def fail_in_the_middle() -> None:
        with writing(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


KILLED = """
import os, signal, sys; from pathlib import Path
from sweeper.files import writing
with writing(Path(sys.argv[1])) as file:
    file.write(b"half"); file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_killed_in_the_middle_leaves_the_old_file_and_what_it_left_can_be_removed(tmp_path):
    path = tmp_path / "a"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(names(tmp_path)) == 2
    (tmp_path / "a.part-folder").mkdir()
    (tmp_path / "b.part-12345678").write_text("of another file")
    remove_leftovers(path)
    assert names(tmp_path) == ["a", "b.part-12345678"]


FULL = """
import resource, signal, sys; from pathlib import Path
from sweeper.files import write_atomically
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try: write_atomically(Path(sys.argv[1]), bytes(100_000))
except OSError: print("refused")
"""


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path):
    """A file may grow to 20 kB here, which ends a write as a full disk does."""
    path = tmp_path / "a"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    path = tmp_path / "a"
    path.symlink_to(tmp_path / "theirs")
    write_atomically(path, "ours")
    assert not path.is_symlink()
    assert path.read_text() == "ours"
    assert (tmp_path / "theirs").read_text() == "theirs"


def test_a_link_that_leads_nowhere_is_replaced(tmp_path):
    path = tmp_path / "a"
    path.symlink_to(tmp_path / "absent")
    write_atomically(path, "ours")
    assert names(tmp_path) == ["a"]
    assert path.read_text() == "ours"


@pytest.mark.parametrize(("mask", "mode", "expected"), [(0o022, 0o666, 0o644), (0, 0o600, 0o600)])
def test_the_umask_is_taken_from_the_mode(tmp_path, mask, mode, expected):
    before = os.umask(mask)
    try:
        write_atomically(tmp_path / "a", "x", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == expected


def test_a_folder_or_a_pipe_is_never_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(OSError, match="no regular file"):
            write_atomically(tmp_path / name, "x")
    assert names(tmp_path) == ["folder", "pipe"]


@pytest.mark.parametrize("durable", [False, True])
def test_a_folder_appears_whole_or_not_at_all(tmp_path, durable):
    folder = tmp_path / "made"
    with creating_folder(folder, durable=durable) as part:
        (part / "inner").mkdir()
        (part / "inner" / "a").write_text("a")
        assert not folder.exists()
    assert (folder / "inner" / "a").read_text() == "a"
    with pytest.raises(ZeroDivisionError), creating_folder(tmp_path / "other"):
        raise ZeroDivisionError
    assert names(tmp_path) == ["made"]


def test_a_folder_that_holds_something_is_not_replaced(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "theirs").write_text("theirs")
    with pytest.raises(OSError, match="not empty"), creating_folder(tmp_path / "made"):
        pass
    (tmp_path / "link").symlink_to(tmp_path / "made")
    with pytest.raises(OSError, match="Not a directory"), creating_folder(tmp_path / "link"):
        pass
    assert names(tmp_path) == ["link", "made"]
    assert names(tmp_path / "made") == ["theirs"]


def test_a_file_that_is_added_to_is_never_reached_through_a_link(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "log").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic links"):
        appending(tmp_path / "log")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        appending(tmp_path / "pipe")
    for word in ("one\n", "two\n"):
        with appending(tmp_path / "new") as file:
            file.write(word)
    assert (tmp_path / "new").read_text() == "one\ntwo\n"
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_folder_of_ones_own_is_made_but_not_through_a_link(tmp_path):
    root = tmp_path / "root"
    own_folder(root / "a" / "b", root)
    own_folder(root / "a" / "b", root)
    (tmp_path / "elsewhere").mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    for place in ("linked", "linked/below"):
        with pytest.raises(OSError, match="links are not followed"):
            own_folder(root / place, root)
    (tmp_path / "root-link").symlink_to(root)
    own_folder(tmp_path / "root-link" / "c", tmp_path / "root-link")
    assert sorted(path.name for path in root.iterdir()) == ["a", "c", "linked"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
