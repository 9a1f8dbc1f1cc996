from pathlib import Path

import pytest

from sweeper.errors import SpecError
from sweeper.store.paths import SweepPaths, cache_root, runs_root, safe_name


@pytest.mark.parametrize("name", ["a", "uecfood", "food-256_v2.1", "0", "x" * 64])
def test_an_ordinary_name_is_taken_as_it_is(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc", ".hidden", "-rf", "x" * 65, "a b", "a\n", "\u00e9t\u00e9",
     "a\0", "trailing.", "*", "$HOME", "~"],
)  # fmt: skip
def test_a_name_that_could_leave_the_runs_folder_is_refused(name, tmp_path):
    with pytest.raises(SpecError, match="cannot name a sweep"):
        SweepPaths.of(name, tmp_path)


def test_every_file_of_a_sweep_lies_in_its_folder_but_for_the_shared_store(tmp_path):
    paths = SweepPaths.of("toy", tmp_path)
    own = [paths.spec, paths.record, paths.checkpoints, paths.tune, paths.log]
    assert all(path.parent == tmp_path / "toy" for path in own)
    assert len({path.name for path in own}) == len(own)
    assert paths.mlflow == tmp_path / "mlflow.db"
    assert paths.name == "toy"
    assert not paths.root.exists(), "naming a file must not create it"


@pytest.mark.parametrize(
    ("setting", "expected"), [(None, "runs"), ("", "runs"), ("elsewhere", "elsewhere"), ("/a/b", "/a/b")]
)
def test_the_runs_folder_is_what_the_environment_says_or_runs_here(setting, expected, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SWEEPER_RUNS", raising=False)
    if setting is not None:
        monkeypatch.setenv("SWEEPER_RUNS", setting)
    assert runs_root() == tmp_path / expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"SWEEPER_CACHE": "/big/cache", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/big/cache"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/sweeper"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/sweeper"),
        ({"HOME": "/h"}, "/h/.cache/sweeper"),
    ],
)
def test_the_cache_follows_the_environment(environment, expected, monkeypatch):
    for name in ("SWEEPER_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cache_root() == Path(expected)
