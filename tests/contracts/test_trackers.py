import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sweeper.trackers import Target, Undelivered, tracker

NAMES = list(tracker)


@dataclass(frozen=True)
class FakeRow:
    id: int = 1
    at_ms: int = 1_700_000_000_000
    kind: str = "run"
    trial: str = ""
    payload: Mapping[str, Any] = field(default_factory=lambda: {"trial_key": "s", "name": "s"})


@pytest.fixture(autouse=True)
def _same_environment() -> Iterator[None]:
    held = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(held)


def test_mlflow_is_a_tracker() -> None:
    assert "mlflow" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_opening_a_tracker_touches_neither_disk_nor_network(name: str, tmp_path: Path) -> None:
    tracker[name](Target(f"sqlite:///{tmp_path}/store.db", "e", "s"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:9", "http://no.such.host.invalid:1", "sqlite:////proc/no/m.db"]
)
def test_an_unreachable_service_is_undelivered_and_nothing_else(name: str, uri: str) -> None:
    with pytest.raises(Undelivered) as caught:
        tracker[name](Target(uri, "e", "s")).deliver("", [FakeRow()])
    assert caught.value.where


@pytest.mark.parametrize("name", NAMES)
def test_a_password_in_the_address_stays_out_of_the_message(name: str) -> None:
    with pytest.raises(Undelivered) as caught:
        tracker[name](Target("http://me:geheim@127.0.0.1:9", "e", "s")).deliver("", [FakeRow()])
    assert "geheim" not in str(caught.value)
