import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import open_source
from sweeper.data.prepare import prepare
from sweeper.errors import DataError

SMALL = {"source": "synthetic", "classes": 3, "per_class": 8, "size": 16}


def source(**changes):
    return open_source(DatasetSpec.model_validate({**SMALL, **changes}))


def build(cache, pixels=8, **changes):
    return prepare(source(**changes), [pixels], cache)[0]


def test_a_store_holds_the_pixels_and_labels_of_its_source(tmp_path):
    store = build(tmp_path, pixels=16)
    given = source()
    assert store.images.shape == (24, 16, 16, 3)
    for row in store.rows:
        assert np.array_equal(store.images[row.number].numpy(), given.read(row.number))
        assert row.label == given.items[row.number].label


def test_a_store_is_mapped_and_not_copied(tmp_path):
    store = build(tmp_path)
    addresses = [
        [int(side, 16) for side in line.split()[0].split("-")]
        for line in Path("/proc/self/maps").read_text().splitlines()
        if str(store.path) in line
    ]
    assert any(low <= store.images.data_ptr() < high for low, high in addresses)


def test_writing_into_the_images_leaves_the_file_alone(tmp_path):
    store = build(tmp_path)
    before = store.path.read_bytes()
    store.images.zero_()
    assert store.path.read_bytes() == before


def test_a_store_says_what_it_holds_in_its_metadata(tmp_path):
    store = build(tmp_path)
    about = json.loads(pa.ipc.open_file(store.path).schema.metadata[b"sweeper"])
    assert about["classes"] == ["texture 0", "texture 1", "texture 2"]
    assert about["format"] == 2
    assert "pillow" in about["recipe"]
    assert {"bad", "notes", "source"} <= set(about)


def test_several_sizes_are_decoded_in_one_pass_and_equal_those_built_alone(tmp_path):
    together = prepare(source(size=40), [8, 16, 24], tmp_path / "together")
    for store, pixels in zip(together, [8, 16, 24], strict=True):
        assert torch.equal(store.images, build(tmp_path / str(pixels), pixels, size=40).images)


def test_a_second_opening_reads_no_image(tmp_path):
    build(tmp_path)
    given = source()
    given.read = None  # would raise
    assert prepare(given, [8], tmp_path)[0].images.shape[0] == 24


def test_threads_that_start_together_build_once(tmp_path):
    reads = []

    def work():
        given = source()
        read = given.read
        given.read = lambda index: reads.append(index) or read(index)
        prepare(given, [8], tmp_path)

    build(tmp_path, 12)  # the index is there: what is counted is decoding
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reads) == 24


BUILD = """
import sys, time
from pathlib import Path
from sweeper.data.prepare import prepare
from sweeper.data.dataset import open_source
from sweeper.config.sections import DatasetSpec
given = open_source(DatasetSpec(source="digits"))
read, done = given.read, []
def slowly(index):
    done.append(index)
    if len(done) == 1900:
        print("reading", flush=True)
        time.sleep(900)
    return read(index)
given.__dict__["read"] = slowly
prepare(given, [8], Path(sys.argv[1]))
"""


@pytest.mark.slow(reason="starts Python anew, and there imports torch")
def test_a_killed_build_leaves_nothing_and_the_next_one_succeeds(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"reading\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = [path.name for path in (tmp_path / "stores").rglob("*") if path.is_file()]
    assert set(left) <= {".lock"}
    assert len(prepare(open_source(DatasetSpec(source="digits")), [8], tmp_path)[0].rows) == 1797


def damage_truncate(path):
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def damage_alter(path):
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0xFF]))


def damage_remove(path):
    path.unlink()


def damage_mark(path):
    mark = path.with_suffix(".json")
    mark.write_text("{not json")


@pytest.mark.parametrize("damage", [damage_truncate, damage_alter, damage_remove, damage_mark])
def test_a_damaged_store_is_found_and_built_again(tmp_path, damage, caplog):
    store = build(tmp_path)
    images, path = store.images.clone(), store.path
    del store
    path.chmod(0o644)
    time.sleep(0.01)
    damage(path)
    with caplog.at_level(logging.WARNING):
        again = build(tmp_path)
    assert torch.equal(again.images, images)
    assert damage is damage_mark or "built again" in caplog.text


def test_a_store_that_was_only_touched_is_used_as_it_is(tmp_path, caplog):
    store = build(tmp_path)
    os.utime(store.path, (1, 1))
    build(tmp_path)
    assert not caplog.records


def test_a_store_of_a_newer_version_is_refused(tmp_path):
    store = build(tmp_path)
    mark = store.path.with_suffix(".json")
    mark.write_text(json.dumps({**json.loads(mark.read_text()), "format": 99}))
    with pytest.raises(DataError, match="newer sweeper"):
        build(tmp_path)


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_decoded(tmp_path):
    with pytest.raises(DataError, match=r"disk is full.*GB are needed"):
        build(tmp_path, pixels=2_000_000)
    assert not list(tmp_path.rglob("*.arrow"))


FULL = """
import resource, signal, sys
from pathlib import Path
from sweeper.data.prepare import prepare
from sweeper.data.dataset import open_source
from sweeper.errors import DataError
from sweeper.config.sections import DatasetSpec
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
given = open_source(DatasetSpec(source="digits"))
prepare(given, [4], Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    prepare(given, [32], Path(sys.argv[1]))
except DataError as error:
    print(error)
"""


@pytest.mark.slow(reason="starts Python anew, and there imports torch")
def test_a_write_that_fails_leaves_nothing_half_written(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "cannot be written" in done.stdout
    names = {path.name for path in (tmp_path / "stores").rglob("*") if path.is_file()}
    assert names == {".lock", ".used", "4.arrow", "4.json"}


def test_other_content_is_another_store(tmp_path):
    assert build(tmp_path).path != build(tmp_path, seed=1).path
    assert len(list(tmp_path.rglob("8.arrow"))) == 2


def test_a_cache_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="SWEEPER_CACHE"):
        build(tmp_path / "file")
