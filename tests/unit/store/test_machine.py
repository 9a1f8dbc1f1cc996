import json
import os
from pathlib import Path

import pytest

from sweeper.store.machine import Claim, claimed, claims


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    return tmp_path


def test_a_claim_is_seen_for_as_long_as_it_is_held() -> None:
    assert claims() == []
    with claimed(Path("first"), lambda others: 2) as cores:
        assert cores == 2
        assert claims() == [Claim("first", os.getpid(), 2)]
    assert claims() == []


def test_what_a_dead_process_left_counts_for_nothing_and_is_removed(cache: Path) -> None:
    with claimed(Path("first"), lambda others: 1):
        (folder,) = (cache / "machines").iterdir()
    left = folder / "4711-1.json"
    left.write_text(json.dumps({"folder": "dead", "pid": 4711, "cores": 9}))
    assert claims() == []
    assert not left.exists()


def test_whoever_finds_no_room_is_asked_again_after_a_pause() -> None:
    seen: list[list[str]] = []
    first = claimed(Path("first"), lambda others: 2)
    first.__enter__()

    def choose(others: list[Claim]) -> int:
        seen.append([each.sweep for each in others])
        return 0 if others else 2

    with claimed(Path("second"), choose, pause=lambda: first.__exit__(None, None, None)):
        assert [each.sweep for each in claims()] == ["second"]
    assert seen == [["first"], []]
