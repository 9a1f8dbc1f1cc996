import json
import time
from pathlib import Path

import pytest

from sweeper.cost import Timing, Work
from sweeper.cost.kept_timings import OLD_DAYS, Probe, keep, probes_path, read

WORK = Work(1e6, 1e3, 5, 100, 64.0, 10, 1000, 200, 2)


def probe(layers: int, seconds: float = 0.5) -> Probe:
    return Probe({"layers": layers}, Timing(WORK, seconds))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return probes_path(tmp_path, "digest", "a cpu")


def kept(path: Path, *probes: Probe, libraries: str = "torch 1") -> None:
    keep(path, probes, device="a cpu", libraries=libraries)


def altered(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_was_timed_is_read_back(path):
    kept(path, probe(1), probe(2))
    assert read(path, libraries="torch 1") == (probe(1), probe(2))


def test_a_newer_timing_of_a_configuration_takes_the_place_of_the_older_one(path):
    kept(path, probe(1), probe(2))
    kept(path, probe(1, seconds=0.7))
    assert {p.config["layers"]: p.timing.seconds for p in read(path, libraries="torch 1")} == {1: 0.7, 2: 0.5}


def test_images_and_devices_have_files_of_their_own(tmp_path):
    paths = {probes_path(tmp_path, data, device) for data in "ab" for device in "cd"}
    assert len(paths) == 4


def test_timings_of_another_torch_are_ignored(path):
    kept(path, probe(1))
    assert read(path, libraries="torch 2") == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"at": time.time() - (OLD_DAYS + 1) * 86_400},
        {"at": time.time() + 9_999},
        {"at": "yesterday"},
        {"probes": None},
        {"probes": [{"config": {}, "timing": {"work": {}, "seconds": 1}}]},
        {"probes": [{"config": {}, "timing": {"work": WORK.__class__.__slots__, "seconds": 1}}]},
    ],
)
def test_a_file_that_is_old_or_damaged_is_ignored(path, changes):
    kept(path, probe(1))
    altered(path, **changes)
    assert read(path, libraries="torch 1") == ()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"version": 1}'])
def test_a_file_that_is_no_such_document_is_ignored(path, content):
    path.parent.mkdir()
    path.write_text(content)
    assert read(path, libraries="torch 1") == ()
    kept(path, probe(1))
    assert read(path, libraries="torch 1") == (probe(1),)


def test_nothing_is_read_where_nothing_lies(path):
    assert read(path, libraries="torch 1") == ()
