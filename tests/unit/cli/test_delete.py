import sys

import pytest

from sweeper.errors import BusyError
from sweeper.launch.delete import delete
from sweeper.store import lease
from sweeper.store.paths import SweepPaths


@pytest.fixture
def answer(monkeypatch):
    """`answer("y")`: somebody at the terminal types that."""

    def answer(text: str) -> None:
        lines = iter([text])
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: next(lines))

    return answer


def test_a_sweep_is_deleted_with_everything_in_it_and_its_neighbor_stays(make_run, runs, say):
    make_run("toy", budget={"trials": 2})
    make_run("other", budget={"trials": 2})
    said = say("delete", "toy", "--yes")
    assert said.code == 0
    assert "toy is deleted; what MLflow was told of it stays there" in said.out
    assert "done, 2 trials" in said.err
    assert [path.name for path in runs.iterdir()] == ["other"]


def test_without_somebody_to_ask_nothing_is_deleted(make_run, say):
    paths = make_run("toy", budget={"trials": 2})
    said = say("delete", "toy")
    assert said.code == 2
    assert "nothing was deleted; add --yes" in said.err
    assert paths.record.exists()


@pytest.mark.parametrize(("typed", "is_kept"), [("n", True), ("", True), ("y", False)])
def test_it_asks_and_the_default_is_no(make_run, say, answer, typed, is_kept):
    paths = make_run("toy", budget={"trials": 2})
    answer(typed)
    assert say("delete", "toy").code == 0
    assert paths.record.exists() == is_kept


def test_a_running_sweep_is_never_deleted(make_run, say):
    paths = make_run("toy", "interrupted")
    with lease.held(paths.root):
        said = say("delete", "toy", "--yes")
        assert (said.code, "`sweeper stop toy` stops it" in said.err) == (75, True)
        assert paths.record.exists()


def test_a_driver_that_began_after_the_look_keeps_its_folder(make_run, runs, monkeypatch):
    paths = make_run("toy", "interrupted")
    with lease.held(paths.root):
        monkeypatch.setattr(lease, "refuse_if_owned", lambda root: None)
        with pytest.raises(BusyError):
            delete(paths)
        assert paths.record.exists()
        assert [path.name for path in runs.iterdir()] == ["toy"]


def test_a_sweep_that_cannot_be_read_can_be_deleted(make_run, runs, say):
    paths = make_run("toy", budget={"trials": 2})
    paths.record.write_bytes(b"nothing")
    assert "its record cannot be read" in say("delete", "toy", "--yes").err
    assert list(runs.iterdir()) == []


def test_links_in_it_lead_to_no_loss(make_run, runs, say, tmp_path):
    """Nor is a sweep whose places are links kept from being deleted, as it is from being driven."""
    paths = make_run("toy", budget={"trials": 2})
    (tmp_path / "mine").write_text("precious")
    (paths.root / "checkpoints").symlink_to(tmp_path)
    assert say("delete", "toy", "--yes").code == 0
    assert (tmp_path / "mine").read_text() == "precious"
    assert list(runs.iterdir()) == []


def test_a_sweeps_folder_that_is_a_link_is_left_to_whoever_made_it(make_run, runs, say):
    paths = make_run("toy", budget={"trials": 2})
    paths.root.rename(runs / "elsewhere")
    (runs / "toy").symlink_to(runs / "elsewhere")
    said = say("delete", "toy", "--yes")
    assert (said.code, "remove it by hand" in said.err) == (5, True)
    assert (runs / "elsewhere" / "record.db").exists()


def test_a_name_that_nobody_gave_is_answered_with_the_nearest(make_run, say):
    make_run("toy", budget={"trials": 2})
    said = say("delete", "tyo", "--yes")
    assert (said.code, "toy" in said.err) == (2, True)
    assert SweepPaths.of("toy").record.exists()
