"""Joining a Ray that is not there: one line, in time, and Ray's own noise in the log."""

import socket
import threading

import pytest

from sweeper.errors import PreflightError
from sweeper.runners.ray.join import require_answer


@pytest.mark.slow(reason="Ray asks anew until the time is up")
def test_where_nothing_listens_one_line_says_so_and_the_noise_is_in_the_log(tmp_path, capfd) -> None:
    with pytest.raises(PreflightError) as caught:
        require_answer("127.0.0.1:9", tmp_path / "log", seconds=600)
    assert str(caught.value).startswith("127.0.0.1:9: Ray cannot be reached (")
    assert str(caught.value).count("\n") == 0
    assert capfd.readouterr() == ("", "")
    assert "Failed to connect to GCS" in (tmp_path / "log").read_text(encoding="utf-8")


@pytest.mark.slow(reason="Ray asks anew until the time is up")
def test_what_listens_and_is_no_ray_is_given_up_in_time(tmp_path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept(), daemon=True).start()
        with pytest.raises(PreflightError, match="Ray cannot be reached"):
            require_answer(f"127.0.0.1:{server.getsockname()[1]}", tmp_path / "log", seconds=4)
