import os

import pytest
import torch
from filelock import FileLock

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import open_source
from sweeper.data.gc import collect, kept, limit_bytes
from sweeper.data.prepare import prepare


def build(cache, seed):
    spec = {"source": "synthetic", "classes": 2, "per_class": 30, "size": 16, "seed": seed}
    return prepare(open_source(DatasetSpec.model_validate(spec)), [16], cache)[0]


@pytest.fixture
def cache(tmp_path):
    """Three stores, opened in the order of their seeds."""
    for seed in range(3):
        os.utime(build(tmp_path, seed).path.parent / ".used", (1000 + seed, 1000 + seed))
    return tmp_path


def test_the_store_that_was_not_opened_for_longest_goes_first(cache):
    sizes = [each.bytes for each in kept(cache)]
    removed = collect(cache, sum(sizes) - 1)
    assert [each.used for each in removed] == [1000]
    assert [each.used for each in kept(cache)] == [1002, 1001]


def test_within_the_limit_nothing_is_removed(cache):
    assert collect(cache, 10**9) == []


def test_a_store_that_is_being_built_is_left_alone(cache):
    oldest = kept(cache)[-1].folder
    with FileLock(oldest / ".lock"):
        removed = collect(cache, 0)
    assert len(removed) == 2
    assert [each.folder for each in kept(cache)] == [oldest]


def test_the_store_in_hand_is_spared(cache):
    folder = kept(cache)[1].folder
    collect(cache, 0, spare=folder)
    assert [each.folder for each in kept(cache)] == [folder]


def test_a_removed_store_stays_readable_where_it_is_open_and_is_built_again(cache):
    store = build(cache, 0)
    before = store.images.clone()
    collect(cache, 0)
    assert torch.equal(store.images, before)
    assert torch.equal(build(cache, 0).images, before)


def test_building_keeps_the_cache_within_its_limit(cache, monkeypatch):
    monkeypatch.setenv("SWEEPER_CACHE_GB", "0.00001")
    build(cache, 7)
    assert len(kept(cache)) == 1


def test_the_limit_is_a_number_of_gigabytes(monkeypatch):
    monkeypatch.setenv("SWEEPER_CACHE_GB", "2.5")
    assert limit_bytes() == 2_500_000_000
    monkeypatch.setenv("SWEEPER_CACHE_GB", "plenty")
    assert limit_bytes() == 100_000_000_000
