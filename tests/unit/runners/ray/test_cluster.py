"""How a private Ray is started, without one."""

import tempfile
from pathlib import Path

import pytest

from sweeper.errors import PreflightError
from sweeper.runners.ray.cluster import LONGEST_FOLDER, connected, room_for_sockets

AF_UNIX = 107
ADDED = "/ray/session_2026-11-27_02-11-08_260208_4194304/sockets/plasma_store"


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """`temporary(length)`: the temporary folder has a name of so many bytes."""

    def choose(length: int) -> str:
        folder = f"/tmp/{'x' * (length - 5)}"
        monkeypatch.setattr(tempfile, "tempdir", folder)
        return folder

    return choose


def test_a_folder_whose_sockets_fit_is_left_to_ray(temporary):
    said = []
    assert len(temporary(LONGEST_FOLDER) + ADDED) <= AF_UNIX
    with room_for_sockets(said.append) as folder:
        assert folder is None
    assert said == []


def test_a_folder_whose_name_is_too_long_is_replaced_by_a_short_one_which_goes_again(temporary):
    said = []
    long = temporary(LONGEST_FOLDER + 1)
    with room_for_sockets(said.append) as folder:
        assert len(folder + ADDED) <= AF_UNIX
        assert Path(folder).stat().st_mode & 0o077 == 0
        (Path(folder) / "session").mkdir()
    assert not Path(folder).exists()
    assert said == [f"{long} is too long a name for Ray's sockets: they lie in {folder}"]


@pytest.mark.slow(reason="Ray is imported")
@pytest.mark.parametrize(
    ("error", "words"),
    [(OSError("no such device"), "no such device"), (Exception(""), "Exception"), (KeyError("x"), "x")],
    ids=repr,
)
def test_whatever_ray_raises_at_its_start_is_one_line(monkeypatch, tmp_path, error, words):
    def fail(**options):
        raise error

    monkeypatch.setattr("ray.init", fail)
    match = f"Ray cannot be started .*{words}.*`--runner local`"
    with pytest.raises(PreflightError, match=match), connected(None, 1, tmp_path / "log"):
        pass
