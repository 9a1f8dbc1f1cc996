import base64
from pathlib import Path

import pytest

from sweeper.errors import SpecError
from sweeper.trackers.address import compare_page, experiment_page, tracking_uri, without_login

STORE = Path("/tmp/runs/mlflow.db")


def test_auto_is_a_database_beside_the_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri("auto", STORE) == "sqlite:////tmp/runs/mlflow.db"


def test_auto_follows_mlflows_own_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://tracking:5000")
    assert tracking_uri("auto", STORE) == "http://tracking:5000"


@pytest.mark.parametrize("uri", ["https://m.example", "postgresql+psycopg2://u@h/db", "sqlite:////a.db"])
def test_servers_and_databases_are_taken_as_they_are(uri: str) -> None:
    assert tracking_uri(uri, STORE) == uri


@pytest.mark.parametrize("uri", ["./mlruns", "file:///tmp/mlruns", "", "ftp://host", "mlflow"])
def test_a_folder_or_nonsense_is_refused_with_what_to_write(uri: str) -> None:
    with pytest.raises(SpecError, match="write auto"):
        tracking_uri(uri, STORE)


@pytest.mark.parametrize("uri", ["http://u:secret@[::1/", "http://host:port", "https://", "http://:5000"])
def test_an_address_that_cannot_be_read_is_refused_without_its_password(uri: str) -> None:
    with pytest.raises(SpecError, match="write auto") as caught:
        tracking_uri(uri, STORE)
    assert "secret" not in str(caught.value)


def test_a_server_is_asked_and_shown_without_the_login_in_its_address() -> None:
    bare, header = without_login("http://ada:p%40ss@host:5000/base?token=x#y")
    assert bare == "http://host:5000/base"
    assert header == f"Basic {base64.b64encode(b'ada:p@ss').decode()}"
    assert without_login("http://host:5000") == ("http://host:5000", "")


def test_the_experiments_page_is_that_of_training_with_the_sweeps_own_view() -> None:
    page = experiment_page("http://127.0.0.1:5000/", "7", view="sweeper-1")
    assert page == (
        "http://127.0.0.1:5000/#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=sweeper-1"
    )
    plain = "http://h/#/experiments/7/runs?workflowType=machine_learning"
    assert experiment_page("http://h", "7") == plain


def test_the_compare_page_names_runs_and_experiment() -> None:
    assert compare_page("http://h", "7", ["a", "b"]) == (
        "http://h/#/compare-runs?runs=%5B%22a%22%2C%20%22b%22%5D&experiments=%5B%227%22%5D"
        "&workflowType=machine_learning"
    )
