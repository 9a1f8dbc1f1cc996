"""A verb that reads writes nothing: a record can be looked at where nothing can be written."""

import os
import shutil
import subprocess
import sys

import pytest

from sweeper.cli.parts.ending import say as say_end
from sweeper.launch.driver import Ending

READING = [
    ("best",),
    ("best", "--json"),
    ("best", "--by", "cost"),
    ("status",),
    ("status", "--json"),
    ("cost",),
    ("cost", "--format", "csv"),
    ("logs",),
    ("logs", "0"),
    ("compare", "other"),
]


def contents(root):
    """Every file with its bytes and the time of its last change."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("ending", ["done", "interrupted"])
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_what_only_reads_changes_no_file(words, ending, make_run, runs, say, capsys):
    make_run("other")
    make_run("toy", ending)
    say_end(Ending(0, "done", 0), "toy")
    verb, *options = words
    before = contents(runs)
    assert say(verb, "toy", *options).code == 0
    assert contents(runs) == before


@pytest.mark.parametrize("ending", ["done", "interrupted"])
def test_a_list_of_sweeps_changes_no_file(ending, make_run, runs, say):
    make_run("toy", ending)
    before = contents(runs)
    assert say("list").code == 0
    assert contents(runs) == before


LOOK = """
import sys
from sweeper.cli import run
codes = {words: run(words.split()) for words in sys.argv[1:]}
assert not any(codes.values()), codes
"""
MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


@pytest.mark.slow(reason="starts Python anew")
@pytest.mark.parametrize("ending", ["done", "interrupted"])
def test_a_folder_that_cannot_be_written_can_be_read(ending, make_run, runs, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("this machine has no namespaces for users")
    make_run("other")
    make_run("toy", ending)
    root = shutil.copytree(runs, tmp_path / "runs")
    verbs = [" ".join((verb, "toy", *options)) for verb, *options in READING]
    look = [sys.executable, "-c", LOOK, *verbs, "list"]
    environment = {**os.environ, "SWEEPER_RUNS": str(root)}
    said = subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNT, root, *look], env=environment, capture_output=True, text=True
    )
    assert said.returncode == 0, said.stderr
